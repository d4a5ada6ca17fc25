"""Fixtures that grade submissions: a box, an in-memory store, and a captured log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import CapturingLogger

from grader.contract.messages import Grade, GradingRequest, GradingResult
from grader.judge.caches import Caches, open_caches
from grader.judge.grader import Grader
from grader.judge.limits import MaxLimits
from grader.languages import Language, find
from grader.ports.stores import ObjectStore
from grader.sandbox import Box
from grader.testing import MemoryObjectStore

BUCKET = "files"
NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
MAX_LIMITS = MaxLimits(time_limit_ms=10_000, memory_limit_mb=256, source_bytes=10_000)
SOURCE = "submissions/req_1/solution"
LOG_MAX_BYTES = 1 << 20


@pytest.fixture(scope="module")
def box(launcher: Path) -> Iterator[Box]:
    """One claimed box for all tests of a module; each submission has to leave it clean."""
    with Box.claim(launcher) as claimed:
        yield claimed


@dataclass
class GradingBench:
    """A grader, its store and its log."""

    box: Box
    store: MemoryObjectStore
    caches: Caches
    log: CapturingLogger = field(default_factory=CapturingLogger)
    bucket: str = BUCKET
    max_limits: MaxLimits = MAX_LIMITS
    warm: bool = True
    opened: ExitStack = field(default_factory=ExitStack)

    def put(self, key: str, body: bytes | str) -> None:
        """Put an object into the bucket."""
        content = body.encode() if isinstance(body, str) else body
        self.store.put(key, content, content_type="application/octet-stream")

    def case(self, name: str, given: bytes | str, answer: bytes | str, problem: str = "p") -> None:
        """Put a test case into the bucket."""
        self.put(f"problems/{problem}/testcases/{name}.in", given)
        self.put(f"problems/{problem}/testcases/{name}.ans", answer)

    def grade(
        self, source: bytes | str, language: str = "python", **fields: object
    ) -> GradingResult:
        """Submit a source and grade it."""
        self.put(SOURCE, source)
        return self.grader()(self.request(language=language, **fields))

    def verdict(self, source: bytes | str, language: str = "python", **fields: object) -> Grade:
        """Submit a source and return its grade."""
        result = self.grade(source, language, **fields).result
        assert result is not None
        return result

    def grader(
        self,
        store: ObjectStore | None = None,
        find_language: Any = find,
    ) -> Grader:
        """A grader; one with another store has its own caches."""
        caches = self.caches
        if store is not None:
            caches = self.opened.enter_context(open_caches(store, BUCKET, max_bytes=1 << 30))
        return Grader(
            store=store or self.store,
            bucket=BUCKET,
            max_limits=self.max_limits,
            box=self.box,
            caches=caches,
            log=structlog.wrap_logger(self.log, processors=[]),
            find_language=find_language,
            fork_servers=self.warm,
            clock=lambda: NOW,
        )

    def with_language(self, language: Language, **fields: object) -> Grade:
        """Grade the last submission in a language of the test."""
        result = self.grader(find_language=lambda _: language)(self.request(**fields)).result
        assert result is not None
        return result

    def request(self, **fields: object) -> GradingRequest:
        """A valid request with these fields changed."""
        defaults: dict[str, object] = {
            "request_id": "req_1",
            "user_id": "user_1",
            "problem_id": "double",
            "language": "python",
            "source_file": f"s3://{BUCKET}/{SOURCE}",
            "time_limit": 5000,
            "memory_limit": 128,
            "timestamp": NOW,
        }
        return GradingRequest.model_validate(defaults | fields)

    def events(self) -> list[str]:
        """Events of the worker.s log."""
        return [call.kwargs["event"] for call in self.log.calls]

    def execution_log(self) -> str:
        """Execution log of the last submission."""
        return self.store.get("results/req_1/execution.log", max_bytes=LOG_MAX_BYTES).decode()


@pytest.fixture
def bench(box: Box) -> Iterator[GradingBench]:
    """A bench whose store has one problem: double the number."""
    store = MemoryObjectStore()
    with open_caches(store, BUCKET, max_bytes=1 << 30) as caches:
        bench = GradingBench(box, store, caches)
        for name, number in (("1", 21), ("2", 4), ("10", -3)):
            bench.case(name, f"{number}\n", f"{2 * number}\n", problem="double")
        with bench.opened:
            yield bench
