"""
The control plane: the AWS API of moto on a loopback port, patched where moto is incomplete.

Run as a module it serves on the port given as its first argument until it is killed. The second one
is a file that names the registry of images, if there is one.
"""

from __future__ import annotations

import io
import logging
import re
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from gradectl.errors import TryAgainError
from gradectl.local.control_plane.call_lock import CALL_LOCK
from gradectl.local.control_plane.patch_autoscaling_tags import patch_autoscaling_tags
from gradectl.local.control_plane.patch_bucket_policies import patch_bucket_policies
from gradectl.local.control_plane.patch_delete_markers import patch_delete_markers
from gradectl.local.control_plane.patch_ecr import patch_ecr
from gradectl.local.control_plane.patch_ecs import patch_ecs
from gradectl.local.control_plane.patch_elasticache import patch_elasticache
from gradectl.local.control_plane.patch_launch_templates import patch_launch_templates
from gradectl.local.control_plane.patch_load_balancers import patch_load_balancers
from gradectl.local.control_plane.patch_rds import patch_rds
from gradectl.local.control_plane.patch_scaling_groups import patch_scaling_groups
from gradectl.local.control_plane.patch_sqs import patch_sqs
from gradectl.local.control_plane.repeated_calls import (
    Application,
    Environ,
    StartResponse,
    answer_repeated_calls,
    attempt_number,
)
from gradectl.local.control_plane.sqs_queue import client_waits
from gradectl.local.engines.registry import RegistryAccess
from gradectl.local.loopback import LOOPBACK

#: Additional pages: path to the function that turns the query string into JSON.
Pages = Mapping[str, Callable[[str], bytes]]

#: The access log: one line per AWS call.
calls = logging.getLogger("gradectl.local.calls")

#: Services that have a data plane or feed one; calls to others never change the desired state.
_SERVED = frozenset(
    {"application-autoscaling", "cloudformation", "ecr", "ecs", "elasticache", "mq", "rds", "ssm"}
)
_READS = ("Describe", "List", "Get")
#: `Credential=KEY/DATE/REGION/SERVICE/aws4_request` in the header of a signed call.
_CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")


class ControlPlane:
    """An AWS API in this process, served by threads."""

    def __init__(
        self,
        *,
        port: int = 0,
        on_change: Callable[[], None] | None = None,
        pages: Pages | None = None,
        registry: RegistryAccess | None = None,
    ) -> None:
        """
        Bind the port; requests are answered after `start`.

        Args:
            port: Loopback port; 0 takes a free one.
            on_change: Called after each call that may have changed the desired state.
            pages: Additional pages on the same port.
            registry: The registry behind ECR; None for none.

        Raises:
            TryAgainError: The port is in use.
        """
        patch_autoscaling_tags()
        patch_bucket_policies()
        patch_delete_markers()
        if registry:
            patch_ecr(registry)
        patch_ecs()
        patch_elasticache()
        patch_launch_templates()
        patch_load_balancers()
        patch_rds()
        patch_scaling_groups()
        patch_sqs()
        application = one_at_a_time(_Dispatcher(create_backend_app), CALL_LOCK)
        if on_change:
            application = _reporting(application, on_change)
        try:
            self._server = make_server(
                LOOPBACK,
                port,
                _with_pages(application, pages or {}),
                threaded=True,
                request_handler=_LoggedRequest,
            )
        except (OSError, SystemExit) as error:  # werkzeug exits when a port is in use
            raise TryAgainError(
                "the port of the control plane is in use", where=f"{LOOPBACK}:{port}"
            ) from error
        self._thread = Thread(target=self._server.serve_forever, name="control-plane", daemon=True)

    @property
    def url(self) -> str:
        """The endpoint URL; by name, because S3 prefixes bucket names to the host."""
        return f"http://localhost:{self._server.server_port}"

    def start(self) -> None:
        """Serve in a background thread."""
        self._thread.start()

    def serve(self) -> None:
        """Serve in this thread until the process ends."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Stop serving and release the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


#: The head and the body of an answer leave in one piece, if they are smaller than this.
_ANSWER_BUFFER_BYTES = 1 << 20


class _LoggedRequest(MotoRequestHandler):
    """
    A request that is logged with the name of its AWS call, and answered in one piece.

    werkzeug sends the head and the body apart. Where other threads held the interpreter between
    the two, the AWS provider closed the connection after the head and sent its call again.
    """

    wbufsize = _ANSWER_BUFFER_BYTES

    def handle_expect_100(self) -> bool:
        """Let a client that uploads a file go on at once."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - the signature of http.server
        """Log one line; JSON protocols name the call in a header, others in the path."""
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        attempt = attempt_number(self.headers.get("Amz-Sdk-Request", ""))
        again = f" attempt={attempt}" if attempt > 1 else ""
        line = (code, self._service(), self.command, self.path, target, again)
        calls.info("%s %s %s %s %s%s", *line)

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:  # noqa: ARG002 - the signature of werkzeug
        """Log a connection that broke before its answer was sent: the client will call again."""
        calls.warning("connection dropped: %s: %r", self._service(), error)

    def _service(self) -> str:
        headers = getattr(self, "headers", {})
        scope = _CREDENTIAL_SCOPE.search(headers.get("Authorization", ""))
        return scope[1] if scope else "-"


class _Dispatcher(DomainDispatcherApplication):
    """The dispatcher of moto, which looks for a host in a listing of its own folders, but once."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:  # noqa: ANN401 - as moto has it
        """Return the name of the service of a host; None for none."""
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


def may_change(authorization: str, target: str) -> bool:
    """
    Return whether an API call may change the desired state.

    Args:
        authorization: Its Authorization header, which names the service.
        target: Its X-Amz-Target header, which names the call in the JSON protocols; else empty.
    """
    scope = _CREDENTIAL_SCOPE.search(authorization)
    served = scope is not None and scope[1] in _SERVED
    return served and not target.rpartition(".")[2].startswith(_READS)


def one_at_a_time(application: Application, lock: AbstractContextManager[Any]) -> Application:
    """
    Serialize API calls, because moto is not thread-safe.

    A client repeats a call that failed halfway, and the repetition then meets the half-made object;
    a repetition of a call that succeeded gets the same answer again.
    Calls to S3 are exempt: they may carry files and take as long as the client needs. A repeated
    call to SQS is done again, because SQS itself sends and receives another message. The lock is
    taken when the whole call has arrived, so a client that stops halfway stops no other one.

    Args:
        application: The WSGI application to wrap.
        lock: Held during each call.
    """
    answered = answer_repeated_calls(application)

    def wrapped(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if not scope or scope[1] == "s3":
            return application(environ, start_response)
        if not _has_arrived(environ):
            start_response("400 Bad Request", [("Content-Length", "0")])
            return [b""]
        client_waits.set(lambda: _is_connected(environ))
        with lock:
            if scope[1] == "sqs":
                return application(environ, start_response)
            return answered(environ, start_response)

    return wrapped


def _has_arrived(environ: Environ) -> bool:
    """Read the body of a call, and keep it for the application; False if the client ended it."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if not size:
        return True
    body = environ["wsgi.input"].read(size)
    environ["wsgi.input"] = io.BytesIO(body)
    return len(body) == size


def _is_connected(environ: Environ) -> bool:
    """Return whether the client of a call has not closed its connection."""
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is None:
        return True
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _reporting(application: Application, on_change: Callable[[], None]) -> Application:
    """Call `on_change` after each API call that may change the desired state."""

    def wrapped(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        finally:
            authorization = environ.get("HTTP_AUTHORIZATION", "")
            if may_change(authorization, environ.get("HTTP_X_AMZ_TARGET", "")):
                on_change()

    return wrapped


def _with_pages(application: Application, pages: Pages) -> Application:
    """Serve additional pages by path."""

    def wrapped(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        page = pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            return application(environ, start_response)
        body = page(environ.get("QUERY_STRING", ""))
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [("Content-Type", "application/json"), length])
        return [body]

    return wrapped


def main() -> None:
    """Serve on the port of the first argument, with the registry of the second."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    registry = RegistryAccess.read(Path(sys.argv[2])) if sys.argv[2:] else None
    ControlPlane(port=int(sys.argv[1]), registry=registry).serve()


if __name__ == "__main__":
    main()
