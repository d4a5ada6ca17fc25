"""Two slots side by side: in one the attacks are graded, in the other lies what they may not see."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from grader.contract.messages import Grade, GradingRequest
from grader.contract.runs import Role
from grader.core.limits import Ceilings
from grader.grade import Grader
from grader.sandbox import Box

BUCKET = "arena"
_SHARED_DIRECTORIES = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")


class MemoryObjectStore:
    def __init__(self): self.objects = {}
    def get(self, key, *, max_bytes): return self.objects[key]
    def download(self, key, target, *, max_bytes): target.write_bytes(self.objects[key])
    def put(self, key, body, *, content_type): self.objects[key] = body
    def list(self, prefix):
        from grader.ports import ObjectInfo
        return [ObjectInfo(k, len(v), "") for k, v in sorted(self.objects.items()) if k.startswith(prefix)]


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
            timestamp=datetime(2024, 8, 20, tzinfo=UTC),
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
        for directory in (*map(Path, _SHARED_DIRECTORIES), *self._slot_directories()):
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
        clock = lambda: datetime(2024, 8, 20, tzinfo=UTC)  # noqa: E731 - the whole clock
        log = structlog.get_logger()
        yield Arena(Grader(store, BUCKET, ceilings, box, log, clock), store, (box, neighbour))
