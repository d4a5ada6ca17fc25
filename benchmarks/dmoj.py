"""
DMOJ's judge, from PyPI, in an environment of its own, driven by its own command line.

It is the only other full-strength judge that needs neither Docker nor cgroups.
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
_COMPILE_SECONDS = 30  # as ours; on a busy machine its own 10 are too few for bits/stdc++.h
_CASE = re.compile(r"^Test case +\d+ (\w+)")
_COMPILE_ERROR = "Failed compiling submission!"
_DONE = "Done grading"
#: Of a language whose self-test failed; follows the prompt.
_REFUSED = "> unknown "
#: Its words for a crash and for an exit code, which are one verdict to us.
_WORDS = {"RTE": "RE", "IR": "RE"}


def install() -> Path:
    """
    Install it once, and give its command line.

    Raises:
        UnavailableError: It cannot be installed; says what pip said, and what it needs.
    """
    program = _ENVIRONMENT / "bin" / "dmoj-cli"
    stamp = _ENVIRONMENT / "installed"
    wanted = hashlib.sha256(_PINS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return program
    say(f"installing DMOJ's judge into {_ENVIRONMENT.name}; it is compiled here")
    _call(sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT))
    _call(str(_ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-qq", "-r", str(_PINS))
    stamp.write_text(wanted)
    return program


def _call(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise UnavailableError(
            f"{' / '.join(words)} (it needs a C++ compiler and the Debian packages"
            " python3-dev and libseccomp-dev)"
        )


def read_verdicts(lines: Iterable[str]) -> Iterator[str]:
    """
    Read what it says of one submission, to its end and no further.

    Raises:
        UnavailableError: It refuses the language, or says no more.
    """
    for line in lines:
        if line.startswith(_DONE):
            return
        if _REFUSED in line:
            raise UnavailableError(line.strip())
        if line.startswith(_COMPILE_ERROR):
            yield "CE"
        if found := _CASE.match(line):
            yield _WORDS.get(found[1], found[1])
    raise UnavailableError("it ended without a verdict")


@dataclass(frozen=True)
class Dmoj:
    """
    A judge that is up and waits for commands.

    Args:
        process: The command line.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
    """

    process: subprocess.Popen[str]
    time_limit_ms: int
    memory_limit_mb: int

    def judge(self, language: str, source: Path) -> tuple[str, ...]:
        """Judge a source on disk, as `Rival` says."""
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
    Install and start the judge, with one problem of these cases.

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
