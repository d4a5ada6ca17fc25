"""An HTTP server that answers as the agent of ECS does for the protection of a task."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_TASK = "arn:aws:ecs:ap-northeast-2:123456789012:task/test-grading-cluster/1"
_SECONDS = 180.0  # a limit for a hung test
GOOD = (200, {"protection": {"ProtectionEnabled": True, "TaskArn": _TASK}})
DENIED = (
    400,
    {"error": {"Arn": _TASK, "Code": "AccessDeniedException", "Message": "is not authorized"}},
)
BLOCKED = (200, {"failure": {"Arn": _TASK, "Detail": None, "Reason": "DEPLOYMENT_BLOCKED"}})
NONSENSE = (502, "<html>")
BROKEN_OFF = (502, None)


class FakeAgent:
    """Records what it is asked; `answer` is a status and a document."""

    def __init__(self) -> None:
        self.uri = ""
        self.answer: tuple[int, Any] = GOOD
        self._asked: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()

    def asked(self) -> tuple[str, str, Any]:
        """Wait for the next request: method, path, and document."""
        return self._asked.get(timeout=_SECONDS)

    def count(self) -> int:
        """Return the number of requests that `asked` has not returned yet."""
        return self._asked.qsize()

    @contextmanager
    def running(self) -> Iterator[FakeAgent]:
        """Answer while the block runs."""
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                agent._asked.put((self.command, self.path, json.loads(body)))
                status, document = agent.answer
                self.send_response(status)
                if agent.answer == BROKEN_OFF:
                    self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever, daemon=True)
            thread.start()
            self.uri = f"http://127.0.0.1:{server.server_address[1]}/api/v2-1"
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()
