"""Looking up handler plugins among packages that are really installed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from grader.errors import RequestError, SandboxError, SettingsError
from grader.handlers import HandlerContext, find_handler, find_handlers
from grader.ports.handlers import PreparingHandler

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


TWO_KINDS = """
class {model}(JobRequest):
    {field}: str

class {model}Handler:
    def __call__(self, request):
        return ("{model}", request.{field})
    {prepare}

@contextmanager
def make(context):
    yield HandlerSpec({model}, lambda: nullcontext({model}Handler()), "{model}", marker="{marker}")
"""


def kind(install: Install, name: str, field: str, *, marker: str = "", prepare: str = "") -> str:
    """Install a handler whose requests have one field, and return its name."""
    model = "".join(part.capitalize() for part in name.split("-"))
    code = TWO_KINDS.format(model=model, field=field, marker=marker, prepare=prepare)
    return install(name, code)


def body(**fields: Any) -> bytes:
    """A message."""
    return json.dumps({"requestId": "req_1", **fields}).encode()


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (body(source="a"), ("ChoosingRest", "a")),
        (body(source="a", other={"functionId": "b"}), ("ChoosingRest", "a")),
        (body(source="a", functionId=None), ("ChoosingRest", "a")),
        (body(function_id="c", source="functionId"), ("ChoosingRest", "functionId")),
        (body(functionId="b"), ("ChoosingFunction", "b")),
        (body(functionId="b", source="a"), ("ChoosingFunction", "b")),
        (body(functionId="b").replace(b"func", b"\\u0066unc"), ("ChoosingFunction", "b")),
    ],
)
def test_one_worker_takes_several_kinds_and_the_message_chooses(
    install: Install, message: bytes, answer: tuple[str, str]
) -> None:
    """By a field at the top of the message; null is the same as no field."""
    rest = kind(install, "choosing-rest", "source")
    function = kind(install, "choosing-function", "function_id", marker="functionId")

    with find_handlers(f"{rest}, {function}")(CONTEXT) as spec, spec.open() as handler:
        assert cast(Any, handler(spec.request_model.from_json(message))) == answer
        assert spec.detail == "ChoosingRest; ChoosingFunction"


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b'{"functionId": ', "body: Invalid JSON"),
        (b"[" * 100_000 + b'"functionId"', "Invalid JSON"),
        (b'"functionId"', "body: Input should be an object"),
        (b'\xff{"functionId": 1}', "body: Invalid JSON"),
        (body(functionId=["b"]), "functionId: Input should be a valid string"),
        (body(), "source: Field required"),
    ],
)
def test_the_error_of_a_message_names_the_field_of_its_own_kind(
    install: Install, message: bytes, says: str
) -> None:
    """A message that is not JSON is of the kind without a marker."""
    rest = kind(install, "error-rest", "source")
    function = kind(install, "error-function", "function_id", marker="functionId")

    with (
        find_handlers(f"{function},{rest}")(CONTEXT) as spec,
        pytest.raises(RequestError, match=says),
    ):
        spec.request_model.from_json(message)


def test_only_the_handlers_that_can_prefetch_are_asked_to(install: Install) -> None:
    """And a worker without any such handler browses no queue."""
    prepare = "def prepare(self, request): prepared.append(request.source)"
    rest = kind(install, "ahead-rest", "source", prepare=prepare + "\n\nprepared = []")
    function = kind(install, "ahead-function", "function_id", marker="functionId")
    third = kind(install, "ahead-third", "third")

    with find_handlers(f"{rest},{function}")(CONTEXT) as spec, spec.open() as handler:
        assert isinstance(handler, PreparingHandler)
        for message in (body(source="a"), body(functionId="b")):
            handler.prepare(spec.request_model.from_json(message))
        assert importlib.import_module("ahead_rest").prepared == ["a"]
    with find_handlers(f"{third},{function}")(CONTEXT) as spec, spec.open() as handler:
        assert not isinstance(handler, PreparingHandler)


def test_one_handler_is_used_as_it_is(install: Install) -> None:
    """So a worker of one kind does not look at its messages twice."""
    with find_handlers(install("only-one", GOOD))(CONTEXT) as spec:
        assert spec.request_model.__name__ == "JobRequest"


@pytest.mark.parametrize(
    ("markers", "says"),
    [
        (("", ""), "both take messages without a marker"),
        (("functionId", "functionId"), "both take messages with the field 'functionId'"),
    ],
)
def test_two_handlers_for_the_same_messages_are_an_error(
    install: Install, markers: tuple[str, str], says: str
) -> None:
    """Which one got a message would depend on their order."""
    one, two = (
        kind(install, f"same-{name}-{len(marker)}", "source", marker=marker)
        for name, marker in zip(("one", "two"), markers, strict=True)
    )

    with pytest.raises(SettingsError, match=says), find_handlers(f"{one},{two}")(CONTEXT):
        pass


@pytest.mark.parametrize(
    ("names", "says"),
    [(" , ", "no handler is named"), ("grading,grading", "'grading' is named twice")],
)
def test_a_list_without_a_handler_or_with_one_twice_is_an_error(names: str, says: str) -> None:
    """The error names the variable."""
    with pytest.raises(SettingsError, match=says) as caught:
        find_handlers(names)

    assert caught.value.where == "JOB_HANDLER"
