"""Headers of every answer: security, request id, and the origins that may call (CORS)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from html.parser import HTMLParser

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.api.errors import ApiError, Kind
from grader.api.protection.answers import add_headers, refuse

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_API_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),  # browsers ignore it without TLS
    (b"content-security-policy", _API_POLICY),
)
_NOT_STORED = (b"cache-control", b"no-store")
_METHODS = b"GET, POST"
_SENT_HEADERS = b"authorization, content-type, idempotency-key, last-event-id, x-api-key"
_SEEN_HEADERS = b"location, ratelimit, ratelimit-policy, retry-after, x-request-id"
_PREFLIGHT_SECONDS = b"600"


def page_policy(html: str, upload_origins: Sequence[str] = ()) -> str:
    """
    Make the Content-Security-Policy of a page: scripts, styles and calls of its own origin only.

    Inline scripts of the page, such as its import map, are allowed by their hash, and its inline
    styles too.

    Args:
        html: The page.
        upload_origins: Other origins that it sends large files to, such as that of the bucket.
    """
    found = _Inline()
    found.feed(html)
    parts = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *_hashes(found.scripts)],
        "style-src": ["'self'", *_hashes(found.styles)],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *upload_origins],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in parts.items())


def _hashes(texts: Sequence[str]) -> list[str]:
    return [f"'sha256-{base64.b64encode(_sha256(text)).decode()}'" for text in texts]


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class _Inline(HTMLParser):
    """Collects the inline scripts and styles of a page, exactly as they are written."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a script or a style."""
        inline = {"script": self.scripts, "style": self.styles}
        if tag in inline and "src" not in dict(attrs):
            self._into = inline[tag]
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        """End it."""
        if tag in ("script", "style"):
            self._into = None

    def handle_data(self, data: str) -> None:
        """Collect its text."""
        if self._into is not None:
            self._into[-1] += data


class SecurityHeaders:
    """
    Adds an id and the security headers to every answer, where it has none of its own.

    Args:
        app: What follows.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a call; its id is in `scope["call_id"]`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call_id = _given_id(scope) or secrets.token_hex(8).encode()
        scope["call_id"] = call_id.decode()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, [(b"x-request-id", call_id), *_SECURITY])
                if scope["path"].startswith(("/v1/", "/run")):
                    add_headers(message, [_NOT_STORED])
            await send(message)

        await self._app(scope, receive, sending)


def _given_id(scope: Scope) -> bytes:
    """The id that the client or a proxy gave; empty if it could not be part of a log line."""
    found = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return found if _REQUEST_ID.fullmatch(found) else b""


class Cors:
    """
    Tells browsers which origins may call; without cookies, so a key is needed in any case.

    Args:
        app: What follows.
        origins: Such as `https://course.example.com`.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = {origin.encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the browser's question, or hand the call on and mark the answer."""
        origin = _header(scope, b"origin")
        if not origin:
            await self._app(scope, receive, send)
            return
        allowed = origin in self._origins
        asked = scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method")
        if asked and not allowed:
            error = ApiError(
                Kind.FORBIDDEN,
                "this origin may not call the API from a browser",
                next_step="an operator can add it to API_CORS_ORIGINS",
                headers={"vary": "origin"},
            )
            await refuse(error, scope, receive, send)
            return
        added = [(b"vary", b"origin")]
        if allowed:
            added.append((b"access-control-allow-origin", origin))
        if asked:
            added += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _SENT_HEADERS),
                (b"access-control-max-age", _PREFLIGHT_SECONDS),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": added})
            await send({"type": "http.response.body", "body": b""})
            return
        if allowed:
            added.append((b"access-control-expose-headers", _SEEN_HEADERS))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, added)
            await send(message)

        await self._app(scope, receive, sending)


def _header(scope: Scope, wanted: bytes) -> bytes:
    if scope["type"] != "http":
        return b""
    return next((value for name, value in scope["headers"] if name == wanted), b"")
