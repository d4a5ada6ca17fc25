"""
Every folder here is a hostile submission: its source, and the verdicts that it may get.

A program that only looks for a hole prints ``safe`` when there was none, which is the right answer.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from grader.contract.messages import Grade, GradingRequest
from grader.contract.runs import Role
from grader.contract.verdicts import Verdict
from grader.core.limits import Ceilings
from grader.grade import Grader
from grader.languages import find
from grader.sandbox import Box
from grader.testing import MemoryObjectStore

BUCKET = "arena"
NOW = datetime(2024, 8, 20, tzinfo=UTC)
HONEST = b"print('safe')\n"
SHARED_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")


@dataclass(frozen=True)
class Attack:
    """
    One folder's ``attack.yaml``.

    Args:
        about: What it tries.
        language: Of its source, ``solution.<extension>`` beside the file.
        verdict: Those it may get.
        time_limit_ms: CPU milliseconds.
        memory_limit_mb: MB.
        machine: The only kind of processor it is for, where it has one.
    """

    about: str
    language: str
    verdict: list[str]
    time_limit_ms: int = 1000
    memory_limit_mb: int = 64
    machine: str = platform.machine()

    @classmethod
    def read(cls, path: Path) -> Attack:
        fields: dict[str, Any] = yaml.safe_load(path.read_text())
        return cls(**fields)


@dataclass(frozen=True)
class Arena:
    """Where attacks are graded, and what can be seen from outside afterwards."""

    grader: Grader
    store: MemoryObjectStore
    boxes: tuple[Box, Box]

    def grade(
        self, source: bytes, language: str, *, time_limit_ms: int, memory_limit_mb: int
    ) -> Grade:
        """Grade a source against one case whose answer is ``safe``."""
        self.store.put("submissions/r/solution", source, content_type="text/plain")
        request = GradingRequest(
            request_id="r",
            user_id="u",
            problem_id="p",
            language=language,
            source_file=f"s3://{BUCKET}/submissions/r/solution",
            time_limit=time_limit_ms,
            memory_limit=memory_limit_mb,
            timestamp=NOW,
        )
        result = self.grader(request).result
        assert result is not None
        return result

    def execution_log(self) -> str:
        """What the last submission's log says."""
        return self.store.get("results/r/execution.log", max_bytes=1 << 20).decode()

    def left_behind(self) -> list[str]:
        """All that the users of the first slot still have: processes, files, IPC objects."""
        users = self.boxes[0].users
        found = [f"process {pid}" for pid in self.boxes[0].survivors()]
        for directory in (*map(Path, SHARED_DIRECTORIES), *self._slot_directories()):
            if directory.is_dir():
                found += [str(path) for path in directory.iterdir() if _uid(path) in users]
        for table in ("shm", "sem", "msg"):
            for line in Path("/proc/sysvipc", table).read_text().splitlines()[1:]:
                found += [line] if {int(word) for word in line.split()[1:]} & set(users) else []
        return found

    def _slot_directories(self) -> list[Path]:
        slot = self.boxes[0].directory
        return [slot / name for name in ("build", *Role)]


def _uid(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # it belongs to another program and has gone since the listing
        return None


@pytest.fixture(scope="session")
def arena(launcher: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A grader in one slot; a neighbour's source, and a secret of the worker, beside it."""
    secret = tmp_path_factory.mktemp("secret") / "answer"
    secret.write_text("safe\n")
    with Box.claim(launcher) as box, Box.claim(launcher) as neighbour:
        for role in Role:
            neighbour.store(role, "solution.py", b"print('a secret')\n")
        forbidden = [secret, neighbour.directory, f"/proc/{os.getpid()}/environ"]
        forbidden += [neighbour.directory / role / "solution.py" for role in Role]
        store = MemoryObjectStore()
        prefix = "problems/p/testcases"
        store.put(f"{prefix}/1.in", "\n".join(map(str, forbidden)).encode(), content_type="")
        store.put(f"{prefix}/1.ans", b"safe\n", content_type="")
        ceilings = Ceilings(time_limit_ms=10_000, memory_limit_mb=512, source_bytes=1 << 20)
        log = structlog.get_logger()
        grader = Grader(store, BUCKET, ceilings, box, log, lambda: NOW)
        yield Arena(grader, store, (box, neighbour))


FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/attack.yaml"))
ATTACKS = {folder: Attack.read(folder / "attack.yaml") for folder in FOLDERS}


@pytest.mark.engine
@pytest.mark.parametrize(
    "folder",
    [folder for folder, attack in ATTACKS.items() if attack.machine == platform.machine()],
    ids=lambda folder: folder.name,
)
def test_an_attack_gets_its_verdict_and_leaves_nothing_behind(arena: Arena, folder: Path) -> None:
    """No process, file or IPC object remains, and the next submission is graded as ever."""
    attack = ATTACKS[folder]
    source = folder / find(attack.language).source_name

    grade = arena.grade(
        source.read_bytes(),
        attack.language,
        time_limit_ms=attack.time_limit_ms,
        memory_limit_mb=attack.memory_limit_mb,
    )

    assert grade.verdict in attack.verdict, arena.execution_log()
    assert arena.left_behind() == []
    honest = arena.grade(HONEST, "python", time_limit_ms=5000, memory_limit_mb=64)
    assert honest.verdict is Verdict.ACCEPTED, arena.execution_log()
