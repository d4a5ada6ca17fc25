"""
Starts a local environment, grades the sample submissions, and stops it: `make demo`.

Every step runs a command that a user could type. The exit code is not 0 if any result deviates from
examples/submissions.yaml. `KEEP=1` leaves the environment running. With `IMAGE=1` the workers run
from the file system of the image that is built and pushed first.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from command import ROOT, CommandError, ask, clean_up, gradectl, stop, stopped_by
from submissions import SampleResult, lookup_deviations, read_samples, submit_all

_COLUMNS = (
    *("submission", "language", "request", "expected", "got"),
    *("time", "memory", "total", ""),
)
_MESSAGES_SECONDS = 60.0  # a worker sends its message after it has stored the result
_NEXT = """
Try next{hint}:
  . .venv/bin/activate
  gradectl local status
  gradectl submit --problem sum --language python examples/submissions/sum/accepted.py --wait
  gradectl queue list
  gradectl queue inspect grading-dlq
  gradectl local down
"""


class Demo:
    """The steps of the demo, with their durations."""

    def __init__(self, *, image: bool) -> None:
        self.image = image
        self.seconds: dict[str, float] = {}
        self.deviations: list[str] = []

    def step(self, name: str, work: Callable[[], None]) -> None:
        """Run one step and record its duration."""
        print(f"\n=== {name} ===", flush=True)
        started = time.monotonic()
        work()
        self.seconds[name] = round(time.monotonic() - started, 1)

    def run(self) -> None:
        """Run all steps; raises `CommandError` when one fails."""
        self.step("control plane", lambda: gradectl("local", "up"))
        self.step("bootstrap", lambda: gradectl("bootstrap", "local", "--yes"))
        self.step("render", lambda: gradectl("render", "local"))
        if self.image:
            push = ("image", "push", "local", "--base", "debootstrap", "--yes")
            self.step("image", lambda: gradectl(*push))
        self.step("deploy", lambda: gradectl("deploy", "local", "--yes"))
        self.step("engines and workers", lambda: gradectl("local", "status", "--wait", "60"))
        self.step("problems", self.push)
        self.step("submissions", self.grade)
        self.step("queues", self.show_queues)

    def push(self) -> None:
        """Upload the two problems."""
        for problem in ("sum", "shortest-path"):
            gradectl("problem", "push", "--environment", "local", f"examples/problems/{problem}")

    def grade(self) -> None:
        """Submit all samples, print the table, and compare results, rows and queues."""
        samples = read_samples()
        print(f"sending {len(samples)} submissions to two problems ...", flush=True)
        results = submit_all(samples)
        show(_COLUMNS, [each.cells for each in results])
        self.deviations += [text for each in results for text in each.deviations]
        self.deviations += check_queue("grading-results", [each.request_id for each in results])
        self.deviations += check_queue("grading-dlq", failed_ids(results))
        self.deviations += lookup_deviations(results)

    def show_queues(self) -> None:
        """Show the queues and the dead letters."""
        gradectl("queue", "list", "--environment", "local")
        gradectl("queue", "inspect", "--environment", "local", "grading-dlq")


def failed_ids(results: Sequence[SampleResult]) -> list[str]:
    """Return the ids of failed requests, which must be in the dead-letter queue."""
    return [each.request_id for each in results if each.result["status"] == "failed"]


def check_queue(queue: str, expected: Sequence[str]) -> list[str]:
    """Compare the request ids in a queue with the expected ones; returns the deviations."""
    deadline = time.monotonic() + _MESSAGES_SECONDS
    while True:
        found = ask("queue", "inspect", "--environment", "local", queue)
        ids = [message["request_id"] for message in found["messages"]]
        if sorted(ids) == sorted(expected) and found["complete"]:
            print(f"{queue}: {len(ids)} messages, as expected", flush=True)
            return []
        if time.monotonic() > deadline:
            return [f"{queue} has {sorted(ids)}, expected {sorted(expected)}"]


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, ["-" * width for width in widths], *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    print(flush=True)


def deselect_image() -> None:
    """Return to the files of the repository, in which `local` has no image."""
    (ROOT / "environments" / "local" / "release.json").unlink(missing_ok=True)
    clean_up("render", "local")


def report(demo: Demo, total: float, *, keep: bool) -> int:
    """Print the report, write the durations for the benchmark, and return the exit code."""
    show(("step", "seconds"), [(name, str(taken)) for name, taken in demo.seconds.items()])
    document: dict[str, Any] = {"total_seconds": round(total, 1), "steps": demo.seconds}
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "demo.json").write_text(json.dumps(document, indent=2) + "\n")
    for text in demo.deviations:
        print(f"DEVIATES: {text}", file=sys.stderr)
    if demo.deviations:
        return 1
    print(f"The demo passed in {total:.0f} seconds: every result is as expected.")
    print(
        _NEXT.format(
            hint="" if keep else " (after `KEEP=1 make demo`, which leaves the environment running)"
        ),
        flush=True,
    )
    return 0


def main() -> int:
    """Run the demo, and stop the environment in any case; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    keep = os.environ.get("KEEP") == "1"
    started = time.monotonic()
    demo, is_finished = Demo(image=os.environ.get("IMAGE") == "1"), False
    try:
        demo.run()
        is_finished = True
    except CommandError as error:
        print("\nstopping ..." if stopped_by() else f"\nerror: {error}", file=sys.stderr)
    finally:
        signal_number = stopped_by()
        if signal_number or not (keep and is_finished):
            clean_up("local", "down")
            if demo.image:
                deselect_image()
    if signal_number:
        return 128 + signal_number
    return report(demo, time.monotonic() - started, keep=keep) if is_finished else 1


if __name__ == "__main__":
    sys.exit(main())
