"""Puts the parts of the protection in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp

from grader.api.auth import Gate
from grader.api.protection.admission import Admission, Deadline, Streams
from grader.api.protection.bodies import Bodies
from grader.api.protection.faults import Faults, OnFault
from grader.api.protection.headers import Cors, SecurityHeaders


@dataclass(frozen=True)
class ProtectionSettings:
    """
    Limits of the API as a whole.

    Args:
        most_body_bytes: Largest body.
        most_streams: Open streams of events.
        cors_origins: Origins that may call from a browser.
        call_seconds: Longest time of a call that is not a stream.
        body_seconds: Longest time in which a body must arrive.
    """

    most_body_bytes: int
    most_streams: int
    cors_origins: Sequence[str] = ()
    call_seconds: float = 45.0
    body_seconds: float = 20.0


def protect(app: ASGIApp, gate: Gate, settings: ProtectionSettings, on_fault: OnFault) -> ASGIApp:
    """
    Protect an application: credentials first, then the body, then the endpoint.

    Args:
        app: The endpoints.
        gate: Checks credentials and limits.
        settings: Limits.
        on_fault: Called with each exception that nothing has handled, and its call.
    """
    inner: ASGIApp = Bodies(app, most_bytes=settings.most_body_bytes, seconds=settings.body_seconds)
    inner = Streams(inner, settings.most_streams)
    inner = Admission(inner, gate)
    inner = Deadline(inner, settings.call_seconds)
    inner = Faults(inner, on_fault)
    inner = Cors(inner, settings.cors_origins)
    return SecurityHeaders(inner)
