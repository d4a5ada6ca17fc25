"""Looking up handler plugins among packages that are really installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from grader.errors import SandboxError, SettingsError
from grader.handlers import HandlerContext, find_handler

CONTEXT = cast(HandlerContext, None)  # none of these handlers uses it
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
def make(context):
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
    """The default handler is a plugin like any other."""
    assert find_handler("grading")


def test_an_installed_handler_is_found_and_opened_for_a_consumer(install: Install) -> None:
    """Model and health detail are the plugin's; it is closed when the worker closes it."""
    with find_handler(install("found-one", GOOD))(CONTEXT) as spec:
        module = importlib.import_module("found_one")
        with spec.open() as handler:
            assert cast(Any, handler) is str
            assert module.closed == []
        assert (module.closed, module.left) == ([True], [])
    assert module.left == [True]
    assert (spec.request_model.__name__, spec.detail) == ("JobRequest", "of tests")


def test_an_unknown_name_lists_the_installed_handlers(install: Install) -> None:
    """A misspelt name is a settings error that shows the right spelling."""
    install("words-one", GOOD)

    with pytest.raises(
        SettingsError, match=r"handler 'wrods' not found.*grading.*words-one"
    ) as caught:
        find_handler("wrods")

    assert (caught.value.exit_code, caught.value.where) == (78, "JOB_HANDLER")


def test_two_packages_with_one_name_are_an_error(install: Install) -> None:
    """The order on the path must not select the handler."""
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
    """The error names the package to fix and the reason."""
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
            "def make(context): return nullcontext(7)",
            "it yielded int instead of grader.handlers.HandlerSpec",
        ),
        (
            "def make(context): return HandlerSpec(JobRequest, None)",
            "does not support the context manager",
        ),
        (
            "def make(context): yield HandlerSpec(JobRequest, None)",
            "does not support the context manager",
        ),
        ("def make(context): return context.nothing", "AttributeError"),
        ("def make(): return 7", "TypeError"),
        ("make = 7", "TypeError"),
    ],
)
def test_a_handler_that_cannot_be_started_is_named_with_the_reason(
    install: Install, code: str, words: str
) -> None:
    """A bug of the plugin is not reported as one of the worker."""
    name = install(f"unstarted-{len(code)}", code)

    with (
        pytest.raises(SettingsError, match="cannot be started") as caught,
        find_handler(name)(CONTEXT),
    ):
        pytest.fail("it was started")

    assert words in str(caught.value)


def test_a_handler_that_cannot_be_opened_is_named_with_the_reason(install: Install) -> None:
    """Also when its start succeeded."""
    code = (
        "def make(context): return nullcontext(HandlerSpec(JobRequest, lambda: nullcontext(1 / 0)))"
    )

    with (
        find_handler(install("unopened", code))(CONTEXT) as spec,
        pytest.raises(SettingsError, match="cannot be opened: ZeroDivisionError"),
        spec.open(),
    ):
        pytest.fail("it was opened")


def test_grader_errors_pass_unchanged(install: Install) -> None:
    """They have their own exit code and next step."""
    code = "def make(context): raise SandboxError('no box is free')"

    with (
        pytest.raises(SandboxError, match="no box"),
        find_handler(install("boxless", code))(CONTEXT),
    ):
        pytest.fail("it was started")


def test_errors_of_an_open_handler_reach_the_caller(install: Install) -> None:
    """Only opening is translated; `JobProcessor` decides what a failed job becomes."""
    open_handler = find_handler(install("open-raiser", GOOD))

    with pytest.raises(KeyError), open_handler(CONTEXT) as spec, spec.open():
        raise KeyError("job")
