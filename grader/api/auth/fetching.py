"""Fetches the documents of a token issuer over https."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from urllib.parse import urlsplit

from grader.api.auth.tokens import Fetch
from grader.errors import TemporaryError

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 1_048_576
_OK = 200


def https_fetch(trust: ssl.SSLContext | None = None, *, timeout: float = _TIMEOUT_SECONDS) -> Fetch:
    """
    Make a function that fetches a document.

    It follows no redirect, and reads at most 1 MiB.

    Args:
        trust: Trusted authorities; None: those of the system.
        timeout: Seconds for the whole document.
    """
    context = trust or ssl.create_default_context()

    async def fetch(url: str) -> bytes:
        try:
            return await asyncio.wait_for(
                asyncio.to_thread(_get, url, context, timeout), timeout=timeout
            )
        except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
            raise TemporaryError(f"cannot read it: {error or 'timeout'}", where=url) from error

    return fetch


def _get(url: str, context: ssl.SSLContext, timeout: float) -> bytes:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("not an https address")
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=timeout, context=context
    )
    try:
        path = parts.path or "/"
        connection.request("GET", f"{path}?{parts.query}" if parts.query else path)
        with connection.getresponse() as answer:
            if answer.status != _OK:
                raise ValueError(f"status {answer.status}")
            body = answer.read(_MOST_BYTES + 1)
    finally:
        connection.close()
    if len(body) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes")
    return body
