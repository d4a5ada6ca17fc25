"""The files of the page as they are sent, and what they may contain."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import FastAPI

import grader.api.page
from grader.api.errors import Kind
from grader.api.page import page_router
from grader.contract.submissions import NoteCode
from grader.contract.verdicts import ErrorCode

STATIC = Path(grader.api.page.__file__).parent / "static"
SCRIPTS = {path.name: path.read_text() for path in STATIC.glob("*.js")}
DOCUMENTS = {path.name: path.read_text() for path in STATIC.glob("*.html")}
LOCALES = {path.stem: json.loads(path.read_text()) for path in (STATIC / "locales").glob("*.json")}


@dataclass
class Answer:
    """An answer as a browser sees it."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body, decompressed."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.content) if packed else self.content).decode()


class Site:
    """The routes of the page, called without a network."""

    def __init__(self, editor: Path, upload_origins: Sequence[str] = ()) -> None:
        self.app = FastAPI()
        self.app.include_router(page_router(editor, upload_origins))

    def get(self, path: str, encoding: str = "gzip, br", etag: str = "") -> Answer:
        """Ask for a file."""
        sent: list[Any] = []
        headers = [(b"accept-encoding", encoding.encode()), (b"if-none-match", etag.encode())]
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": headers,
        }

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], found, sent[1].get("body", b""))


@pytest.fixture
def editor(tmp_path: Path) -> Path:
    """A small editor, with files that are none of a browser's business."""
    dist = tmp_path / "node_modules" / "prism-code-editor" / "dist"
    (dist / "themes").mkdir(parents=True)
    (dist.parent / "package.json").write_text('{"version": "9.9.9"}')
    (dist / "index.js").write_text("export const x = 1;\n" * 200)
    (dist / "index.js.map").write_text("{}")
    (dist / "themes" / "dark.css").write_text("p{}")
    return tmp_path


def assets_of(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)


def test_a_document_is_asked_for_each_time_and_its_files_are_kept(editor: Path) -> None:
    """Both are compressed, and sent once: the second answer is 304."""
    site = Site(editor)
    page = site.get("/")
    again = site.get("/", etag=page.headers["etag"])
    files = [site.get(path) for path in assets_of(page.text)]

    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-encoding"] == "gzip"
    assert (again.status, again.content) == (304, b"")
    assert {each.status for each in files} == {200}
    assert {each.headers["cache-control"] for each in files} == {
        "public, max-age=31536000, immutable"
    }


def test_who_accepts_no_compression_gets_none(editor: Path) -> None:
    """And both forms have the same content."""
    site = Site(editor)
    plain = site.get("/operator", encoding="identity")
    packed = site.get("/operator")

    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert len(packed.content) < len(plain.content)


def test_the_files_of_the_editor_have_its_version_in_their_path(editor: Path) -> None:
    """Only scripts and styles are served, and nothing outside of the folder."""
    site = Site(editor)
    page = site.get("/").text
    found = site.get("/editor/9.9.9/index.js")
    style = site.get("/editor/9.9.9/themes/dark.css")
    others = [
        site.get(f"/editor/9.9.9/{path}").status
        for path in ("index.js.map", "../package.json", "/etc/passwd", "none.js", "")
    ]

    assert 'data-editor="/editor/9.9.9"' in page
    assert found.headers["content-type"] == "text/javascript; charset=utf-8"
    assert found.text.startswith("export")
    assert style.headers["content-type"].startswith("text/css")
    assert others == [404] * 5


def test_without_an_editor_the_page_says_so_to_its_script(tmp_path: Path) -> None:
    """An interrupted installation counts as none."""
    (tmp_path / "node_modules" / "prism-code-editor").mkdir(parents=True)
    site = Site(tmp_path)

    assert 'data-editor=""' in site.get("/").text
    assert site.get("/editor/9.9.9/index.js").status == 404


def test_a_file_of_an_older_version_is_not_found(editor: Path) -> None:
    """A browser that has an old document gets no mixture of both versions."""
    assert Site(editor).get("/assets/000000000000/app.js").status == 404


def test_the_policy_allows_this_host_and_the_origins_for_uploads(editor: Path) -> None:
    """No inline script or style, and no frame."""
    site = Site(editor, ["https://files.s3.amazonaws.com"])
    policies = {site.get(path).headers["content-security-policy"] for path in ("/", "/operator")}

    (policy,) = policies
    assert "connect-src 'self' https://files.s3.amazonaws.com;" in policy
    assert "default-src 'none'; script-src 'self'; style-src 'self'; " in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_nothing_that_the_policy_refuses(name: str) -> None:
    """No inline script, style or handler, and no address of another host."""
    text = DOCUMENTS[name]

    assert not re.findall(r"<script(?![^>]* src=)", text)
    assert not re.findall(r"<style|\sstyle=|\son\w+=", text)
    assert not re.findall(r'(?:src|href)="(?!/|#|\{\{assets\}\})', text)


def test_a_document_fetches_the_modules_of_its_script_at_once() -> None:
    """Else a browser would find them one after the other."""
    for document, script in (("index.html", "app.js"), ("operator.html", "operator.js")):
        named = set(
            re.findall(r'modulepreload" href="\{\{assets\}\}/([^"]+)"', DOCUMENTS[document])
        )
        needed: set[str] = set()
        waiting = [script]
        while waiting:
            found = set(re.findall(r'from "\./([^"]+)"', SCRIPTS[waiting.pop()])) - needed
            needed |= found
            waiting.extend(found)

        assert named == needed


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_makes_no_element_from_text(name: str) -> None:
    """Titles and messages are of others; `dom.js` makes text nodes of them."""
    sinks = r"\.(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|srcdoc)\b"

    assert not re.findall(sinks, SCRIPTS[name])
    assert not re.findall(r"\beval\(|new Function|document\.write", SCRIPTS[name])
    assert not re.findall(r"https?://", SCRIPTS[name])


def test_every_text_is_there_in_every_language() -> None:
    """
    Also the ones that scripts and documents name; and no text is left over.

    What the server says in English has a text in the other languages, by its code.
    """
    named = {
        *re.findall(r'data-i18n(?:-label)?="([^"]+)"', "".join(DOCUMENTS.values())),
        *re.findall(r'"([a-z]+(?:\.[a-z_]+)+|title)"', "".join(SCRIPTS.values())),
    }
    prefixes = ("status.", "verdict.")  # looked up by the values of the API
    english = set(LOCALES["en"])
    of_server = {
        *(f"problems.{kind.value.name}" for kind in Kind),
        *(f"failure.{code}" for code in ErrorCode),
        *(f"note.{code}" for code in get_args(NoteCode)),
        *("tip.memory", "tip.time"),
    }
    named -= of_server

    assert set(LOCALES) == {"en", "ko"}
    assert set(LOCALES["ko"]) == english | of_server
    assert {each for each in english if not each.startswith(prefixes)} == {
        each for each in named if not each.startswith(prefixes) and not each.startswith("grading.")
    }
    assert {each for each in named if each.startswith(prefixes)} <= english


def test_translations_have_the_same_parameters() -> None:
    """A number that a translation forgot would not be shown."""

    def parameters(text: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)\}", text))

    wrong = [
        key
        for key, text in LOCALES["en"].items()
        if parameters(text) != parameters(LOCALES["ko"][key])
    ]

    assert wrong == []


def test_the_documents_have_the_english_texts() -> None:
    """They are seen before the scripts run, and must not change then."""
    wrong = [
        (key, text)
        for page in DOCUMENTS.values()
        for key, text in re.findall(r'data-i18n="([^"]+)"[^>]*>([^<]*)<', page)
        if LOCALES["en"][key] != text
    ]

    assert wrong == []
