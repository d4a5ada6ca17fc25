"""The demo with workers in the file system of the pushed image."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.exhaustive]
REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_demo_grades_in_the_image(
    project: Any, ended: Callable[[subprocess.Popen[str]], str]
) -> None:
    """Builds, pushes, deploys and grades; afterwards the files of `local` name no image."""
    shutil.copytree(REPOSITORY / "grader", project.root / "grader")
    for name in ("Dockerfile", "pyproject.toml", "requirements/constraints.txt"):
        (project.root / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, project.root / name)
    folder = project.root / "environments" / "local"
    before = (folder / "terraform.tfvars").read_text()

    process = project.start_demo(IMAGE="1")
    printed = ended(process)

    assert process.returncode == 0, printed
    assert "every result is as expected" in printed
    status = printed.split("=== engines and workers")[1].partition("=== problems")[0]
    workers = [line for line in status.splitlines() if "/health" in line]
    assert len(workers) == 2
    assert all("image sha256:" in line for line in workers), status
    assert not (folder / "release.json").exists()
    assert (folder / "terraform.tfvars").read_text() == before
    project.assert_nothing_is_left([])
