"""
Serves the page at `/`, the operator's page, and the editor from npm where it is installed.

Each file is read and compressed once. Those of `/assets/` and `/editor/` have their version in the
path, so a browser keeps them for a year; the two documents are asked for each time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from grader.api.protection.headers import page_policy

_STATIC = Path(__file__).parent / "static"
_EDITOR_PACKAGE = "prism-code-editor"
_EDITOR_FILE = re.compile(r"[\w./-]+\.(js|css)")
_FOREVER = "public, max-age=31536000, immutable"
_EACH_TIME = "no-cache"
#: Smaller than a packet: compression saves nothing.
_LEAST_COMPRESSED = 1000
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def editor_folder() -> Path:
    """Where `scripts/setup` and the image have the editor; it may be absent."""
    return Path(sys.prefix) / "share" / "grader" / "editor"


@dataclass(frozen=True)
class _File:
    """A file in both forms; `compressed` is None where that is not smaller."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, body: bytes) -> _File:
        """Compress a file once; `name` says its type."""
        suffix = Path(name).suffix
        packed = gzip.compress(body, 9, mtime=0) if len(body) >= _LEAST_COMPRESSED else body
        return cls(
            body,
            packed if len(packed) < len(body) else None,
            _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream"),
            f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        )

    def answer(self, request: Request, cache: str) -> Response:
        """Answer 200, or 304 to who has it, compressed for who accepts that."""
        headers = {"Cache-Control": cache, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=headers)
        body = self.body
        if self.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = self.compressed
        return Response(body, headers=headers, media_type=self.media_type)


def page_router(editor: Path | None = None, upload_origins: Sequence[str] = ()) -> APIRouter:
    """
    Make the routes of the page: `/`, `/operator`, `/assets/` and `/editor/`.

    Args:
        editor: Folder of the editor, by default `editor_folder()`; without its files the page has
            a plain text area.
        upload_origins: Where presigned URLs lead to; the policy of the page lets it send there.
    """
    router = APIRouter(include_in_schema=False)
    version, editor_files = _find_editor(editor or editor_folder())
    sources = {
        str(path.relative_to(_STATIC)): path.read_bytes()
        for path in sorted(_STATIC.rglob("*"))
        if path.is_file()
    }
    digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:12]
    values = {b"{{assets}}": f"/assets/{digest}", b"{{editor}}": version and f"/editor/{version}"}
    documents = {
        name: _File.of(name, _filled(body, values))
        for name, body in sources.items()
        if name.endswith(".html")
    }
    assets = {name: _File.of(name, body) for name, body in sources.items() if name not in documents}

    for path, name in (("/", "index.html"), ("/operator", "operator.html")):
        policy = page_policy(documents[name].body.decode(), upload_origins)
        _add_document(router, path, documents[name], policy)
    _add_files(router, f"/assets/{digest}", assets.get)
    if version:
        _add_files(router, f"/editor/{version}", _reader(editor_files))
    return router


def _filled(body: bytes, values: Mapping[bytes, str]) -> bytes:
    for name, value in values.items():
        body = body.replace(name, value.encode())
    return body


def _find_editor(folder: Path) -> tuple[str, Mapping[str, Path]]:
    """Version and files of the installed editor; ("", {}) without it."""
    package = folder / "node_modules" / _EDITOR_PACKAGE
    try:
        version = str(json.loads((package / "package.json").read_bytes())["version"])
    except (OSError, ValueError, KeyError):
        return "", {}
    root = package / "dist"
    paths = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    return version, {name: path for name, path in paths.items() if _EDITOR_FILE.fullmatch(name)}


def _reader(paths: Mapping[str, Path]) -> Callable[[str], _File | None]:
    """Read files when they are first asked for; a browser needs few of those of the editor."""

    @cache
    def read(name: str) -> _File:
        return _File.of(name, paths[name].read_bytes())

    return lambda name: read(name) if name in paths else None


def _add_document(router: APIRouter, path: str, document: _File, policy: str) -> None:
    async def answer(request: Request) -> Response:
        answer = document.answer(request, _EACH_TIME)
        answer.headers["Content-Security-Policy"] = policy
        return answer

    router.add_api_route(path, answer, methods=["GET", "HEAD"])


def _add_files(router: APIRouter, prefix: str, find: Callable[[str], _File | None]) -> None:
    async def answer(request: Request, name: str) -> Response:
        if (found := find(name)) is None:
            raise HTTPException(404)
        return found.answer(request, _FOREVER)

    router.add_api_route(prefix + "/{name:path}", answer, methods=["GET", "HEAD"])
