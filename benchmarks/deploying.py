"""Time that gradectl adds to Terraform, and time of a deployment that changes nothing."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from figures import Aim, Figure, Measured, clocked, timed
from local_stack import ROOT

from gradectl.cloud import CloudContext
from gradectl.context import process_environment
from gradectl.deploy.deployment import Deployment
from gradectl.options import GlobalOptions

_RUNS = 3
_ENVIRONMENT = "local"
_GRADECTL = [sys.executable, "-m", "gradectl.cli"]


def measure() -> Measured:
    """Baseline: bare `terraform init`, `plan` and `show` on the same root; they take turns."""
    bare = BareTerraform()
    timed(bare.run)  # fills the caches of both
    pairs = [(timed(_run, "plan", _ENVIRONMENT), timed(bare.run)) for _ in range(_RUNS)]
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    yield "plan_overhead_ratio", Figure(ours / theirs, "ratio", 1, _RUNS, Aim(1.15))
    yield "plan_seconds", Figure(ours, "seconds", theirs, _RUNS)
    yield from _deploy_without_changes(theirs)


def _deploy_without_changes(bare_plan: float) -> Measured:
    """Baseline of the whole: a bare plan; of each step: the whole, so the ratio is its share."""
    seconds, output = clocked(_run, "deploy", _ENVIRONMENT, "--yes", "--output", "json")
    events = [json.loads(line) for line in output.splitlines()]
    steps = next(each["report"]["steps"] for each in events if each["event"] == "finished")
    yield "deploy_noop_seconds", Figure(seconds, "seconds", bare_plan, 1)
    for step in steps:
        name = f"deploy_noop_{step['name']}_seconds"
        yield name, Figure(step["seconds"], "seconds", seconds, 1)


def _run(*words: str) -> str:
    """Run gradectl and return its output."""
    command = [*_GRADECTL, *words]
    done = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return done.stdout


class BareTerraform:
    """Terraform with the variables of the environment, and without what gradectl adds."""

    def __init__(self) -> None:
        app = CloudContext(GlobalOptions(), process_environment(), ROOT)
        settings = Deployment.open(app, _ENVIRONMENT, lock_timeout_seconds=10).settings
        self._directory = settings.directory
        self._files = (settings.backend_file, settings.var_file)
        self._environ = {
            **{name: value for name, value in os.environ.items() if name != "GOGC"},
            **settings.environ,
            **settings.secrets,
            "TF_DATA_DIR": str(settings.data_dir),
            "CHECKPOINT_DISABLE": "1",  # a look for updates fails slowly without a network
        }

    def run(self) -> None:
        """Compute a plan and show it."""
        backend, values = self._files
        file = Path(self._environ["TF_DATA_DIR"]) / "bare.plan"
        try:
            self._terraform("init", "-input=false", "-reconfigure", f"-backend-config={backend}")
            self._terraform("plan", "-input=false", f"-var-file={values}", f"-out={file}")
            self._terraform("show", "-json", str(file))
        finally:
            file.unlink(missing_ok=True)

    def _terraform(self, *words: str) -> None:
        subprocess.run(
            ["terraform", *words],
            cwd=self._directory,
            env=self._environ,
            check=True,
            stdout=subprocess.DEVNULL,
        )
