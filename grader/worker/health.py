"""The health page of a worker, for the health check of its container."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from grader.worker.probe import TIMEOUT_SECONDS

_PATH = "/health"


class Health:
    """Named health checks; thread-safe."""

    def __init__(self, *names: str) -> None:
        """Start with these checks, all of them bad."""
        self._lock = threading.Lock()
        self._checks = dict.fromkeys(names, (False, "not started"))

    def good(self, name: str, detail: str = "ok") -> None:
        """Set a check to good."""
        self._set(name, good=True, detail=detail)

    def bad(self, name: str, detail: str) -> None:
        """Set a check to bad, with the reason."""
        self._set(name, good=False, detail=detail)

    def _set(self, name: str, *, good: bool, detail: str) -> None:
        with self._lock:
            self._checks[name] = (good, detail)

    def report(self) -> tuple[bool, bytes]:
        """Return whether all checks are good, and the page as JSON."""
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
    Serve `/health` while the block runs: 200 if all checks are good, else 503.

    Yields:
        The port, which is a free one if `port` is 0.
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
    timeout = TIMEOUT_SECONDS  # a silent client does not block a thread

    def do_GET(self) -> None:
        """Answer `/health`; every other path is 404."""
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
        """Log nothing: health checks come every half minute."""
