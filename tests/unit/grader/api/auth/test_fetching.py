"""Fetching the documents of an issuer from a real server with TLS."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from grader.api.auth.fetching import https_fetch
from grader.errors import TemporaryError


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

    hanging = threading.Event()

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/slow":
            self.hanging.wait(10)
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("location", "/document")
            self.end_headers()
            return
        body = b"x" * 2_000_000 if self.path == "/large" else b'{"a": 1}'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificate."""
    return trustme.CA()


@pytest.fixture(scope="module")
def url(authority: trustme.CA) -> Iterator[str]:
    """A server on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients leave in the middle
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"https://localhost:{server.server_port}"
    Handler.hanging.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """Trusts the server."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_document_is_fetched(url: str, trust: ssl.SSLContext) -> None:
    """With its query."""
    assert asyncio.run(https_fetch(trust)(f"{url}/document?a=1")) == b'{"a": 1}'


@pytest.mark.parametrize("path", ["/elsewhere", "/large", "/slow"])
def test_a_redirect_a_large_or_a_slow_document_is_an_outage(
    url: str, trust: ssl.SSLContext, path: str
) -> None:
    """The API does not hang, fill its memory, or follow to another host."""
    with pytest.raises(TemporaryError):
        asyncio.run(https_fetch(trust, timeout=0.3)(url + path))


def test_an_unknown_certificate_is_an_outage(url: str) -> None:
    """Keys of a stranger would let everyone in."""
    with pytest.raises(TemporaryError, match=r"(?i)certificate"):
        asyncio.run(https_fetch()(url))


@pytest.mark.parametrize("address", ["http://localhost/", "file:///etc/passwd", "https:///x"])
def test_only_https_is_fetched(address: str) -> None:
    """Nothing else is opened."""
    with pytest.raises(TemporaryError, match="not an https address"):
        asyncio.run(https_fetch()(address))
