"""Finding the work that a worker is told to do, among packages that are really installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from grader.errors import SandboxError, SettingsError
from grader.handlers import HandlerContext, find_handler

TOOLS = cast(HandlerContext, None)  # none of these handlers uses them
HEAD = """
from contextlib import contextmanager, nullcontext
from grader.contract.messages import JobRequest
from grader.errors import SandboxError
from grader.handlers import HandlerSpec
"""
GOOD = """
@contextmanager
def opened():
    closed.clear()
    yield str
    closed.append(True)

closed = []
@contextmanager
def make(tools):
    left.clear()
    yield HandlerSpec(JobRequest, opened, "of tests")
    left.append(True)

left = []
"""
Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with a handler ``<name>``, as pip lays it out."""

    def install_(name: str, code: str, *, package: str = "", target: str = "make") -> str:
        package = package or name.replace("-", "_")
        folder = tmp_path / package
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(HEAD + code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[grader.handlers]\n{name} = {package}:{target}\n")
        monkeypatch.syspath_prepend(folder)
        return name

    return install_


def test_grading_is_installed_with_the_worker() -> None:
    """The default is found as every other handler is."""
    assert find_handler("grading")


def test_an_installed_handler_is_found_and_opened_for_a_slot(install: Install) -> None:
    """Its model and what health says are its own; it is closed when the worker leaves it."""
    with find_handler(install("found-one", GOOD))(TOOLS) as work:
        module = importlib.import_module("found_one")
        with work.open() as handler:
            assert cast(Any, handler) is str
            assert module.closed == []
        assert (module.closed, module.left) == ([True], [])
    assert module.left == [True]
    assert (work.request_model.__name__, work.detail) == ("JobRequest", "of tests")


def test_an_unknown_name_is_answered_with_the_installed_ones(install: Install) -> None:
    """Whoever misspelt it sees what it should have been; the exit status is a wrong setting's."""
    install("words-one", GOOD)

    with pytest.raises(SettingsError, match=r"no handler 'wrods'.*grading.*words-one") as caught:
        find_handler("wrods")

    assert (caught.value.exit_code, caught.value.where) == (78, "JOB_HANDLER")


def test_two_packages_with_one_name_are_not_chosen_between(install: Install) -> None:
    """Which one came first on the path must not decide what is done with messages."""
    install("twice", GOOD, package="twice_a")
    install("twice", GOOD, package="twice_b")

    with pytest.raises(SettingsError, match=r"several packages.*twice_a, twice_b"):
        find_handler("twice")


@pytest.mark.parametrize(
    ("code", "target", "words"),
    [
        ("import no_such_module", "make", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def make(: pass", "make", "SyntaxError"),
        ("raise RuntimeError('no licence')", "make", "RuntimeError: no licence"),
        ("", "absent", "AttributeError"),
    ],
)
def test_a_handler_that_cannot_be_imported_is_named_with_the_reason(
    install: Install, code: str, target: str, words: str
) -> None:
    """Which package to mend, and why."""
    name = install(f"broken-{len(code)}", code, target=target)

    with pytest.raises(SettingsError) as caught:
        find_handler(name)

    assert words in str(caught.value)
    assert f"{name!r} ({name.replace('-', '_')}:{target} of" in str(caught.value)
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "def make(tools): return nullcontext(7)",
            "it gave int and not grader.handlers.HandlerSpec",
        ),
        (
            "def make(tools): return HandlerSpec(JobRequest, None)",
            "does not support the context manager",
        ),
        (
            "def make(tools): yield HandlerSpec(JobRequest, None)",
            "does not support the context manager",
        ),
        ("def make(tools): return tools.nothing", "AttributeError"),
        ("def make(): return 7", "TypeError"),
        ("make = 7", "TypeError"),
    ],
)
def test_a_handler_that_cannot_be_started_is_named_with_the_reason(
    install: Install, code: str, words: str
) -> None:
    """A mistake in it is not taken for one of the worker."""
    name = install(f"unstarted-{len(code)}", code)

    with (
        pytest.raises(SettingsError, match="cannot be started") as caught,
        find_handler(name)(TOOLS),
    ):
        pytest.fail("it was started")

    assert words in str(caught.value)


def test_a_handler_that_cannot_be_opened_is_named_with_the_reason(install: Install) -> None:
    """Also when it was started well."""
    code = (
        "def make(tools): return nullcontext(HandlerSpec(JobRequest, lambda: nullcontext(1 / 0)))"
    )

    with (
        find_handler(install("unopened", code))(TOOLS) as work,
        pytest.raises(SettingsError, match="cannot be opened: ZeroDivisionError"),
        work.open(),
    ):
        pytest.fail("it was opened")


def test_errors_of_ours_pass_as_they_are(install: Install) -> None:
    """They have their own exit status and next step."""
    code = "def make(tools): raise SandboxError('no slot is free')"

    with (
        pytest.raises(SandboxError, match="no slot"),
        find_handler(install("slotless", code))(TOOLS),
    ):
        pytest.fail("it was started")


def test_what_a_handler_raises_while_it_is_open_is_its_callers_affair(install: Install) -> None:
    """Only opening is blamed on it; how a job fails is decided at the desk."""
    open_work = find_handler(install("open-raiser", GOOD))

    with pytest.raises(KeyError), open_work(TOOLS) as work, work.open():
        raise KeyError("job")
