"""Which languages a worker can grade: real programs in the real sandbox, or what was said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from sandboxes import BoxOnABusyMachine
from structlog.testing import CapturingLogger

from grader.errors import RequestError, SelfTestError, SettingsError, TemporaryError
from grader.judge.languages_check import (
    LanguageStatus,
    State,
    Toolchains,
    choose,
    detect,
    self_test,
)
from grader.languages import LANGUAGES, Language, find
from grader.sandbox import Box

C = find("c")
PYTHON = find("python")
JAVA = find("java")


@pytest.fixture(scope="module")
def box(launcher: Path) -> Iterator[Box]:
    """One claimed box."""
    with Box.claim(launcher) as claimed:
        yield claimed


@pytest.fixture
def log() -> CapturingLogger:
    """Keeps what is logged."""
    return CapturingLogger()


def wrapped(log: CapturingLogger) -> structlog.BoundLogger:
    return structlog.wrap_logger(log, processors=[])  # type: ignore[no-any-return] # untyped there


def result_of(box: Box, language: Language) -> LanguageStatus:
    (status,) = self_test(box, [LanguageStatus(language, State.UNTESTED, "1.0")])
    return status


def toolchains(**states: State) -> Toolchains:
    """A worker for which these languages are in these states."""
    return Toolchains(
        {name: LanguageStatus(find(name), state, "1.0", "why") for name, state in states.items()}
    )


def test_an_empty_list_means_all_languages() -> None:
    """Missing toolchains are left out later."""
    assert choose("all") == choose("") == choose(" , ") == LANGUAGES


def test_a_list_takes_aliases_and_keeps_the_order_of_the_table() -> None:
    """As requests do."""
    expected = tuple(map(find, ("python", "cpp20", "rust")))

    assert choose(" rust, C++ ,py") == expected


def test_a_list_with_a_language_that_does_not_exist_stops_the_worker() -> None:
    """A typo must not silently turn a language off."""
    with pytest.raises(SettingsError, match="LANGUAGES: unknown language 'cobol'"):
        choose("python,cobol")


def test_a_missing_toolchain_is_named_and_is_not_an_error() -> None:
    """Detection does not run a program."""
    absent = replace(C, name="absent", compile_argv=("no-such-compiler",))

    first, second = detect([absent, PYTHON], [absent, PYTHON])

    assert (first.state, first.why) == (State.ABSENT, "not found: no-such-compiler")
    assert (second.state, second.version[:8]) == (State.UNTESTED, "Python 3")


def test_a_language_that_is_turned_off_is_not_tested() -> None:
    """The worker does not test languages that it will not grade."""
    (status,) = detect([PYTHON], [C])

    assert status.state is State.OFF


@pytest.mark.engine
def test_a_language_whose_program_gives_the_sum_works(box: Box) -> None:
    """It is compiled and run in the box, which is clean afterwards."""
    assert result_of(box, C) == LanguageStatus(C, State.OK, "1.0")
    assert list((box.directory / "build").iterdir()) == []


@pytest.mark.engine
def test_a_busy_machine_does_not_break_a_language(launcher: Path) -> None:
    """Its worker would not grade it until it is started again."""
    with BoxOnABusyMachine.claim(launcher) as busy:
        assert result_of(busy, PYTHON).state is State.OK
        assert not busy.failures


@pytest.mark.engine
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (replace(C, compile_argv=("sh", "-c", "echo no cc1 >&2; exit 1")), "not compile: no cc1"),
        (replace(C, compile_argv=("true",)), "does not compile: the compiler left no usable"),
        (replace(C, compile_argv=("no-such-compiler",)), "no-such-compiler: not installed"),
        (replace(PYTHON, self_test="raise SystemExit('no libz')"), "exit code 1 no libz"),
        (replace(PYTHON, self_test="print(41)"), "wrong output: b'41'"),
    ],
)
def test_a_language_that_does_not_work_says_why(box: Box, broken: Language, why: str) -> None:
    """With the messages of its toolchain, if any."""
    status = result_of(box, broken)

    assert status.state is State.BROKEN
    assert why in status.why


@pytest.mark.engine
def test_a_broken_language_is_loud_and_hurts_no_other(box: Box, log: CapturingLogger) -> None:
    """The worker starts with the working languages; its health page reports the broken one."""
    broken = replace(C, compile_argv=("false",))
    installed = [LanguageStatus(one, State.UNTESTED, "1.0") for one in (broken, PYTHON)]

    opened = Toolchains.open(box, installed, wrapped(log))

    error, ready = log.calls
    assert error.method_name == "error"
    assert error.kwargs["language"] == "c"
    assert "does not compile: the compiler exit code 1" in error.kwargs["reason"]
    assert ready.kwargs == {"event": "Languages are ready", "python": "1.0"}
    assert opened.describe().startswith("python; c is broken: does not compile")


@pytest.mark.engine
def test_a_worker_without_a_working_language_does_not_start(box: Box, log: CapturingLogger) -> None:
    """It would take requests that other workers could grade."""
    installed = [LanguageStatus(replace(C, compile_argv=("false",)), State.UNTESTED)]

    with pytest.raises(
        SelfTestError, match="no language works on this machine: none; c is broken: "
    ):
        Toolchains.open(box, installed, wrapped(log))


def test_a_language_that_works_is_found_by_any_of_its_names() -> None:
    """As in the table of languages."""
    assert toolchains(python=State.OK).find("PY") is PYTHON


def test_a_broken_language_is_worth_another_workers_attempt() -> None:
    """The platform is at fault, and never the submission."""
    with pytest.raises(TemporaryError, match="language java is broken on this worker"):
        toolchains(java=State.BROKEN, python=State.OK).find("java")


@pytest.mark.parametrize(
    ("state", "words"), [(State.ABSENT, "not installed"), (State.OFF, "turned off")]
)
def test_an_unavailable_language_is_rejected_with_the_available_ones(
    state: State, words: str
) -> None:
    """All workers run the same image, so another attempt would fail too."""
    match = f"language java is {words}; available languages: python, c"
    with pytest.raises(RequestError, match=match) as caught:
        toolchains(java=state, python=State.OK, c=State.OK).find("java17")

    assert caught.value.code == "UNKNOWN_LANGUAGE"
