"""Interface of handlers, which process requests."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

from grader.contract.messages import JobRequest, JobResult

_Request_contra = TypeVar("_Request_contra", bound=JobRequest, contravariant=True)


class JobHandler(Protocol[_Request_contra]):
    """Processes requests on the thread of one consumer."""

    def __call__(self, request: _Request_contra, /) -> JobResult:
        """
        Process a request.

        Raises:
            RequestError: The request can never succeed; the reason is shown to the user.
            TemporaryError: Another attempt may succeed. All other exceptions are retried too.
        """
        ...


@runtime_checkable
class PreparingHandler(JobHandler[_Request_contra], Protocol[_Request_contra]):
    """A handler that can prefetch for waiting requests."""

    def prepare(self, request: _Request_contra, /) -> None:
        """
        Prefetch for a waiting request, which another worker may get instead.

        Called on a background thread while the handler processes another request. Exceptions are
        logged and do not affect jobs.
        """
        ...
