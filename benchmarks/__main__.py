"""
What `make bench` runs: each figure beside a baseline from the same run, into build/bench.json.

It runs the demo, times it, measures on what the demo left running, and stops it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain

import command_line
import latency
import sandboxed
import throughput
from figures import Figure, write
from local_stack import ROOT, Local


def demo() -> Iterator[tuple[str, Figure]]:
    """Against the part of it that is Terraform's apply, most of which is the provider's waits."""
    environment = {**os.environ, "KEEP": "1"}
    subprocess.run([sys.executable, "examples/demo"], cwd=ROOT, env=environment, check=True)
    document = json.loads((ROOT / "build" / "demo.json").read_text())
    yield (
        "demo_seconds",
        Figure(document["total_seconds"], "seconds", document["steps"]["apply"], 1),
    )


def main() -> None:
    """Measure everything."""
    figures = dict(demo())
    try:
        local = Local.find()
        figures |= chain(
            command_line.measure(),
            latency.measure(local),
            sandboxed.measure(local.launcher),
            throughput.measure(local),
        )
    finally:
        subprocess.run(
            [sys.executable, "-m", "gradectl.cli", "local", "down"], cwd=ROOT, check=True
        )
    write(figures, ROOT / "build" / "bench.json")


if __name__ == "__main__":
    main()
