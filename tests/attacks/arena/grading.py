"""Grades a source for a problem in one box; returns the verdict or error code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.testing import CapturingLogger

from arena.attack import TAKEN_OVER_COMPILER
from grader.contract.bucket import execution_log_key, result_key
from grader.contract.messages import GradingRequest
from grader.errors import RequestError, TemporaryError
from grader.judge.caches import Caches
from grader.judge.grader import Grader
from grader.judge.limits import MaxLimits
from grader.languages import Language, find
from grader.sandbox import Box
from grader.testing import MemoryObjectStore

BUCKET = "arena"
_NOW = datetime(2024, 8, 20, tzinfo=UTC)
_MAX_LIMITS = MaxLimits(time_limit_ms=10_000, memory_limit_mb=512, source_bytes=1 << 20)
_EXCERPT_CHARACTERS = 2000

#: Executes the submission with the rights of a compiler.
_TAKEN_OVER = Language(
    name=TAKEN_OVER_COMPILER,
    title="a compiler that executes its source",
    aliases=(),
    extension="py",
    version_argv=("python3", "--version"),
    compile_argv=("python3", "-I", "-B", "../compile/solution.py"),
    compile_seconds=1,
    run_argv=("../run/program",),
    policy="interpreted",
    processes=16,
    bound_address_space=True,
    self_test="",
)


def _now() -> datetime:
    return _NOW


def find_language(name: str) -> Language:
    """Find a language of the grader, or the taken-over compiler."""
    return _TAKEN_OVER if name == TAKEN_OVER_COMPILER else find(name)


@dataclass
class Judge:
    """
    Grades in one box.

    Args:
        box: The box.
        store: The bucket, shared by all boxes.
        caches: Caches of the worker, shared by all boxes.
    """

    box: Box
    store: MemoryObjectStore
    caches: Caches
    _log: CapturingLogger = field(default_factory=CapturingLogger)

    @property
    def request(self) -> str:
        """Id of the current submission."""
        return f"r-{self.box.number}"

    def problem(self, name: str) -> str:
        """Id of a problem in this box; inputs differ between boxes."""
        return f"{name}-{self.box.number}"

    def put(self, key: str, body: bytes) -> None:
        """Put an object into the bucket."""
        self.store.put(key, body, content_type="application/octet-stream")

    def forget(self, problem: str) -> None:
        """Remove a problem and the current submission."""
        for prefix in (f"problems/{self.problem(problem)}/", f"submissions/{self.request}/"):
            self.store.delete([found.key for found in self.store.list(prefix)])

    def grade(  # noqa: PLR0913 - the fields of a request
        self,
        problem: str,
        source: bytes,
        language: str,
        *,
        time_limit_ms: int,
        memory_limit_mb: int,
        warm: bool = True,
        file: str = "solution",
    ) -> str:
        """Return the verdict, the error code, or IE if the platform failed."""
        self._log.calls.clear()
        self.store.delete([result_key(self.request), execution_log_key(self.request)])
        self.put(f"submissions/{self.request}/{file}", source)
        request = GradingRequest(
            request_id=self.request,
            user_id="u",
            problem_id=self.problem(problem),
            language=language,
            source_file=f"s3://{BUCKET}/submissions/{self.request}/{file}",
            time_limit=time_limit_ms,
            memory_limit=memory_limit_mb,
            timestamp=_NOW,
        )
        try:
            result = self._grader(warm=warm)(request).result
        except RequestError as error:
            self._log.error(event=error.what)
            return str(error.code)
        except TemporaryError as error:
            self._log.error(event=str(error))
            return "IE"
        assert result is not None
        return str(result.verdict)

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield all text for people after a submission: result, execution log, log lines."""
        log = self.store.objects.get(execution_log_key(self.request), b"")
        yield "the execution log", log.decode()
        result = json.loads(self.store.objects.get(result_key(self.request), b"null"))
        yield from (("the result", text) for text in _texts(result))
        for call in self._log.calls:
            yield from (("the log", text) for text in _texts(call.kwargs))

    def log_excerpt(self) -> str:
        """Return the end of the logs of the last submission."""
        texts = [text for place, text in self.records() if place != "the result"]
        return " | ".join(texts)[-_EXCERPT_CHARACTERS:]

    def _grader(self, *, warm: bool) -> Grader:
        log = structlog.wrap_logger(self._log, processors=[])
        return Grader(
            store=self.store,
            bucket=BUCKET,
            max_limits=_MAX_LIMITS,
            box=self.box,
            caches=self.caches,
            log=log,
            find_language=find_language,
            fork_servers=warm,
            clock=_now,
        )


def _texts(value: Any) -> Iterator[str]:
    """Yield every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
