"""An HTTP server whose answers a test decides."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call that the server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer; the status 0 closes the connection without one."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class HttpAnswers:
    """The server: its replies in order, and the calls it got."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@contextmanager
def answering() -> Iterator[HttpAnswers]:
    """Run a server on a free port."""
    answers = HttpAnswers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answers.calls.append(Call(self.command, self.path, headers, body))
            reply = answers.replies.pop(0)
            if reply.status == 0:
                self.close_connection = True
                return
            if isinstance(reply.body, bytes):
                raw, kind = reply.body, {}
            else:
                raw, kind = json.dumps(reply.body).encode(), {"content-type": "application/json"}
            self.send_response(reply.status)
            for name, value in {**kind, **reply.headers, "content-length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names of the base class

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        answers.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield answers
        finally:
            server.shutdown()
            thread.join()
