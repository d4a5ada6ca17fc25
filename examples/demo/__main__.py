"""
From nothing to graded submissions, on real engines: what `make demo` runs.

Every step is a command that a person could type.  The exit status is not 0 when anything deviates.
`KEEP=1` leaves the environment running.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from command import ROOT, CommandError, ask, gradectl, stop, stopped_by, tidy_up
from submissions import Outcome, samples, send_all

_COLUMNS = (
    *("submission", "language", "request", "expected", "got"),
    *("time", "memory", "total", ""),
)
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
    """The steps, with the time that each took."""

    def __init__(self) -> None:
        """Nothing has been done yet."""
        self.seconds: dict[str, float] = {}
        self.deviations: list[str] = []

    def step(self, name: str, work: Callable[[], None]) -> None:
        """Do one step and keep its time."""
        print(f"\n=== {name} ===", flush=True)
        started = time.monotonic()
        work()
        self.seconds[name] = round(time.monotonic() - started, 1)

    def run(self) -> None:
        """Do all steps; raises `CommandError` when one cannot be done."""
        self.step("control plane", lambda: gradectl("local", "up"))
        self.step("bootstrap", lambda: gradectl("bootstrap", "local", "--yes"))
        self.step("render and plan", self.plan)
        self.step("apply", lambda: gradectl("apply", "local", "--yes"))
        self.step("engines and workers", lambda: gradectl("local", "status", "--wait", "60"))
        self.step("problems", self.push)
        self.step("submissions", self.grade)
        self.step("smoke test", lambda: gradectl("smoke", "local"))
        self.step("queues", self.look)

    def plan(self) -> None:
        """Show what will be made, from files that a person wrote."""
        gradectl("render", "local")
        gradectl("plan", "local")

    def push(self) -> None:
        """Upload the two problems."""
        for problem in ("sum", "shortest-path"):
            gradectl("problem", "push", "--environment", "local", f"examples/problems/{problem}")

    def grade(self) -> None:
        """Send every sample, show the table, and compare all that was stored."""
        chosen = samples()
        print(f"sending {len(chosen)} submissions over two problems ...", flush=True)
        outcomes = send_all(chosen)
        show(_COLUMNS, [outcome.cells for outcome in outcomes])
        self.deviations += [text for outcome in outcomes for text in outcome.deviations]
        self.deviations += strangers("grading-results", [each.request_id for each in outcomes])
        self.deviations += strangers("grading-dlq", failed(outcomes))

    def look(self) -> None:
        """Show the queues, as somebody on call would."""
        gradectl("queue", "list", "--environment", "local")
        gradectl("queue", "inspect", "--environment", "local", "grading-dlq")


def failed(outcomes: Sequence[Outcome]) -> list[str]:
    """Give the ids of those that must have been dead-lettered."""
    return [each.request_id for each in outcomes if each.result["status"] == "failed"]


def strangers(queue: str, wanted: Sequence[str]) -> list[str]:
    """Compare a queue with the requests that must be in it, each once."""
    found = ask("queue", "inspect", "--environment", "local", queue)
    ids = [message["request_id"] for message in found["messages"]]
    if sorted(ids) == sorted(wanted) and found["complete"]:
        print(f"{queue} holds exactly the {len(ids)} messages it should", flush=True)
        return []
    return [f"{queue} holds {sorted(ids)}, and should hold {sorted(wanted)}"]


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, ["-" * width for width in widths], *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    print(flush=True)


def report(demo: Demo, total: float, *, keep: bool) -> int:
    """Say how it went, keep the times for the benchmark, and choose the exit code."""
    show(("step", "seconds"), [(name, str(taken)) for name, taken in demo.seconds.items()])
    document: dict[str, Any] = {"total_seconds": round(total, 1), "steps": demo.seconds}
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "demo.json").write_text(json.dumps(document, indent=2) + "\n")
    for text in demo.deviations:
        print(f"DEVIATES: {text}", file=sys.stderr)
    if demo.deviations:
        return 1
    print(f"Everything was as it should be, in {total:.0f} seconds.")
    print(_NEXT.format(hint="" if keep else " (`KEEP=1 make demo` leaves it running)"), flush=True)
    return 0


def main() -> int:
    """Run the demo, and stop everything whatever happens; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    keep = os.environ.get("KEEP") == "1"
    started = time.monotonic()
    demo, finished, number = Demo(), False, None
    try:
        demo.run()
        finished = True
    except CommandError as error:
        print("\nstopping ..." if stopped_by() else f"\nerror: {error}", file=sys.stderr)
    finally:
        number = stopped_by()
        if number or not (keep and finished):
            tidy_up("local", "down")
    if number:
        return 128 + number
    return report(demo, time.monotonic() - started, keep=keep) if finished else 1


if __name__ == "__main__":
    sys.exit(main())
