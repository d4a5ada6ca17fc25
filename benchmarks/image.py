"""Size of the image of the worker, and time of its builds with buildah."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from figures import Absent, Aim, Figure, Measured, clocked
from local_stack import ROOT
from progress import say

_FIGURES = ("image_bytes", "image_build_seconds", "image_build_again_seconds")
_REBUILD = "image_rebuild_seconds"
_PROGRAMS = ("buildah", "mmdebstrap")


def measure() -> Measured:
    """Baseline: the base image for the size, and the first build for the time of the others."""
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    if missing:
        reason = f"no {', '.join(missing)}: make image installs it"
        yield from ((name, Absent(reason)) for name in (*_FIGURES, _REBUILD))
        return
    with tempfile.TemporaryDirectory() as folder:
        project = _copy(Path(folder))
        say("the image of the worker: every instruction, again, and after a change")
        _build(project)  # makes and imports the base, which all builds need
        bare, _ = clocked(_bare, project)
        first, built = clocked(_build, project, "--no-cache")
        again, _ = clocked(_build, project)
        with (project / "grader" / "errors.py").open("a") as file:
            file.write("# changed\n")
        changed, _ = clocked(_build, project)
    base = _inspected(_base(built))
    yield "image_bytes", Figure(built["bytes"], "bytes", base, 1)
    yield "image_build_seconds", Figure(first, "seconds", bare, 1)
    yield "image_build_again_seconds", Figure(again, "seconds", first, 1)
    yield _REBUILD, Figure(changed, "seconds", first, 1, Aim(10))
