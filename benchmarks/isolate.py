"""
The sandbox `isolate`, which the IOI and judge0 use, with a minimal judge around it.

Compilers run outside the sandbox, each case inside, and outputs are compared in the same way as
here. It needs namespaces, which a Fargate task does not have.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rival import UnavailableError
from ten_submissions import Case

_COMPILERS = {
    "c": ("gcc", "-O2", "-o", "program"),
    "cpp": ("g++", "-std=gnu++20", "-O2", "-o", "program"),
}
_RUN = {
    "c": ("./program",),
    "cpp": ("./program",),
    "python": ("/usr/bin/python3", "-I", "-B", "program"),
}
#: Verdicts by its two-letter status.
_STATUS = {"TO": "TLE", "SG": "RE", "RE": "RE"}
_KB_PER_MB = 1024
_EXECUTABLE = 0o755


@dataclass(frozen=True)
class Isolate:
    """
    An initialised sandbox.

    Args:
        directory: Private working directory.
        box: Working directory of the program.
        cases: Test cases of the problem.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
    """

    directory: Path
    box: Path
    cases: tuple[Case, ...]
    time_limit_ms: int
    memory_limit_mb: int

    def judge(self, language: str, source: Path) -> tuple[str, ...]:
        """Judge a source on disk; see `Rival`."""
        program = source
        if language in _COMPILERS:
            program = self.directory / "program"
            command = (*_COMPILERS[language], str(source))
            if subprocess.run(
                command, check=False, capture_output=True, cwd=self.directory
            ).returncode:
                return ("CE",)
        shutil.copyfile(program, self.box / "program")
        (self.box / "program").chmod(_EXECUTABLE)
        return tuple(self._run(_RUN[language], case) for case in self.cases)

    def _run(self, command: tuple[str, ...], case: Case) -> str:
        (self.box / "input").write_bytes(case.input)
        meta, memory_kb = self.directory / "meta", self.memory_limit_mb * _KB_PER_MB
        seconds = self.time_limit_ms / 1000
        _isolate(
            *("--run", "--silent", f"--meta={meta}"),
            *("--stdin=input", "--stdout=output", "--stderr=errors"),
            *(f"--time={seconds}", f"--wall-time={2 * seconds + 1}", f"--mem={memory_kb}"),
            *("--", *command),
        )
        return read_verdict(meta.read_text()) or self._compare(case)

    def _compare(self, case: Case) -> str:
        output = (self.box / "output").read_bytes()
        return "AC" if output.split() == case.answer.split() else "WA"


def read_verdict(meta: str) -> str | None:
    """
    Read the verdict from the meta file of a run; None if the output decides.

    Raises:
        UnavailableError: isolate itself failed.
    """
    fields = dict(line.split(":", 1) for line in meta.splitlines())
    if fields.get("status") == "XX":
        raise UnavailableError(f"isolate failed: {fields.get('message')}")
    return _STATUS[fields["status"]] if "status" in fields else None


def require() -> None:
    """Raise `UnavailableError` if isolate is not installed."""
    if not shutil.which("isolate"):
        raise UnavailableError(_why_not_installed())


@contextmanager
def running(cases: Iterable[Case], time_limit_ms: int, memory_limit_mb: int) -> Iterator[Isolate]:
    """
    Initialise a sandbox.

    Raises:
        UnavailableError: isolate is not installed, or does not work on this machine.
    """
    require()
    done = _isolate("--init")
    if done.returncode:
        raise UnavailableError(f"isolate cannot be initialised: {done.stderr.strip()}")
    try:
        with TemporaryDirectory() as name:
            box = Path(done.stdout.strip(), "box")
            yield Isolate(Path(name), box, tuple(cases), time_limit_ms, memory_limit_mb)
    finally:
        _isolate("--cleanup")


def _why_not_installed() -> str:
    if not shutil.which("apt-cache"):
        return "not on PATH"
    known = subprocess.run(
        ["apt-cache", "policy", "isolate"], check=False, capture_output=True, text=True
    )
    if known.stdout:
        return "not on PATH; apt-get install isolate"
    return "not on PATH, and not packaged for this system"


def _isolate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["isolate", *arguments], check=False, capture_output=True, text=True)
