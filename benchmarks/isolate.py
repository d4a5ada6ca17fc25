"""
`isolate`, the sandbox of the olympiads and of judge0, where the machine has it.

It is only a sandbox, so the least judge that it needs is here: bare compilers outside of it, a run
a case inside, the same comparison as ours. It needs namespaces, which a Fargate task does not have.
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
#: Its two-letter words for how a program ended.
_STATUS = {"TO": "TLE", "SG": "RE", "RE": "RE"}
_KB_PER_MB = 1024
_EXECUTABLE = 0o755


@dataclass(frozen=True)
class Isolate:
    """
    One initialised sandbox.

    Args:
        directory: Private to us.
        box: What the program sees as its working directory.
        cases: Of the problem.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
    """

    directory: Path
    box: Path
    cases: tuple[Case, ...]
    time_limit_ms: int
    memory_limit_mb: int

    def judge(self, language: str, source: Path) -> tuple[str, ...]:
        """Judge a source on disk, as `Rival` says."""
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
    Read what it noted of a run: our word for what went wrong, None where only the output can tell.

    Raises:
        UnavailableError: It failed itself.
    """
    said = dict(line.split(":", 1) for line in meta.splitlines())
    if said.get("status") == "XX":
        raise UnavailableError(f"it failed: {said.get('message')}")
    return _STATUS[said["status"]] if "status" in said else None


@contextmanager
def running(cases: Iterable[Case], time_limit_ms: int, memory_limit_mb: int) -> Iterator[Isolate]:
    """
    Initialise a sandbox.

    Raises:
        UnavailableError: It is not installed, or does not work here.
    """
    if not shutil.which("isolate"):
        raise UnavailableError(_why_not_installed())
    done = _isolate("--init")
    if done.returncode:
        raise UnavailableError(f"it cannot be initialised: {done.stderr.strip()}")
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
    return "not on PATH, and this system's packages do not have it"


def _isolate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["isolate", *arguments], check=False, capture_output=True, text=True)
