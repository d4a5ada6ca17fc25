"""
Detects and tests the languages that this worker can grade.

Before the worker takes submissions, each installed language has to compile and run its self-test
through the same pipeline as submissions: a broken compiler must not fail students.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
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
from grader.sandbox.selftest import retried
from grader.sandbox.toolchain import examine, missing_programs

_INPUT = b"20 22\n"
_ANSWER = b"42"
#: Maximum size of the temporary cache for the program of one self-test.
_PROGRAMS_MAX_BYTES = 256 << 20
#: Items of LANGUAGES that do not name a language.
_EVERY = {"all", ""}
#: Maximum length of a broken toolchain's message, characters.
_MESSAGE_LENGTH = 300


class State(StrEnum):
    """State of a language on this machine."""

    OK = "ok"
    BROKEN = "broken"
    UNTESTED = "not tested"
    ABSENT = "not installed"
    OFF = "off"


@dataclass(frozen=True)
class LanguageStatus:
    """
    A language and its state on this machine.

    Args:
        language: The language.
        state: Whether it can be graded.
        version: Version of the toolchain; empty if it is not installed.
        why: Missing programs, or the error of the self-test.
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
        """Write one event that needs an operator."""
        ...


def choose(names: str) -> tuple[Language, ...]:
    """
    Parse a comma-separated list of names or aliases; ``all`` or an empty list means all.

    Raises:
        SettingsError: A name is unknown.
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
    """Detect the installed toolchains, without compiling or running a program."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda one: _look(one, wanted), languages))


def _look(language: Language, wanted: Sequence[Language]) -> LanguageStatus:
    missing = missing_programs(language)
    version = "" if missing else examine(language).version
    if language not in wanted:
        return LanguageStatus(language, State.OFF, version)
    if missing:
        return LanguageStatus(language, State.ABSENT, why=f"not found: {', '.join(missing)}")
    return LanguageStatus(language, State.UNTESTED, version)


def self_test(box: Box, statuses: Iterable[LanguageStatus]) -> list[LanguageStatus]:
    """Compile and run the self-test of each installed language in a clean box."""
    return [_tested(box, one) if one.state is State.UNTESTED else one for one in statuses]


def _tested(box: Box, status: LanguageStatus) -> LanguageStatus:
    try:
        with TemporaryDirectory() as name:
            why = retried(box, partial(_self_test_error, box, status.language, Path(name)))
    except TemporaryError as error:
        why = str(error)
    finally:
        box.clean()
    return replace(status, state=State.BROKEN if why else State.OK, why=why)


def _self_test_error(box: Box, language: Language, directory: Path) -> str:
    """Run the self-test of a language; returns the error, empty if it passed."""
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
        stderr = program.stderr_tail().decode(errors="replace")
        return f"does not run: {explain(outcome, limits)} {_short(stderr)}".strip()
    answer = program.stdout.read_bytes().strip()
    return "" if answer == _ANSWER else f"wrong output: {answer[:_MESSAGE_LENGTH]!r}"


def _limits(language: Language) -> RunLimits:
    """Limits of a self-test; generous wall time, so that a busy machine does not fail it."""
    return RunLimits(
        cpu_ms=10_000,
        wall_ms=60_000,
        memory_mb=256,
        output_bytes=1 << 16,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
    )


def _short(message: str) -> str:
    return " ".join(message.split())[:_MESSAGE_LENGTH]


@dataclass(frozen=True)
class Toolchains:
    """
    The tested languages of one worker.

    Args:
        statuses: Statuses by name of the language.
    """

    statuses: Mapping[str, LanguageStatus]

    @classmethod
    def open(cls, box: Box, installed: Iterable[LanguageStatus], log: EventLog) -> Toolchains:
        """
        Test the installed languages, and log the result.

        Raises:
            SelfTestError: No language works.
        """
        statuses = self_test(box, installed)
        for one in statuses:
            if one.state is State.BROKEN:
                log.error("Language is broken", language=one.language.name, reason=one.why)
        found = cls({one.language.name: one for one in statuses})
        log.info("Languages are ready", **found.versions())
        if not found.versions():
            raise SelfTestError(
                f"no language works on this machine: {found.describe()}",
                where="LANGUAGES",
                next_step="install a toolchain; 'grader languages' shows what is missing",
            )
        return found

    def versions(self) -> dict[str, str]:
        """Versions of the working languages by name."""
        return {name: one.version for name, one in self.statuses.items() if one.state is State.OK}

    def describe(self) -> str:
        """List the working languages, and the broken ones with their errors."""
        broken = [
            f"{name} is broken: {one.why}"
            for name, one in self.statuses.items()
            if one.state is State.BROKEN
        ]
        return "; ".join([", ".join(self.versions()) or "none", *broken])

    def find(self, name: str) -> Language:
        """
        Find a language by name or alias.

        Raises:
            RequestError: It is unknown, not installed or turned off, on every worker of a fleet.
            TemporaryError: It is broken on this worker; another one may grade it.
        """
        language = find(name)
        status = self.statuses[language.name]
        if status.state is State.OK:
            return language
        if status.state is State.BROKEN:
            raise TemporaryError(
                f"language {language.name} is broken on this worker",
                next_step="see the worker's log and 'grader languages'",
            )
        available = ", ".join(self.versions())
        raise RequestError(
            ErrorCode.UNKNOWN_LANGUAGE,
            f"language {language.name} is {_UNAVAILABLE[status.state]};"
            f" available languages: {available}",
        )


_UNAVAILABLE = {
    State.ABSENT: "not installed",
    State.OFF: "turned off",
    State.UNTESTED: "not tested",
}
