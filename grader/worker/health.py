"""Whether the worker can work, as a web page for the container's health check."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

_PATH = "/health"
_QUESTION_SECONDS = 4.0  # below the health check's own 5


class Health:
    """Named checks, set by those who know and read by those who ask; safe between threads."""

    def __init__(self, *names: str) -> None:
        """Begin with these checks, none of which is good yet."""
        self._lock = threading.Lock()
        self._checks = dict.fromkeys(names, (False, "not started"))

    def good(self, name: str, detail: str = "ok") -> None:
        """Say that a part works."""
        self._set(name, good=True, detail=detail)

    def bad(self, name: str, detail: str) -> None:
        """Say that a part does not work, and why."""
        self._set(name, good=False, detail=detail)

    def _set(self, name: str, *, good: bool, detail: str) -> None:
        with self._lock:
            self._checks[name] = (good, detail)

    def report(self) -> tuple[bool, bytes]:
        """Whether all is good, and the page."""
        with self._lock:
            checks = dict(self._checks)
        healthy = all(good for good, _ in checks.values())
        page = {
            "status": "ok" if healthy else "unhealthy",
            "checks": {name: {"ok": good, "detail": what} for name, (good, what) in checks.items()},
        }
        return healthy, json.dumps(page).encode()


@contextmanager
def serving(health: Health, port: int, host: str = "127.0.0.1") -> Generator[int]:
    """
    Serve `/health` while the block runs: 200 when all is good, 503 when not.

    Yields:
        The port; of interest when `port` is 0, any free one.
    """

    class Handler(_Handler):
        source = health

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    source: Health
    timeout = _QUESTION_SECONDS  # a client that says nothing does not keep a thread

    def do_GET(self) -> None:
        """Answer `/health` and nothing else."""
        if self.path != _PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        healthy, page = self.source.report()
        self.send_response(HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Stay silent: a health check every half minute is no event."""


def ask(port: int) -> tuple[bool, str]:
    """Ask the worker of this machine for its health; gives whether it is good, and the page."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{_PATH}", timeout=_QUESTION_SECONDS) as answer:
            return True, answer.read().decode()
    except HTTPError as error:
        with error:
            return False, error.read().decode()
    except (URLError, OSError) as error:
        return False, f"no answer from port {port}: {error}"
