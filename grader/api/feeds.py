"""
Pushed news of requests, for the callers that wait.

A feed is lossy. `grader.api.waiting` looks up rows as well: seldom while the feed works, often when
it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class News:
    """
    What was pushed about a request.

    Args:
        request_id: The request.
        text: The document that `GET /v1/submissions/{id}` answers, or a `Progress`.
        is_final: Whether it is the document, and nothing follows.
    """

    request_id: str
    text: bytes
    is_final: bool


class ResultFeed(Protocol):
    """Pushes results and progress; one connection for all requests. Its methods never raise."""

    @property
    def works(self) -> bool:
        """Whether news arrives now; false while the connection is lost."""
        ...

    async def start(self, on_news: Callable[[News], None]) -> None:
        """Connect in the background, and again after each loss; `on_news` must not block."""
        ...

    async def watch(self, request_id: str) -> None:
        """
        Ask for the news of a request, and for what was pushed before.

        Returns soon, also without a connection; after a loss all watched requests are asked for
        again.
        """
        ...

    async def unwatch(self, request_id: str) -> None:
        """Stop watching a request."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...
