"""Calls an HTTP API over urllib3."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from time import monotonic

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, LocationValueError, MaxRetryError, SSLError

from grader.adapters.trust import untrusted
from grader.errors import ConnectionLostError, GraderError, SettingsError

_CONNECT_SECONDS = 10.0
#: Connections that are kept; more may be open at the same time.
_KEPT_CONNECTIONS = 16
_SHORTEST_SECONDS = 0.01
#: Longest line of an event stream, and largest answer.
_MOST_BYTES = 64 << 20
_ADVICE = "give the certificate of its authority as ca_file"


@dataclass(frozen=True)
class HttpAnswer:
    """
    An answer.

    Args:
        status: Its status code.
        headers: Its headers, with lower-case names.
        body: Its body; empty for a stream that was opened.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpConnections:
    """
    Keeps connections to a server; thread-safe. Redirects are not followed.

    Args:
        ca_file: Authorities that are trusted in addition to those of the system.

    Raises:
        SettingsError: The file cannot be read.
    """

    def __init__(self, ca_file: Path | str | None = None) -> None:
        self._pools = PoolManager(maxsize=_KEPT_CONNECTIONS, ssl_context=_tls_context(ca_file))

    def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
    ) -> HttpAnswer:
        """
        Make one call, without repetitions.

        Args:
            method: Such as `POST`.
            url: The whole URL.
            body: The body; None: without one.
            headers: Headers.
            seconds: Longest time without a byte of the answer.

        Raises:
            ConnectionLostError: No connection, or it was lost before the answer was complete.
            TrustError: The certificate of the server is not trusted.
        """
        with self._open(method, url, body=body, headers=headers, seconds=seconds) as response:
            return HttpAnswer(response.status, _headers(response), response.read(_MOST_BYTES))

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str], silence_seconds: float, deadline: float
    ) -> Iterator[tuple[HttpAnswer, Iterator[str]]]:
        """
        Open a stream; yields the answer and the lines of its body.

        The lines end when the server ends the stream. An error has its body in the answer.

        Args:
            url: The whole URL.
            headers: Headers.
            silence_seconds: Time without a byte after which the connection counts as lost.
            deadline: Of the whole stream, as a value of `time.monotonic`.

        Raises:
            ConnectionLostError: No connection, it was lost, or the deadline has passed.
            TrustError: The certificate of the server is not trusted.
        """
        seconds = max(min(silence_seconds, deadline - monotonic()), _SHORTEST_SECONDS)
        with self._open("GET", url, body=None, headers=headers, seconds=seconds) as response:
            body = (
                response.read(_MOST_BYTES)
                if response.status >= HTTPStatus.MULTIPLE_CHOICES
                else b""
            )
            answer = HttpAnswer(response.status, _headers(response), body)
            yield answer, _lines(response, silence_seconds, deadline)

    def close(self) -> None:
        """Close all connections."""
        self._pools.clear()

    @contextmanager
    def _open(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
    ) -> Iterator[BaseHTTPResponse]:
        response: BaseHTTPResponse | None = None
        is_read = False
        try:
            response = self._pools.request(
                method,
                url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds),
            )
            yield response
            is_read = True
        except (HTTPError, LocationValueError, OSError) as error:
            raise _grader_error(error, url) from error
        finally:
            if response is not None:
                if not is_read or response.length_remaining:
                    response.close()
                response.release_conn()


def _lines(response: BaseHTTPResponse, silence_seconds: float, deadline: float) -> Iterator[str]:
    """Yield lines; the time without a byte never exceeds what is left."""
    connection = response.connection
    socket = getattr(connection, "sock", None)
    buffer = bytearray()
    while True:
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        if socket is not None:
            socket.settimeout(max(min(silence_seconds, left), _SHORTEST_SECONDS))
        piece = response.read1(1 << 16)
        if not piece:
            return
        buffer += piece
        if len(buffer) > _MOST_BYTES:
            raise OSError("a line of the stream is too long")
        *whole, rest = bytes(buffer).split(b"\n")
        buffer = bytearray(rest)
        for line in whole:
            yield line.rstrip(b"\r").decode(errors="replace")


def _headers(response: BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _tls_context(ca_file: Path | str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            what = f"cannot read certificates: {error.strerror or error}"
            raise SettingsError(what, where=str(ca_file), next_step="check ca_file") from error
    return context


def _grader_error(error: Exception, url: str) -> GraderError:
    where = url.partition("?")[0]  # the query of an upload URL is a credential
    if isinstance(error, MaxRetryError) and error.reason is not None:
        return _grader_error(error.reason, url)
    if isinstance(error, SSLError) and error.args:
        reason = error.args[0]
        if isinstance(reason, ssl.SSLCertVerificationError):
            return untrusted(reason, where, _ADVICE)
    if isinstance(error, LocationValueError):
        return SettingsError("not a URL", where=where, next_step="write https://host")
    innermost: BaseException = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    text = getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__
    return ConnectionLostError(f"the call failed: {text}", where=where)
