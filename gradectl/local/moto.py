"""
The control plane: moto's AWS API on a loopback port, with the calls that it lacks.

Run as a module it serves on the port given as its argument, until it is ended.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from gradectl.errors import TryAgainError
from gradectl.local.autoscaling import add_tag_calls
from gradectl.local.ports import LOOPBACK

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]
#: Reading calls of the query protocol and of JSON begin with these words.
_READS = ("Describe", "List", "Get", "Head", "BatchGet", "Lookup")


def is_read(method: str, action: str) -> bool:
    """
    Tell whether an API call leaves everything as it was.

    Args:
        method: The HTTP method.
        action: The call's name where the protocol has one, else empty.
    """
    return action.startswith(_READS) if action else method in {"GET", "HEAD"}


class ControlPlane:
    """An AWS API in this process, answered by threads."""

    def __init__(self, *, port: int = 0, on_change: Callable[[], None] = lambda: None) -> None:
        """
        Open the port; nothing is answered before `start`.

        Args:
            port: Loopback port; any free one when 0.
            on_change: Called after each call that may have changed something.

        Raises:
            TryAgainError: The port is taken.
        """
        add_tag_calls()
        moto = DomainDispatcherApplication(create_backend_app)
        try:
            self._server = make_server(
                LOOPBACK,
                port,
                _reporting(moto, on_change),
                threaded=True,
                request_handler=MotoRequestHandler,
            )
        except (OSError, SystemExit) as error:  # werkzeug leaves the process when a port is taken
            raise TryAgainError(
                "the port of the control plane is taken", where=f"{LOOPBACK}:{port}"
            ) from error
        self._thread = Thread(target=self._server.serve_forever, name="control-plane", daemon=True)

    @property
    def url(self) -> str:
        """Where the API answers; by name, because S3 puts buckets before it."""
        return f"http://localhost:{self._server.server_port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def serve(self) -> None:
        """Answer in this thread, without end."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Answer no more and give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _reporting(application: _Application, on_change: Callable[[], None]) -> _Application:
    """Wrap an application so that each call that may change something is told of when done."""

    def wrapped(environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        target: str = environ.get("HTTP_X_AMZ_TARGET", "")
        try:
            return application(environ, start_response)
        finally:
            if not is_read(environ["REQUEST_METHOD"], target.rpartition(".")[2]):
                on_change()

    return wrapped


def main() -> None:
    """Serve on the port given as the first argument."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    ControlPlane(port=int(sys.argv[1])).serve()


if __name__ == "__main__":
    main()
