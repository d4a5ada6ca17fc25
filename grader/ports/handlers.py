"""What a worker calls with each request."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

from grader.contract.messages import JobRequest, JobResult

_Request_contra = TypeVar("_Request_contra", bound=JobRequest, contravariant=True)


class JobHandler(Protocol[_Request_contra]):
    """What is done with a request, by one slot and on its thread."""

    def __call__(self, request: _Request_contra, /) -> JobResult:
        """
        Do it.

        Raises:
            RequestError: It never can be done; says why.
            TemporaryError: Another attempt may do it.  Whatever else is raised counts as one too.
        """
        ...


@runtime_checkable
class PreparingHandler(JobHandler[_Request_contra], Protocol[_Request_contra]):
    """A handler that can fetch ahead of time what a request will need."""

    def prepare(self, request: _Request_contra, /) -> None:
        """
        Fetch for a request that waits; it may go to another worker, and never come.

        Called on a thread of its own while the handler works on another request.  What it raises
        is logged and hurts no job.
        """
        ...
