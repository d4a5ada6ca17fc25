"""Problems and languages that can be submitted to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import monotonic

from grader.api.lookup import not_found
from grader.api.models import LanguageInfo, Problem
from grader.api.remote import RemoteService
from grader.client.submission import Limits
from grader.contract.bucket import description_key, problem_prefix
from grader.contract.messages import IDENTIFIER
from grader.errors import HiddenObjectError, ObjectNotFoundError, ObjectTooLargeError
from grader.languages import LANGUAGES
from grader.ports.stores import SubmissionStore
from grader.problems.model import ProblemSettings
from grader.problems.problem_yaml import PROBLEM_YAML, summary_of

_PROBLEMS = "problems/"
_FRESH_SECONDS = 60.0
_LISTED_FRESH_SECONDS = 600.0
_MOST_PROBLEMS = 1000
_MOST_KNOWN = 10_000
_MOST_YAML_BYTES = 64 << 10
_MOST_STATEMENT_BYTES = 1 << 20
#: Problems of `gradectl smoke` exist for seconds.
_OF_TESTS = "smoke-"
_ABSENT = (ObjectNotFoundError, HiddenObjectError)


def languages() -> list[LanguageInfo]:
    """Return the languages of this version of the workers."""
    return [
        LanguageInfo(name=each.name, title=each.title, extension=each.extension)
        for each in LANGUAGES
    ]


class Catalogue:
    """
    The problems of the bucket, as far as people who submit may know them.

    Nothing but `description.md`, and the name and the limits in `problem.yaml` are read.

    Args:
        store: The bucket.
        bucket: Runs the calls.
        clock: Seconds.
    """

    def __init__(
        self,
        store: SubmissionStore,
        bucket: RemoteService,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._clock = clock
        self._lock = asyncio.Lock()
        self._listed: list[Problem] = []
        self._listed_at = float("-inf")
        self._known: dict[str, tuple[float, Problem]] = {}

    async def problems(self) -> list[Problem]:
        """
        List the problems by id, at most 1,000.

        A new one appears within a minute, a change of one within eleven: of a thousand each is two
        reads of the bucket.

        Raises:
            ApiError: 503 if the bucket is away.
        """
        async with self._lock:
            if self._clock() - self._listed_at >= _FRESH_SECONDS:
                ids = await self._bucket.call(self._ids)
                found = await asyncio.gather(
                    *(self._problem(each, _LISTED_FRESH_SECONDS) for each in ids)
                )
                self._listed = [each for each in found if each is not None]
                self._listed_at = self._clock()
            return self._listed

    async def limits(self, problem_id: str) -> Limits | None:
        """
        Return the limits of a problem, at most a minute old; those of the API for one without.

        Returns:
            The limits; None if there is no such problem.

        Raises:
            ApiError: 503 if the bucket is away.
        """
        found = await self._problem(problem_id, _FRESH_SECONDS)
        return None if found is None else Limits(found.time_limit, found.memory_limit)

    async def statement(self, problem_id: str) -> str:
        """
        Read the statement of a problem, Markdown.

        Raises:
            ApiError: 404 if there is none; 503 if the bucket is away.
        """
        key = description_key(problem_id)
        try:
            body = await self._bucket.call(
                lambda: self._store.get(key, max_bytes=_MOST_STATEMENT_BYTES)
            )
        except (*_ABSENT, ObjectTooLargeError) as error:
            raise not_found(f"statement of problem {problem_id!r}") from error
        return body.decode(errors="replace")

    def _ids(self) -> list[str]:
        found = (
            each
            for each in self._store.folders(_PROBLEMS)
            if re.fullmatch(IDENTIFIER, each) and not each.startswith(_OF_TESTS)
        )
        return [name for name, _ in zip(found, range(_MOST_PROBLEMS), strict=False)]

    async def _problem(self, problem_id: str, fresh_seconds: float) -> Problem | None:
        read_at, known = self._known.get(problem_id, (float("-inf"), None))
        if known is not None and self._clock() - read_at < fresh_seconds:
            return known
        found = await self._bucket.call(lambda: self._read(problem_id))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        if found is None:  # one that is pushed now can be submitted to at once
            self._known.pop(problem_id, None)
        else:
            self._known[problem_id] = (self._clock(), found)
        return found

    def _read(self, problem_id: str) -> Problem | None:
        prefix = problem_prefix(problem_id)
        try:
            self._store.get(description_key(problem_id), max_bytes=0)
            has_statement = False  # an empty file
        except ObjectTooLargeError:
            has_statement = True
        except _ABSENT:
            has_statement = False
        settings = self._settings(problem_id)
        if settings is None and not any(True for _ in self._store.folders(prefix)):
            return None
        settings, default = settings or ProblemSettings(), Limits()
        return Problem(
            problem_id=problem_id,
            title=settings.title or problem_id,
            has_statement=has_statement,
            time_limit=settings.time_limit_ms or default.time_ms,
            memory_limit=settings.memory_limit_mb or default.memory_mb,
        )

    def _settings(self, problem_id: str) -> ProblemSettings | None:
        key = f"{problem_prefix(problem_id)}{PROBLEM_YAML}"
        try:
            text = self._store.get(key, max_bytes=_MOST_YAML_BYTES)
        except _ABSENT:
            return None
        except ObjectTooLargeError:
            return ProblemSettings()
        return summary_of(text)
