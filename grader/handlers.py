"""
Plugin API for handlers, and their look-up by name.

An entry point of the group ``grader.handlers`` names a context manager. The worker enters it once
with a `HandlerContext`, and it yields a `HandlerSpec`. `grader.judge.handler` is the default;
docs/handlers.md explains how to write another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from grader.contract.messages import JobRequest
from grader.errors import GraderError, SettingsError
from grader.logs import Logger
from grader.ports.handlers import JobHandler
from grader.ports.stores import ObjectStore
from grader.settings import WorkerSettings

GROUP = "grader.handlers"
_VARIABLE = "JOB_HANDLER"
_Request = TypeVar("_Request", bound=JobRequest)


@dataclass(frozen=True)
class HandlerContext:
    """
    Resources that a worker provides to its handler.

    Args:
        settings: Settings of the worker; a plugin reads its own settings itself.
        objects: The grading bucket.
        log: Log of the worker.
    """

    settings: WorkerSettings
    objects: ObjectStore
    log: Logger

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
    """

    request_model: type[_Request]
    open: Callable[[], AbstractContextManager[JobHandler[_Request]]]
    detail: str = "ok"


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
