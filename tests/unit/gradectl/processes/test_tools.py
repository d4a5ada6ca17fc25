"""Programs run until they end, and none is left afterwards."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gradectl.errors import GradectlError
from gradectl.processes.tools import Tools

SECONDS = 60  # a limit for a hung test


@pytest.fixture
def tools() -> Iterator[Tools]:
    """Programs that are stopped with the test."""
    found = Tools({**os.environ, "KEPT": "1"})
    yield found
    found.stop()


def python(script: str) -> list[str]:
    """The command of a small program."""
    return [sys.executable, "-c", script]


def test_both_streams_and_the_code_come_back(tools: Tools, tmp_path: Path) -> None:
    """Stdout and stderr are separate."""
    script = "import sys; print(sys.stdin.read()); print('talk', file=sys.stderr); sys.exit(3)"

    done = tools.run(python(script), tmp_path, text="data")

    assert (done.code, done.output.strip(), done.errors.strip()) == (3, "data", "talk")


def test_a_program_gets_its_environment_and_the_additions(tools: Tools, tmp_path: Path) -> None:
    """Additions apply to this program only."""
    script = "import os; print(os.environ['KEPT'], os.environ.get('ADDED'))"

    assert tools.run(python(script), tmp_path, {"ADDED": "2"}).output.split() == ["1", "2"]
    assert tools.run(python(script), tmp_path).output.split() == ["1", "None"]


def test_invalid_utf8_in_the_output_is_replaced(tools: Tools, tmp_path: Path) -> None:
    """Programs may print invalid UTF-8."""
    script = "import sys; sys.stdout.buffer.write(bytes([255, 65]))"

    assert tools.run(python(script), tmp_path).output == "\ufffdA"


def test_a_service_runs_on_after_its_announcement(tools: Tools, tmp_path: Path) -> None:
    """It runs until `stop`."""
    script = "import os, signal; print('x'); print('pid', os.getpid(), flush=True); signal.pause()"

    pid = int(
        tools.serve(
            python(script), tmp_path, lambda line: line.partition("pid ")[2].strip(), SECONDS
        )
    )

    process = psutil.Process(pid)
    assert process.is_running()
    tools.stop()
    assert not psutil.wait_procs([process], timeout=SECONDS)[1]


def test_a_service_without_an_announcement_is_an_error(tools: Tools, tmp_path: Path) -> None:
    """The error does not wait for the time limit."""
    with pytest.raises(GradectlError, match="ready"):
        tools.serve(python("print('no')"), tmp_path, lambda _: "", SECONDS)


def test_stop_ends_a_program_with_all_that_it_started(tools: Tools, tmp_path: Path) -> None:
    """Terraform has providers, and checkov has workers."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    child = (
        "import os, pathlib, signal;"
        f"pathlib.Path({str(ready)!r}).write_text(str(os.getpid())); signal.pause()"
    )
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    failures: list[BaseException] = []

    def work() -> None:
        try:
            tools.run(python(script), tmp_path)
        except GradectlError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    grandchild = psutil.Process(int(ready.read_text()))
    tools.stop()
    thread.join(SECONDS)

    assert not psutil.wait_procs([grandchild], timeout=SECONDS)[1]
    assert len(failures) == 1


def test_nothing_is_started_after_stop(tools: Tools, tmp_path: Path) -> None:
    """Waiting jobs must not start."""
    tools.stop()

    with pytest.raises(GradectlError, match="stopped"):
        tools.run(python("pass"), tmp_path)


def test_given_folders_are_searched_before_path(tmp_path: Path) -> None:
    """A program's own environment comes before PATH."""
    for name in ("own", "path"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").write_text("#!/bin/sh\n")
        (tmp_path / name / "tool").chmod(0o755)
    tools = Tools({"PATH": str(tmp_path / "path")})

    assert tools.find("tool", [tmp_path / "own"]) == str(tmp_path / "own" / "tool")
    assert tools.find("tool") == str(tmp_path / "path" / "tool")
    assert tools.find("nothing") is None
