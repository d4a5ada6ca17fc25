"""
The control plane: moto's AWS API on a loopback port, with the calls that it lacks.

Run as a module it serves on the port given as its argument, until it is ended.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Lock, Thread
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from gradectl.errors import TryAgainError
from gradectl.local.control_plane.patch_autoscaling_tags import add_tag_calls
from gradectl.local.control_plane.patch_bucket_policies import respect_tls_policies
from gradectl.local.control_plane.patch_delete_markers import patch_delete_markers
from gradectl.local.control_plane.patch_ecs import patch_ecs
from gradectl.local.control_plane.patch_launch_templates import keep_tags_of_templates_apart
from gradectl.local.control_plane.patch_rds import remember_databases
from gradectl.local.control_plane.patch_scaling_groups import remember_scaling_groups
from gradectl.local.loopback import LOOPBACK

#: Pages of our own beside the AWS API: path to the function that makes JSON of the query string.
Pages = Mapping[str, Callable[[str], bytes]]

#: One line for each AWS call.
calls = logging.getLogger("gradectl.local.calls")

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
#: A WSGI application.
Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]
#: Services that have a data plane or feed one; calls to others never change what must run.
_SERVED = frozenset({"mq", "rds", "ecs", "ssm", "application-autoscaling"})
_READS = ("Describe", "List", "Get")
#: `Credential=KEY/DATE/REGION/SERVICE/aws4_request` in the header of a signed call.
_CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")


class ControlPlane:
    """An AWS API in this process, answered by threads."""

    def __init__(
        self,
        *,
        port: int = 0,
        on_change: Callable[[], None] | None = None,
        pages: Pages | None = None,
    ) -> None:
        """
        Open the port; nothing is answered before `start`.

        Args:
            port: Loopback port; any free one when 0.
            on_change: Called after each call that may have changed what must run.
            pages: What is answered beside the AWS API.

        Raises:
            TryAgainError: The port is taken.
        """
        add_tag_calls()
        respect_tls_policies()
        patch_delete_markers()
        patch_ecs()
        keep_tags_of_templates_apart()
        remember_databases()
        remember_scaling_groups()
        application = one_at_a_time(DomainDispatcherApplication(create_backend_app), Lock())
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


class _LoggedRequest(MotoRequestHandler):
    """A request whose line in the log says which AWS call it was."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - the signature of http.server
        """Write one line; the JSON protocols name the call, the others have it in the path."""
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        scope = _CREDENTIAL_SCOPE.search(self.headers.get("Authorization", ""))
        service = scope[1] if scope else "-"
        calls.info("%s %s %s %s %s", code, service, self.command, self.path, target)


def may_change(authorization: str, target: str) -> bool:
    """
    Tell whether an API call may change what must run.

    Args:
        authorization: Its Authorization header, which names the service.
        target: Its X-Amz-Target header, which names the call in the JSON protocols; else empty.
    """
    scope = _CREDENTIAL_SCOPE.search(authorization)
    served = scope is not None and scope[1] in _SERVED
    return served and not target.rpartition(".")[2].startswith(_READS)


def one_at_a_time(application: Application, lock: AbstractContextManager[Any]) -> Application:
    """
    Let no two API calls meet inside moto, whose objects are not made for several threads.

    A call that failed halfway is repeated by its client and then finds what it has made itself.
    Those to S3 are let through: they may carry files, and last as long as their sender likes.

    Args:
        application: Answers a call.
        lock: Held while it does.
    """

    def wrapped(environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        with lock if scope and scope[1] != "s3" else nullcontext():
            return application(environ, start_response)

    return wrapped


def _reporting(application: Application, on_change: Callable[[], None]) -> Application:
    """Wrap an application so that each call that may change something is told of when done."""

    def wrapped(environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        finally:
            authorization = environ.get("HTTP_AUTHORIZATION", "")
            if may_change(authorization, environ.get("HTTP_X_AMZ_TARGET", "")):
                on_change()

    return wrapped


def _with_pages(application: Application, pages: Pages) -> Application:
    """Answer some paths ourselves."""

    def wrapped(environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        page = pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            return application(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [page(environ.get("QUERY_STRING", ""))]

    return wrapped


def main() -> None:
    """Serve on the port given as the first argument."""
    logging.basicConfig(level=logging.INFO)
    ControlPlane(port=int(sys.argv[1])).serve()


if __name__ == "__main__":
    main()
