"""An HTTP relay before the emulated account, which holds or refuses chosen requests."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_SECONDS = 120  # a limit for a hung test
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date"})


class Held:
    """A request that waits in the relay: `arrived` is set when it is there."""

    def __init__(self, method: str, words: str) -> None:
        self.arrived = threading.Event()
        self._decided = threading.Event()
        self._refuse = False
        self._method, self._words = method, words

    def matches(self, method: str, about: str) -> bool:
        """Whether a request is meant; `about` is its path and its action."""
        return method == self._method and self._words in about

    def pass_on(self) -> None:
        """Send it, and all later ones, to the account."""
        self._decided.set()

    def refuse(self) -> None:
        """Answer it, and all later ones, with 403."""
        self._refuse = True
        self._decided.set()

    def wait(self) -> bool:
        """Wait until the test decides; returns whether the request may pass."""
        self.arrived.set()
        assert self._decided.wait(_SECONDS)
        return not self._refuse


class HttpRelay:
    """
    Relays to the emulated account.

    Args:
        target: URL of the account.
    """

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target).netloc
        self._rules: list[Held] = []
        self._failures: dict[str, tuple[int, str]] = {}
        self.url = ""

    @contextmanager
    def failing(self, *actions: str, status: int, code: str) -> Iterator[None]:
        """Answer these actions of SQS with an error for the block."""
        self._failures = dict.fromkeys(actions, (status, code))
        try:
            yield
        finally:
            self._failures = {}

    def hold(self, method: str, words: str) -> Held:
        """Hold requests with this method and these words in their path or action."""
        rule = Held(method, words)
        self._rules.append(rule)
        return rule

    @contextmanager
    def running(self) -> Iterator[HttpRelay]:
        """Listen for the block."""
        relay = self

        class Handler(_Handler):
            answer = relay.answer

        server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            for rule in self._rules:
                rule.pass_on()
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send a request to the account, unless a rule refuses it."""
        target = headers.get("X-Amz-Target", "")
        failure = self._failures.get(target.removeprefix("AmazonSQS."))
        if failure is not None:
            status, code = failure
            content = {"__type": f"com.amazon.coral.service#{code}", "message": "not by this test"}
            kind = [("Content-Type", "application/x-amz-json-1.0")]
            return status, kind, json.dumps(content).encode()
        about = f"{path} {target}"
        for rule in self._rules:
            if rule.matches(method, about) and not rule.wait():
                return 403, [("Content-Type", "application/xml")], _REFUSED
        connection = HTTPConnection(self._target, timeout=_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()


_REFUSED = b"<Error><Code>AccessDenied</Code><Message>refused by the test</Message></Error>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no error of a client that was killed between two requests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, and writes the answer of the relay."""

    protocol_version = "HTTP/1.1"
    answer: Callable[..., tuple[int, list[tuple[str, str]], bytes]]

    def _relay(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if len(body) < size:  # the client was cut off
            self.close_connection = True
            return
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        status, found, content = type(self).answer(self.command, self.path, headers, body)
        try:
            self.send_response(status)
            for name, value in found:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            head = self.command == "HEAD"
            length = dict(found).get("Content-Length", "0") if head else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)
        except ConnectionError:  # the client was killed
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _relay  # noqa: N815 - names of http.server

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - of http.server
        """Print nothing."""
