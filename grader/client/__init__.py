"""
Submits programs from Python, and fetches their results.

>>> with open_client("production", region="ap-northeast-2") as client:  # doctest: +SKIP
...     request_id = client.submit("sum", "python", "print(3)", user_id="user_001")
...     client.wait(request_id, timeout_seconds=60).result.verdict
"""

from grader.client.client import GradingClient, open_client
from grader.client.concurrent import AsyncGradingClient
from grader.client.submission import Limits, Source

__all__ = ["AsyncGradingClient", "GradingClient", "Limits", "Source", "open_client"]
