"""
What `make bench` runs: each figure beside a baseline from the same run, into build/bench.json.

First the judge by itself, on a quiet machine. Then the demo: it runs, is timed, is measured on what
it left running, and is stopped. `make bench ARGS=judge` leaves out the demo and all that needs it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import against_others
import command_line
import known_cases
import latency
import native
import sandboxed
import throughput
import whole_submissions
from figures import Absent, Figure, Measured, write
from local_stack import ROOT, Local
from progress import say

from grader.languages import find
from grader.sandbox.headers import install_headers
from grader.sandbox.launcher import Launcher
from grader.sandbox.temporary import installed_launcher


def judge() -> Measured:
    """Without queue, bucket and database, on a sandbox as an image has it."""
    with installed_launcher() as launcher:
        say("precompiling bits/stdc++.h, as when an image is made")
        install_headers(Launcher.open(launcher).box_root, [find("cpp")])
        for part in (sandboxed, native, whole_submissions, known_cases, against_others):
            yield from part.measure(launcher)


def system() -> Measured:
    """Everything, on the real engines."""
    say("the demo")
    yield from _demo()
    try:
        say("latency and throughput")
        local = Local.find()
        yield from command_line.measure()
        yield from latency.measure(local)
        yield from throughput.measure(local)
    finally:
        subprocess.run(
            [sys.executable, "-m", "gradectl.cli", "local", "down"], cwd=ROOT, check=True
        )


def _demo() -> Measured:
    """Against the part of it that is Terraform's apply, most of which is the provider's waits."""
    environment = {**os.environ, "KEEP": "1"}
    subprocess.run([sys.executable, "examples/demo"], cwd=ROOT, env=environment, check=True)
    document = json.loads((ROOT / "build" / "demo.json").read_text())
    yield (
        "demo_seconds",
        Figure(document["total_seconds"], "seconds", document["steps"]["apply"], 1),
    )


_PARTS = {"judge": judge, "system": system}


def main() -> None:
    """Measure what was asked for, by default all."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", *_PARTS), default="all")
    wanted = parser.parse_args().part
    figures: dict[str, Figure | Absent] = {}
    for name, measure in _PARTS.items():
        if wanted in ("all", name):
            figures.update(measure())
    write(figures, ROOT / "build" / "bench.json")


if __name__ == "__main__":
    main()
