"""
DMOJ's judge from PyPI, in a separate virtual environment, driven by its command line.

It is the only other complete judge that needs neither Docker nor cgroups.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import yaml
from progress import say
from rival import UnavailableError
from ten_submissions import Case

_ROOT = Path(__file__).resolve().parents[1]
_ENVIRONMENT = _ROOT / ".venv-dmoj"
_PINS = _ROOT / "requirements" / "dmoj.txt"
_PROBLEM = "sum"
_EXECUTORS = {"c": "C11", "cpp": "CPP20", "python": "PY3"}
_RUNTIMES = {"gcc11": "gcc", "g++20": "g++", "python3": "python3"}
_PROGRAM_DIRECTORY = "/usr/bin"
_COMPILE_SECONDS = 30  # as here; its default of 10 is too short for bits/stdc++.h on a busy machine
_CASE = re.compile(r"^Test case +\d+ (\w+)")
_COMPILE_ERROR = "Failed compiling submission!"
_DONE = "Done grading"
#: Printed after the prompt for a language whose self-test failed.
_REFUSED = "> unknown "
#: Its verdicts for a signal and for an exit code, which are one verdict here.
_VERDICTS = {"RTE": "RE", "IR": "RE"}


def install() -> Path:
    """
    Install it unless it is installed; returns the path of its command line.

    Raises:
        UnavailableError: It cannot be installed; has pip's message and the required packages.
    """
    program = _ENVIRONMENT / "bin" / "dmoj-cli"
    stamp = _ENVIRONMENT / "installed"
    wanted = hashlib.sha256(_PINS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return program
    say(f"compiling and installing DMOJ's judge into {_ENVIRONMENT.name}")
    _call(sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT))
    _call(str(_ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-qq", "-r", str(_PINS))
    stamp.write_text(wanted)
    return program


def _call(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise UnavailableError(
            f"{' / '.join(words)} (scripts/setup bench installs the Debian packages it needs:"
            " g++, python3-dev, libseccomp-dev)"
        )


def read_verdicts(lines: Iterable[str]) -> Iterator[str]:
    """
    Read the verdicts of one submission, up to its end.

    Raises:
        UnavailableError: It refuses the language, or its output ends.
    """
    for line in lines:
        if line.startswith(_DONE):
            return
        if _REFUSED in line:
            raise UnavailableError(line.strip())
        if line.startswith(_COMPILE_ERROR):
            yield "CE"
        if found := _CASE.match(line):
            yield _VERDICTS.get(found[1], found[1])
    raise UnavailableError("DMOJ ended without a verdict")


@dataclass(frozen=True)
class Dmoj:
    """
    A running judge that waits for commands.

    Args:
        process: Its command line.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
    """

    process: subprocess.Popen[str]
    time_limit_ms: int
    memory_limit_mb: int

    def judge(self, language: str, source: Path) -> tuple[str, ...]:
        """Judge a source on disk; see `Rival`."""
        limits = f"-tl {self.time_limit_ms / 1000} -ml {self.memory_limit_mb * 1024}"
        print(
            f"submit {_PROBLEM} {_EXECUTORS[language]} {source} {limits}",
            file=_pipe(self.process.stdin),
            flush=True,
        )
        return tuple(read_verdicts(_pipe(self.process.stdout)))


@contextmanager
def running(cases: Iterable[Case], time_limit_ms: int, memory_limit_mb: int) -> Iterator[Dmoj]:
    """
    Install and start the judge with one problem.

    Raises:
        UnavailableError: It cannot be installed.
    """
    program = install()
    with TemporaryDirectory() as name:
        settings = _write_problem(Path(name), cases)
        with subprocess.Popen(
            [
                program,
                *("--config", settings, "--history", Path(name, "history")),
                *("--only-executors", ",".join(_EXECUTORS.values()), "--no-ansi"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:
            try:
                yield Dmoj(process, time_limit_ms, memory_limit_mb)
            finally:
                process.terminate()


def _write_problem(directory: Path, cases: Iterable[Case]) -> Path:
    problem = directory / "problems" / _PROBLEM
    problem.mkdir(parents=True)
    listed = []
    for number, case in enumerate(cases, 1):
        (problem / f"{number}.in").write_bytes(case.input)
        (problem / f"{number}.out").write_bytes(case.answer)
        listed.append({"in": f"{number}.in", "out": f"{number}.out", "points": 1})
    (problem / "init.yml").write_text(yaml.safe_dump({"test_cases": listed}))
    settings = directory / "settings.yml"
    runtimes = {key: f"{_PROGRAM_DIRECTORY}/{program}" for key, program in _RUNTIMES.items()}
    settings.write_text(
        yaml.safe_dump({"problem_storage_globs": [str(problem.parent / "*")], "runtime": runtimes})
    )
    return settings


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise UnavailableError("its pipes are closed")
    return stream
