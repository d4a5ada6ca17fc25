"""
Which languages this worker can grade.

Each one that is installed has to compile and run its own small program, through the very pipeline
of submissions, before any submission is taken: a broken compiler must not fail students.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from grader.cache.files import FileCache
from grader.cache.programs import ProgramCache
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError, SelfTestError, SettingsError, TemporaryError
from grader.judge.compiler import Compiler
from grader.judge.limits import compile_limits
from grader.judge.program import Program
from grader.judge.verdict import explain
from grader.languages import LANGUAGES, Language, find
from grader.sandbox import Box
from grader.sandbox.runs import RunLimits
from grader.sandbox.toolchain import examine, missing_programs

_INPUT = b"20 22\n"
_ANSWER = b"42"
#: Of its own program, which nobody else gets to see.
_PROGRAMS_MAX_BYTES = 256 << 20
#: What stands for all languages, or for nothing, in a list of them.
_EVERY = {"all", ""}
#: Of what a toolchain says when it is broken.
_WORDS_LENGTH = 300


class State(StrEnum):
    """What can be said of a language on this machine."""

    OK = "ok"
    BROKEN = "broken"
    UNTESTED = "not tested"
    ABSENT = "not installed"
    OFF = "off"


@dataclass(frozen=True)
class LanguageStatus:
    """
    A language as this machine has it.

    Args:
        language: Which.
        state: Whether it can be graded.
        version: Of its toolchain; empty when it is not installed.
        why: What is missing, or what went wrong.
    """

    language: Language
    state: State
    version: str = ""
    why: str = ""


class EventLog(Protocol):
    """The part of a structlog logger that is used here."""

    def info(self, event: str, **fields: object) -> object:
        """Write one event with its fields."""
        ...

    def error(self, event: str, **fields: object) -> object:
        """Write one event that somebody has to act on."""
        ...


def choose(names: str) -> tuple[Language, ...]:
    """
    Read a list of names or aliases with commas; ``all``, or none, means all.

    Raises:
        SettingsError: There is no such language.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip() not in _EVERY]
    try:
        chosen = {find(name) for name in wanted}
    except RequestError as error:
        raise SettingsError(error.what, where="LANGUAGES", next_step="correct the name") from None
    return tuple(one for one in LANGUAGES if one in chosen or not wanted)


def detect(
    wanted: Sequence[Language], languages: Sequence[Language] = LANGUAGES
) -> list[LanguageStatus]:
    """Look at what is installed of each language, without running any program of theirs."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda one: _look(one, wanted), languages))


def _look(language: Language, wanted: Sequence[Language]) -> LanguageStatus:
    missing = missing_programs(language)
    version = "" if missing else examine(language).version
    if language not in wanted:
        return LanguageStatus(language, State.OFF, version)
    if missing:
        return LanguageStatus(language, State.ABSENT, why=f"there is no {', '.join(missing)}")
    return LanguageStatus(language, State.UNTESTED, version)


def self_test(box: Box, conditions: Iterable[LanguageStatus]) -> list[LanguageStatus]:
    """Let each language that is installed compile and run its own program in a clean slot."""
    return [_tried(box, one) if one.state is State.UNTESTED else one for one in conditions]


def _tried(box: Box, condition: LanguageStatus) -> LanguageStatus:
    try:
        with TemporaryDirectory() as name:
            why = _self_test(box, condition.language, Path(name))
    except TemporaryError as error:
        why = str(error)
    finally:
        box.clean()
    return replace(condition, state=State.BROKEN if why else State.OK, why=why)


def _self_test(box: Box, language: Language, directory: Path) -> str:
    """Say why a language does not work here; nothing: it does."""
    programs = ProgramCache(FileCache(directory / "programs", _PROGRAMS_MAX_BYTES))
    source = language.self_test.encode()
    failure = Compiler(box, programs).load(language, source, compile_limits(language), directory)
    if failure:
        return f"does not compile: {_short(failure.message)}"
    limits = _limits(language)
    program = Program(box, language, limits, directory)
    stdin = directory / "input"
    stdin.write_bytes(_INPUT)
    outcome = program.run(stdin)
    if not outcome.succeeded:
        words = program.stderr_tail().decode(errors="replace")
        return f"does not run: {explain(outcome, limits)} {_short(words)}".strip()
    answer = program.stdout.read_bytes().strip()
    return "" if answer == _ANSWER else f"computes wrongly: {answer[:_WORDS_LENGTH]!r}"


def _limits(language: Language) -> RunLimits:
    """Wide on the clock: a busy machine is not a broken language."""
    return RunLimits(
        cpu_ms=10_000,
        wall_ms=60_000,
        memory_mb=256,
        output_bytes=1 << 16,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
        runtime_memory_mb=language.runtime_memory_mb,
    )


def _short(words: str) -> str:
    return " ".join(words.split())[:_WORDS_LENGTH]


@dataclass(frozen=True)
class Toolchains:
    """
    The languages of one worker, once they are known.

    Args:
        conditions: By name of the language.
    """

    conditions: Mapping[str, LanguageStatus]

    @classmethod
    def open(cls, box: Box, installed: Iterable[LanguageStatus], log: EventLog) -> Toolchains:
        """
        Test what `detect` found, and say what became of it.

        Raises:
            SelfTestError: Not one language works.
        """
        conditions = self_test(box, installed)
        for one in conditions:
            if one.state is State.BROKEN:
                log.error("Language is broken", language=one.language.name, reason=one.why)
        found = cls({one.language.name: one for one in conditions})
        log.info("Languages are ready", **found.versions())
        if not found.versions():
            raise SelfTestError(
                f"no language works here: {found.describe()}",
                where="LANGUAGES",
                next_step="install a toolchain; 'grader languages' shows what is missing",
            )
        return found

    def versions(self) -> dict[str, str]:
        """Version by name of the languages that work."""
        return {name: one.version for name, one in self.conditions.items() if one.state is State.OK}

    def describe(self) -> str:
        """Give the names of those that work, and of those that are broken why."""
        broken = [
            f"{name} is broken: {one.why}"
            for name, one in self.conditions.items()
            if one.state is State.BROKEN
        ]
        return "; ".join([", ".join(self.versions()) or "none", *broken])

    def find(self, name: str) -> Language:
        """
        Look a language up by name or alias.

        Raises:
            RequestError: It is unknown, not installed or turned off: on every worker alike.
            TemporaryError: It is broken here; another worker may have a sound one.
        """
        language = find(name)
        condition = self.conditions[language.name]
        if condition.state is State.OK:
            return language
        if condition.state is State.BROKEN:
            raise TemporaryError(
                f"language {language.name} is broken on this worker",
                next_step="see its log and 'grader languages'",
            )
        works = ", ".join(self.versions())
        raise RequestError(
            ErrorCode.UNKNOWN_LANGUAGE,
            f"language {language.name} is {_REFUSED[condition.state]} here; known: {works}",
        )


_REFUSED = {State.ABSENT: "not installed", State.OFF: "turned off", State.UNTESTED: "not tested"}
