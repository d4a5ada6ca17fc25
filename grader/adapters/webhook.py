"""Sends signed bodies over HTTPS, to the very address that was judged."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook
from urllib3 import BaseHTTPResponse, HTTPSConnectionPool, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as HttpTimeoutError,
)

from grader.adapters.trust import untrusted
from grader.errors import ConnectionLostError, GraderError, SettingsError, TemporaryError
from grader.ports.results import Answer, SignedPost

_CONNECT_SECONDS = 5.0
#: No more of an answer is read, whatever its length.
_MOST_ANSWER_BYTES = 4096
_EXCERPT_CHARACTERS = 200
#: Connections are kept to this many receivers, and this many to each.
_RECEIVERS = 64
_CONNECTIONS = 8
_ADVICE = "WEBHOOK_CA_FILE adds an authority"

#: The deadline of the call that the thread makes.
_call = threading.local()


class _BoundedSocket(ssl.SSLSocket):
    """Keeps the deadline of the call: a timeout of a socket begins anew with each byte."""

    def recv_into(self, *args: Any, **options: Any) -> int:  # noqa: ANN401 - parameters of the base class
        """Receive within the time that is left."""
        self._bound()
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:  # noqa: ANN401 - parameters of the base class
        """Send within the time that is left."""
        self._bound()
        return super().send(*args, **options)

    def _bound(self) -> None:
        left = getattr(_call, "deadline", 0.0) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)


class HttpsWebhookClient:
    """
    `grader.ports.results.WebhookClient` over urllib3; thread-safe.

    Redirects are not followed, no proxy is used, and the certificate must be that of the host.

    Args:
        ca_file: Authorities that are trusted in addition to those of the system.

    Raises:
        SettingsError: The file cannot be read.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self._context = _tls_context(ca_file)
        self._pools: OrderedDict[tuple[str, str, int], HTTPSConnectionPool] = OrderedDict()
        self._lock = threading.Lock()

    def resolve(self, host: str, port: int) -> list[str]:
        """Resolve a host with the resolver of the system."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise TemporaryError(f"cannot be resolved: {reason}", where=host) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def post(self, request: SignedPost, deadline: float) -> Answer:
        """Post a body to an address."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TemporaryError("no time was left to connect", where=request.host)
        _call.deadline = deadline
        timeout = Timeout(connect=min(_CONNECT_SECONDS, left), read=left)
        try:
            response = self._pool(request).urlopen(
                "POST",
                request.path,
                body=request.body,
                headers=dict(request.headers),
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
            )
            return _answer(response)
        except (HTTPError, OSError) as error:
            raise _grader_error(error, request) from error

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            pools, self._pools = self._pools, OrderedDict()
        for each in pools.values():
            each.close()

    def _pool(self, request: SignedPost) -> HTTPSConnectionPool:
        key = (request.host, request.address, request.port)
        with self._lock:
            pool = self._pools.pop(key, None) or HTTPSConnectionPool(
                request.address,
                request.port,
                maxsize=_CONNECTIONS,
                ssl_context=self._context,
                server_hostname=request.host,  # OpenSSL compares the certificate with it
            )
            self._pools[key] = pool
            if len(self._pools) > _RECEIVERS:
                self._pools.popitem(last=False)[1].close()
            return pool


def sign(secrets: Sequence[str], delivery_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """
    Sign a body by Standard Webhooks.

    Args:
        secrets: One or more `whsec_...`, the first one first.
        delivery_id: The id of the webhook.
        now: Time of the attempt, UTC and aware; receivers refuse one that differs by five minutes.
        body: The body, UTF-8.

    Returns:
        The three headers.
    """
    text = body.decode()
    signatures = " ".join(Webhook(each).sign(delivery_id, now, text) for each in secrets)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
    }


def check_secrets(secrets: Sequence[str], where: str) -> None:
    """
    Check that each secret can sign.

    Args:
        secrets: From the parameter store.
        where: Name of the parameter.

    Raises:
        SettingsError: There is none, or one is not `whsec_` with base64.
    """
    try:
        usable = bool(secrets) and all(
            each.startswith("whsec_") and Webhook(each) for each in secrets
        )
    except Exception:  # noqa: BLE001 - the library raises errors of several kinds
        usable = False
    if not usable:
        hint = "store whsec_ and 24 to 64 random bytes as base64; separate two by a space"
        raise SettingsError("not a secret of webhooks", where=where, next_step=hint)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _BoundedSocket
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            what = f"cannot read certificates: {error.strerror or error}"
            hint = "check WEBHOOK_CA_FILE"
            raise SettingsError(what, where=str(ca_file), next_step=hint) from error
    return context


def _answer(response: BaseHTTPResponse) -> Answer:
    """Read the beginning of an answer; a connection with more is closed."""
    headers: Mapping[str, str] = response.headers
    try:
        body = response.read(_MOST_ANSWER_BYTES, decode_content=False)
        is_whole = len(body) < _MOST_ANSWER_BYTES
    except (HTTPError, OSError):  # the status has arrived, and it is what counts
        body, is_whole = b"", False
    if not is_whole:
        response.close()
    response.release_conn()
    text = body[:_EXCERPT_CHARACTERS].decode(errors="replace")
    return Answer(response.status, headers.get("retry-after", ""), text)


def _grader_error(error: Exception, request: SignedPost) -> GraderError:
    where = f"{request.host} ({request.address}, port {request.port})"
    if isinstance(error, SSLError):
        reason = error.args[0] if error.args else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            return untrusted(reason, where, _ADVICE)
        return TemporaryError(
            f"TLS failed: {getattr(reason, 'reason', None) or reason}", where=where
        )
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        reason = error.__cause__ or error.__context__ or error
        what = getattr(reason, "strerror", None) or "it did not answer"
        return ConnectionLostError(f"no connection: {what}", where=where)
    if isinstance(error, HttpTimeoutError | TimeoutError):
        return TemporaryError("no answer in time", where=where)
    return TemporaryError(f"the connection broke: {_innermost(error)}", where=where)


def _innermost(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
