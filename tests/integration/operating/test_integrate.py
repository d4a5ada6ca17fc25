"""The programs of docs/integrate.md, run as they stand there against a real broker and worker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "integrate.md").read_text()
#: The environment that the page names.
PAGES_NAME = "exams"
NPM = shutil.which("npm")


def block(language: str) -> str:
    """The only code block of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def grading(make_applied: Callable[[], Any], launcher: Path) -> Iterator[Any]:
    """An environment with one worker and the problem `sum`."""
    applied = make_applied()
    for key in ("username", "password"):
        value = {"username": applied.broker.user, "password": applied.broker.password}[key]
        applied.set_parameter(f"mq-web/{key}", value)
    worker = subprocess.Popen(
        [sys.executable, "-m", "grader", "worker"],
        env=applied.worker_environment(launcher),
        stderr=subprocess.DEVNULL,
    )
    pushed = applied.gradectl("problem", "push", str(ROOT / "examples" / "problems" / "sum"))
    assert pushed.code == 0, pushed.stderr
    yield applied
    worker.terminate()
    worker.wait(30)
    applied.stack.close()


def output(command: list[str], environ: Mapping[str, str], folder: Path) -> str:
    """What a program prints."""
    done = subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_python_program_gets_its_verdict(grading: Any, tmp_path: Path) -> None:
    """Of its own submission."""
    program = tmp_path / "program.py"
    program.write_text(block("python").replace(f'"{PAGES_NAME}"', f'"{grading.name}"'))

    printed = output([sys.executable, str(program)], grading.environ(), tmp_path)

    assert printed == "completed AC 100"


@pytest.mark.skipif(NPM is None, reason="npm is not installed; see https://nodejs.org")
def test_the_node_program_gets_its_verdict(grading: Any, tmp_path: Path) -> None:
    """With the packages that the page installs, from the registry."""
    (install,) = re.findall(r"^npm install .*$", PAGE, re.MULTILINE)
    output([*install.split(), "--no-audit", "--no-fund"], os.environ, tmp_path)
    (tmp_path / "program.js").write_text(block("js"))
    environ = {
        **grading.environ(),
        "GRADING_ENVIRONMENT": grading.name,
        "AWS_REGION": "ap-northeast-2",
    }

    printed = output(["node", "program.js"], environ, tmp_path)

    assert printed == "completed AC 100"
