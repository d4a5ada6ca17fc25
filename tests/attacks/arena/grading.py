"""The grader, as the attacks use it: a problem and a source in, one word out."""

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
_MOST_WORDS = 2000

#: Does what the submission says, with all that a compiler may do.
_TAKEN_OVER = Language(
    name=TAKEN_OVER_COMPILER,
    title="a compiler that obeys its source",
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
    """Those of the product, and one of our own."""
    return _TAKEN_OVER if name == TAKEN_OVER_COMPILER else find(name)


@dataclass
class Judge:
    """
    Grades in one slot.

    Args:
        box: The slot.
        store: The bucket, shared by the slots.
        caches: What was fetched and compiled before, shared by the slots.
    """

    box: Box
    store: MemoryObjectStore
    caches: Caches
    _log: CapturingLogger = field(default_factory=CapturingLogger)

    @property
    def request(self) -> str:
        """Id of the submission, of which there is one at a time."""
        return f"r-{self.box.number}"

    def problem(self, name: str) -> str:
        """Id of this slot's problem of a name: inputs differ between slots."""
        return f"{name}-{self.box.number}"

    def put(self, key: str, body: bytes) -> None:
        """Put an object into the bucket."""
        self.store.put(key, body, content_type="application/octet-stream")

    def forget(self, problem: str) -> None:
        """Remove a problem, and the submission."""
        for prefix in (f"problems/{self.problem(problem)}/", f"submissions/{self.request}/"):
            self.store.delete([found.key for found in self.store.list(prefix)])

    def grade(  # noqa: PLR0913 - what a request says
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
        """Give the verdict, the error code, or IE where the platform gave up."""
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
        """What a person may look at after a submission: result, execution log, log lines."""
        log = self.store.objects.get(execution_log_key(self.request), b"")
        yield "the execution log", log.decode()
        result = json.loads(self.store.objects.get(result_key(self.request), b"null"))
        yield from (("the result", text) for text in _texts(result))
        for call in self._log.calls:
            yield from (("the log", text) for text in _texts(call.kwargs))

    def last_words(self) -> str:
        """What was said of the last submission, for people."""
        words = [text for place, text in self.records() if place != "the result"]
        return " | ".join(words)[-_MOST_WORDS:]

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
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
