"""The client for asyncio."""

from __future__ import annotations

import asyncio
from time import monotonic

from grader.client.client import GradingClient
from grader.client.http import HttpGradingClient
from grader.client.results import poll_intervals
from grader.client.submission import Limits, Source
from grader.contract.messages import GradingResult
from grader.errors import NoResultError


class AsyncGradingClient:
    """
    Submit, result and wait as coroutines; a wait polls, and holds no thread.

    Args:
        client: A client, from `open_client` or `open_http_client`.
    """

    def __init__(self, client: GradingClient | HttpGradingClient) -> None:
        self._client = client

    async def submit(  # noqa: PLR0913 - as `GradingClient.submit`
        self,
        problem_id: str,
        language: str,
        source: Source | str | bytes,
        *,
        user_id: str,
        limits: Limits | None = None,
        request_id: str | None = None,
        priority: bool = False,
    ) -> str:
        """Upload a program and send its request; see `GradingClient.submit`."""
        return await asyncio.to_thread(
            self._client.submit,
            problem_id,
            language,
            source,
            user_id=user_id,
            limits=limits,
            request_id=request_id,
            priority=priority,
        )

    async def result(self, request_id: str) -> GradingResult | None:
        """Read the result; None while there is none."""
        return await asyncio.to_thread(self._client.result, request_id)

    async def wait(self, request_id: str, timeout_seconds: float) -> GradingResult:
        """Wait for the result; see `GradingClient.wait`."""
        deadline = monotonic() + timeout_seconds
        for interval in poll_intervals():
            result = await self.result(request_id)
            if result is not None:
                return result
            left = deadline - monotonic()
            if left <= 0:
                break
            await asyncio.sleep(min(interval, left))
        raise NoResultError(f"no result within {timeout_seconds:g} s", where=request_id)
