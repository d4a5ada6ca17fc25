"""
Starts a local environment, grades the sample submissions, and stops it: `make demo`.

Every step runs a command that a user could type. The exit code is not 0 if any result deviates from
examples/submissions.yaml. `KEEP=1` leaves the environment running, with the page of the HTTP API,
and prints its URL with a key. With `IMAGE=1` the workers run
from the file system of the image that is built and pushed first. `TRANSPORT=sqs` deploys
`local-sqs`, which has queues of SQS and no broker.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from command import (
    ROOT,
    TRANSPORT,
    CommandError,
    ask,
    clean_up,
    environment,
    gradectl,
    stop,
    stopped_by,
)
from http_api import api_url, deviations, make_key
from submissions import SampleResult, lookup_deviations, read_samples, submit_all

_COLUMNS = (
    *("submission", "language", "request", "expected", "got"),
    *("time", "memory", "total", ""),
)
_SAMPLE = "100"  # more than the messages of the demo
_INSPECTED = (0, 3)  # 3: not all messages could be read, such as those in flight
_MESSAGES_SECONDS = 60.0  # a worker sends its message after it has stored the result
_USAGE = 2  # exit code of a wrong argument
_NEXT = """
Try next{hint}:
  . .venv/bin/activate
  gradectl local status
  gradectl submit --problem sum --language python examples/submissions/sum/accepted.py --wait
  gradectl queue list
  gradectl queue inspect grading-dlq{sample}
  gradectl local down
"""
_HINT = " (after `KEEP=1 make demo`, which leaves the environment running)"
_PAGE = """\
The page of the HTTP API: {url}
  key of the user demo, shown only here and valid for a day:
  {key}
  revoke it: gradectl api-key revoke {environment} {key_id}
"""


class Demo:
    """The steps of the demo, with their durations."""

    def __init__(self, *, image: bool) -> None:
        self.image = image
        self.environment = environment()
        self.seconds: dict[str, float] = {}
        self.deviations: list[str] = []
        self.url = self.key = ""

    def step(self, name: str, work: Callable[[], None]) -> None:
        """Run one step and record its duration."""
        print(f"\n=== {name} ===", flush=True)
        started = time.monotonic()
        work()
        self.seconds[name] = round(time.monotonic() - started, 1)

    def run(self) -> None:
        """Run all steps; raises `CommandError` when one fails."""
        name = self.environment
        self.step("control plane", lambda: gradectl("local", "up", name))
        self.step("bootstrap", lambda: gradectl("bootstrap", name, "--yes"))
        self.step("render", lambda: gradectl("render", name))
        if self.image:
            push = ("image", "push", name, "--base", "debootstrap", "--yes")
            self.step("image", lambda: gradectl(*push))
        self.step("deploy", lambda: gradectl("deploy", name, "--yes"))
        self.step("engines and workers", lambda: gradectl("local", "status", "--wait", "60"))
        self.step("problems", self.push)
        self.step("submissions", self.grade)
        self.step("queues", self.show_queues)
        self.step("HTTP API", self.use_api)

    def push(self) -> None:
        """Upload the two problems."""
        for problem in ("sum", "shortest-path"):
            folder = f"examples/problems/{problem}"
            gradectl("problem", "push", "--environment", self.environment, folder)

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
        gradectl("queue", "list", "--environment", self.environment)
        gradectl(*inspect("grading-dlq"))

    def use_api(self) -> None:
        """Make a key, and submit by the HTTP API."""
        self.url, self.key = api_url(), make_key()
        self.deviations += deviations(self.url, self.key)


def failed_ids(results: Sequence[SampleResult]) -> list[str]:
    """Return the ids of failed requests, which must be in the dead-letter queue."""
    return [each.request_id for each in results if each.result["status"] == "failed"]


def inspect(queue: str) -> list[str]:
    """Return the command that shows the messages of a queue; SQS shows only a sample of them."""
    sample = ["--sample", _SAMPLE] if TRANSPORT == "sqs" else []
    return ["queue", "inspect", "--environment", environment(), queue, *sample]


def check_queue(queue: str, expected: Sequence[str]) -> list[str]:
    """Compare the request ids in a queue with the expected ones; returns the deviations."""
    deadline = time.monotonic() + _MESSAGES_SECONDS
    while True:
        found = ask(*inspect(queue), allowed=_INSPECTED)
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
    """Return to the files of the repository, in which the environment has no image."""
    (ROOT / "environments" / environment() / "release.json").unlink(missing_ok=True)
    clean_up("render", environment())


def report(demo: Demo, total: float, *, keep: bool) -> int:
    """Print the report, write the durations for the benchmark, and return the exit code."""
    show(("step", "seconds"), [(name, str(taken)) for name, taken in demo.seconds.items()])
    document: dict[str, Any] = {"total_seconds": round(total, 1), "steps": demo.seconds}
    (ROOT / "build").mkdir(exist_ok=True)
    name = "demo.json" if TRANSPORT == "activemq" else f"demo-{TRANSPORT}.json"
    (ROOT / "build" / name).write_text(json.dumps(document, indent=2) + "\n")
    for text in demo.deviations:
        print(f"DEVIATES: {text}", file=sys.stderr)
    if demo.deviations:
        return 1
    print(f"The demo passed in {total:.0f} seconds: every result is as expected.")
    sample = f" --sample {_SAMPLE}" if TRANSPORT == "sqs" else ""
    print(_NEXT.format(hint="" if keep else _HINT, sample=sample), flush=True)
    if keep:
        key_id = demo.key.split("_")[1]
        page = {"url": demo.url, "key": demo.key, "key_id": key_id}
        print(_PAGE.format(environment=demo.environment, **page), flush=True)
    else:
        print(f"The page was at {demo.url}; `KEEP=1 make demo` keeps it.", flush=True)
    return 0


def main() -> int:
    """Run the demo, and stop the environment in any case; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    keep = os.environ.get("KEEP") == "1"
    started = time.monotonic()
    is_finished = False
    try:
        demo = Demo(image=os.environ.get("IMAGE") == "1")
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
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
