"""
Plugin API for handlers, and their look-up by name.

An entry point of the group ``grader.handlers`` names a context manager. The worker enters it once
with a `HandlerContext`, and it yields a `HandlerSpec`. `grader.judge.handler` is the default;
docs/handlers.md explains how to write another. Several handlers of one worker are combined into
one, which chooses by a field of the message.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from grader.contract.messages import JobRequest, JobResult
from grader.errors import GraderError, SettingsError
from grader.logs import Logger
from grader.ports.functions import FunctionHistory
from grader.ports.handlers import JobHandler, PreparingHandler
from grader.ports.results import NoProgress, ProgressSink
from grader.ports.stores import ObjectStore
from grader.settings import WorkerSettings

GROUP = "grader.handlers"
_VARIABLE = "JOB_HANDLER"
_Request = TypeVar("_Request", bound=JobRequest)
_T = TypeVar("_T")


@dataclass(frozen=True)
class HandlerContext:
    """
    Resources that a worker provides to its handler.

    Args:
        settings: Settings of the worker; a plugin reads its own settings itself.
        objects: The grading bucket.
        log: Log of the worker.
        history: The last runs of functions; None: not known.
        progress: Shows how far a job is, to those who wait for it.
    """

    settings: WorkerSettings
    objects: ObjectStore
    log: Logger
    history: FunctionHistory | None = None
    progress: ProgressSink = field(default_factory=NoProgress)
    _shared: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what the handlers of a worker share by a name; the first that asks makes it."""
        if name not in self._shared:
            self._shared[name] = make()
        found: _T = self._shared[name]
        return found

    @property
    def bucket(self) -> str:
        """Name of the grading bucket; handlers must reject URLs of other buckets."""
        return self.settings.grading_bucket


@dataclass(frozen=True)
class HandlerSpec(Generic[_Request]):
    """
    An opened handler plugin.

    Args:
        request_model: Model of its messages.
        open: Opens the handler of one consumer; it is closed when the worker ends.
        detail: Text of the `handler` check on the health page.
        marker: Field in JSON that only its messages have, for workers with several handlers; empty:
            it takes the messages without the field of another.
    """

    request_model: type[_Request]
    open: Callable[[], AbstractContextManager[JobHandler[_Request]]]
    detail: str = "ok"
    marker: str = ""


#: Type of the objects that entry points name.
OpenHandler = Callable[[HandlerContext], AbstractContextManager[HandlerSpec[Any]]]


def find_handler(name: str) -> OpenHandler:
    """
    Load the handler plugin with this name.

    Returns:
        A function that opens it; errors of the plugin's own code become `SettingsError`.

    Raises:
        SettingsError: No or several packages provide this name, or it cannot be imported.
    """
    entry_point = _entry_point(name)
    with _blaming(entry_point, "loaded"):
        open_handler = entry_point.load()

    @contextmanager
    def checked(context: HandlerContext) -> Iterator[HandlerSpec[Any]]:
        with ExitStack() as stack:
            with _blaming(entry_point, "started"):
                spec = stack.enter_context(open_handler(context))
                if not isinstance(spec, HandlerSpec):
                    raise TypeError(
                        f"it yielded {type(spec).__name__} instead of grader.handlers.HandlerSpec"
                    )
            yield replace(spec, open=lambda: _opened(entry_point, spec))

    return checked


def find_handlers(names: str) -> OpenHandler:
    """
    Load the handlers of one worker.

    Args:
        names: Names separated by commas. One handler is as `find_handler` returns it; several are
            opened in this order and work as one, which chooses by the `HandlerSpec.marker`.

    Raises:
        SettingsError: As `find_handler`; or there is no name, or the same twice.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    twice = [name for name, count in Counter(wanted).items() if count > 1]
    if not wanted or twice:
        raise SettingsError(
            f"the handler {twice[0]!r} is named twice" if twice else "no handler is named",
            where=_VARIABLE,
            next_step="name each handler once, such as grading,function",
        )
    found = [find_handler(name) for name in wanted]
    if len(found) == 1:
        return found[0]

    @contextmanager
    def opened(context: HandlerContext) -> Iterator[HandlerSpec[Any]]:
        with ExitStack() as stack:
            specs = [stack.enter_context(open_handler(context)) for open_handler in found]
            _check_markers(dict(zip(wanted, specs, strict=True)))
            yield _combined(specs)

    return opened


def _check_markers(specs: dict[str, HandlerSpec[Any]]) -> None:
    """Raise `SettingsError` if a message could be of two handlers."""
    names: dict[object, str] = {}
    for name, spec in specs.items():
        for kind, which in (
            (spec.marker, f"with the field {spec.marker!r}" if spec.marker else "without a marker"),
            (spec.request_model, f"of the model {spec.request_model.__name__}"),
        ):
            other = names.setdefault(kind, name)
            if other == name:
                continue
            raise SettingsError(
                f"the handlers {other!r} and {name!r} both take messages {which}",
                where=_VARIABLE,
                next_step="run one of them in workers of its own, with queues of its own",
            )


def _combined(specs: Sequence[HandlerSpec[Any]]) -> HandlerSpec[Any]:
    """Make one handler of several."""

    class AnyRequest(JobRequest):
        """A request of any of the handlers."""

        @classmethod
        def from_json(cls, body: bytes) -> JobRequest:  # type: ignore[override]  # of another model
            model: type[JobRequest] = choose_spec(specs, body).request_model
            return model.from_json(body)

    @contextmanager
    def opened() -> Iterator[JobHandler[Any]]:
        with ExitStack() as stack:
            handlers = {each.request_model: stack.enter_context(each.open()) for each in specs}
            prepares = any(isinstance(each, PreparingHandler) for each in handlers.values())
            yield (_PreparingHandlers if prepares else _Handlers)(handlers)

    return HandlerSpec(AnyRequest, opened, "; ".join(each.detail for each in specs))


def choose_spec(specs: Sequence[HandlerSpec[Any]], body: bytes) -> HandlerSpec[Any]:
    """
    Choose the handler of a message.

    Args:
        specs: At least one handler.
        body: The message; the handler without a marker gets one that is not JSON.
    """
    rest = next((each for each in specs if not each.marker), specs[0])
    # Most messages need no second parsing. An escaped name counts too, hence the backslash.
    marked = [each for each in specs if each.marker and each.marker.encode() in body]
    if not marked and b"\\u" not in body:
        return rest
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # bad UTF-8 or JSON, or nothing but brackets
        return rest
    fields = document if isinstance(document, dict) else {}
    having = (each for each in specs if each.marker and fields.get(each.marker) is not None)
    return next(having, rest)


class _Handlers:
    """The handlers of one consumer, as one."""

    def __init__(self, handlers: dict[type[JobRequest], JobHandler[Any]]) -> None:
        self._handlers = handlers

    def __call__(self, request: JobRequest, /) -> JobResult:
        """Process a request with the handler of its model."""
        return self._handlers[type(request)](request)


class _PreparingHandlers(_Handlers):
    """The same, if at least one of them prefetches."""

    def prepare(self, request: JobRequest, /) -> None:
        """Prefetch for a waiting request, if its handler can."""
        handler = self._handlers[type(request)]
        if isinstance(handler, PreparingHandler):
            handler.prepare(request)


@contextmanager
def _opened(entry_point: EntryPoint, spec: HandlerSpec[_Request]) -> Iterator[JobHandler[_Request]]:
    with ExitStack() as stack:
        with _blaming(entry_point, "opened"):
            handler = stack.enter_context(spec.open())
        yield handler


def _entry_point(name: str) -> EntryPoint:
    installed = entry_points(group=GROUP)
    found = sorted(installed.select(name=name), key=_origin)
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingsError(
            f"several packages provide the handler {name!r}: {', '.join(map(_origin, found))}",
            where=_VARIABLE,
            next_step="uninstall all but one",
        )
    names = ", ".join(sorted(installed.names)) or "none"
    raise SettingsError(
        f"handler {name!r} not found; installed: {names}",
        where=_VARIABLE,
        next_step="correct the name, or install the package that provides it",
    )


def _origin(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist else entry_point.value


@contextmanager
def _blaming(entry_point: EntryPoint, done: str) -> Iterator[None]:
    """Turn errors of a plugin's code into a `SettingsError` that names the plugin."""
    try:
        yield
    except GraderError:
        raise
    except Exception as error:
        raise SettingsError(
            f"handler {entry_point.name!r} ({entry_point.value} of {_origin(entry_point)}) "
            f"cannot be {done}: {type(error).__name__}: {error}",
            where=_VARIABLE,
            next_step="fix or reinstall that package, or choose another handler",
        ) from error
