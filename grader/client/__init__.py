"""
Submits programs from Python, and fetches their results.

>>> with open_client("production", region="ap-northeast-2") as client:  # doctest: +SKIP
...     request_id = client.submit("sum", "python", "print(3)", user_id="user_001")
...     client.wait(request_id, timeout_seconds=60).result.verdict

By the HTTP API, it needs no right in AWS:

>>> with open_http_client("https://grading.example.com", api_key=key) as client:  # doctest: +SKIP
...     request_id = client.submit("sum", "python", "print(3)")
...     client.wait(request_id, timeout_seconds=60).result.verdict
"""

from grader.client.client import GradingClient, open_client
from grader.client.concurrent import AsyncGradingClient
from grader.client.http import HttpGradingClient, Program, SentBatch, open_http_client
from grader.client.submission import Limits, Source

__all__ = [
    "AsyncGradingClient",
    "GradingClient",
    "HttpGradingClient",
    "Limits",
    "Program",
    "SentBatch",
    "Source",
    "open_client",
    "open_http_client",
]
