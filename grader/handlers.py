"""
What a worker does with a message: chosen by name among what is installed.

An entry point of the group ``grader.handlers`` names a context manager that is entered once per
worker with a `HandlerContext` and yields a `HandlerSpec`.  `grader.judge.handler` is the default;
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
    What a worker lends to its work.

    Args:
        settings: Of the worker; a handler of another package reads its own by itself.
        objects: The grading bucket.
        log: Where events go.
    """

    settings: WorkerSettings
    objects: ObjectStore
    log: Logger

    @property
    def bucket(self) -> str:
        """Name of the grading bucket; a URL of any other is to be refused."""
        return self.settings.grading_bucket


@dataclass(frozen=True)
class HandlerSpec(Generic[_Request]):
    """
    One kind of work.

    Args:
        request_model: What a message must look like.
        open: Gives the handler of one slot, which is left at the worker's end.
        detail: What the health page says of it.
    """

    request_model: type[_Request]
    open: Callable[[], AbstractContextManager[JobHandler[_Request]]]
    detail: str = "ok"


#: What an entry point names.
OpenHandler = Callable[[HandlerContext], AbstractContextManager[HandlerSpec[Any]]]


def find_handler(name: str) -> OpenHandler:
    """
    Load the handler of this name.

    Returns:
        What opens the work, and raises `SettingsError` where the handler's own code raises
        something that is none of our errors.

    Raises:
        SettingsError: None or several are installed under this name, or it cannot be imported.
    """
    entry_point = _entry_point(name)
    with _blaming(entry_point, "loaded"):
        open_work = entry_point.load()

    @contextmanager
    def checked(tools: HandlerContext) -> Iterator[HandlerSpec[Any]]:
        with ExitStack() as stack:
            with _blaming(entry_point, "started"):
                work = stack.enter_context(open_work(tools))
                if not isinstance(work, HandlerSpec):
                    raise TypeError(
                        f"it gave {type(work).__name__} and not grader.handlers.HandlerSpec"
                    )
            yield replace(work, open=lambda: _opened(entry_point, work))

    return checked


@contextmanager
def _opened(entry_point: EntryPoint, work: HandlerSpec[_Request]) -> Iterator[JobHandler[_Request]]:
    with ExitStack() as stack:
        with _blaming(entry_point, "opened"):
            handler = stack.enter_context(work.open())
        yield handler


def _entry_point(name: str) -> EntryPoint:
    installed = entry_points(group=GROUP)
    found = sorted(installed.select(name=name), key=_origin)
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingsError(
            f"several packages have a handler {name!r}: {', '.join(map(_origin, found))}",
            where=_VARIABLE,
            next_step="uninstall all but one",
        )
    names = ", ".join(sorted(installed.names)) or "none"
    raise SettingsError(
        f"there is no handler {name!r}; installed: {names}",
        where=_VARIABLE,
        next_step="correct the name, or install the package that brings it",
    )


def _origin(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist else entry_point.value


@contextmanager
def _blaming(entry_point: EntryPoint, done: str) -> Iterator[None]:
    """Name the handler whose code raised what is none of our errors."""
    try:
        yield
    except GraderError:
        raise
    except Exception as error:
        raise SettingsError(
            f"handler {entry_point.name!r} ({entry_point.value} of {_origin(entry_point)}) "
            f"cannot be {done}: {type(error).__name__}: {error}",
            where=_VARIABLE,
            next_step="mend or reinstall that package, or choose another handler",
        ) from error
