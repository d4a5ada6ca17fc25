"""
Entry point of `make bench`: writes figures and their baselines to build/bench.json.

Measures the judge first, without the rest of the system. Then it runs and times the demo, measures
the environment that the demo leaves running, and stops it. Then it reads long queues of a broker of
its own, measures a worker on queues of an emulated SQS, runs functions by the API, and loads the
API. Then it builds the image of the worker, visits the page of the API with a browser, delivers
webhooks to a receiver, and publishes results over Redis.
`make bench ARGS=judge` runs the first part only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import against_others
import command_line
import deploying
import functions
import http_api
import image
import known_cases
import latency
import native
import page
import pushing
import queues
import redriving
import sandboxed
import sqs
import throughput
import webhooks
import whole_submissions
from figures import Absent, Figure, Measured, write
from local_stack import ROOT, Local
from progress import say

from grader.languages import find
from grader.sandbox.headers import install_headers
from grader.sandbox.launcher import Launcher
from grader.sandbox.temporary import installed_launcher


def judge() -> Measured:
    """Measure the judge without queue, bucket and database, in a sandbox as in the image."""
    against_others.prepare()
    with installed_launcher() as launcher:
        say("precompiling bits/stdc++.h, as in the image")
        install_headers(Launcher.open(launcher).box_root, [find("cpp")])
        for part in (sandboxed, native, whole_submissions, known_cases, against_others):
            yield from part.measure(launcher)


def system() -> Measured:
    """Measure the whole system, with the real engines."""
    say("the demo")
    yield from _demo()
    try:
        say("plan and deploy")
        yield from deploying.measure()
        say("latency and throughput")
        local = Local.find()
        yield from command_line.measure()
        yield from latency.measure(local)
        yield from throughput.measure(local)
        yield from redriving.measure(local)
    finally:
        subprocess.run(
            [sys.executable, "-m", "gradectl.cli", "local", "down"], cwd=ROOT, check=True
        )


def _demo() -> Measured:
    """Baseline: the deployment within the demo, which mostly waits in the provider."""
    environment = {**os.environ, "KEEP": "1"}
    subprocess.run([sys.executable, "examples/demo"], cwd=ROOT, env=environment, check=True)
    document = json.loads((ROOT / "build" / "demo.json").read_text())
    yield (
        "demo_seconds",
        Figure(document["total_seconds"], "seconds", document["steps"]["deploy"], 1),
    )


_PARTS = {
    "judge": judge,
    "system": system,
    "queues": queues.measure,
    "sqs": sqs.measure,
    "functions": functions.measure,
    "api": http_api.measure,
    "image": image.measure,
    "page": page.measure,
    "webhooks": webhooks.measure,
    "pushing": pushing.measure,
}


def main() -> None:
    """Measure the requested part, by default everything."""
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
