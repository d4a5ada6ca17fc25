"""The API as the page sees it, with the real page and documents that a test pushes one by one."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.responses import JSONResponse, StreamingResponse

from grader.api.errors import MEDIA_TYPE, ApiError, Kind
from grader.api.models import (
    Accepted,
    LanguageInfo,
    NewSubmission,
    Problem,
    SubmissionPage,
)
from grader.api.page import page_router
from grader.client.submission import MAX_SOURCE_BYTES
from grader.contract.messages import Message
from grader.contract.submissions import Submission, SubmissionStatus

#: Id of the first submission.
FIRST = f"req_{1:032x}"
USER_KEY = "gk_aaaaaaaaaaaa_" + "u" * 43
SERVICE_KEY = "gk_bbbbbbbbbbbb_" + "s" * 43
ADMIN_KEY = "gk_cccccccccccc_" + "a" * 43
CALLERS: dict[str, dict[str, Any]] = {
    USER_KEY: {
        "name": "kim",
        "userId": "kim",
        "scopes": ["submit", "read-own"],
        "priority": False,
    },
    SERVICE_KEY: {
        "name": "course",
        "userId": None,
        "scopes": ["submit", "read-all"],
        "priority": True,
    },
    ADMIN_KEY: {
        "name": "operator",
        "userId": "root",
        "scopes": ["submit", "read-own", "read-all", "admin"],
        "priority": True,
    },
}
STATEMENT = """# Sum of numbers

Read **n** and then $n$ numbers; print their *sum*.

| input | output |
|---|---|
| `2 3 4` | `7` |

- at most 1000 numbers
- [more](https://example.com/sum) and [not this](javascript:alert(1))

```
2 3 4
```
"""


def a_problem(problem_id: str, title: str, *, has_statement: bool = False) -> Problem:
    """A problem with the usual limits."""
    return Problem(
        problem_id=problem_id,
        title=title,
        has_statement=has_statement,
        time_limit=5000,
        memory_limit=256,
    )


@dataclass
class Call:
    """A call that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeApi:
    """
    State of the server. Tests change it from their own thread; `push` wakes the streams.

    Args:
        problems: What can be submitted to.
        statements: Markdown by problem.
        documents: What each submission has shown so far, oldest first.
        errors: The next answers of `METHOD path`, instead of the real ones.
        upload_from: Bytes from which a submission has to be uploaded.
    """

    problems: list[Problem] = field(default_factory=list)
    languages: list[LanguageInfo] = field(default_factory=list)
    statements: dict[str, str] = field(default_factory=dict)
    documents: dict[str, list[Message]] = field(default_factory=dict)
    overview: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[ApiError]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    cuts: int = 0
    url: str = ""
    arrived: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _changed: asyncio.Condition | None = None

    def reset(self) -> None:
        """Forget what a test left."""
        self.problems = [
            a_problem("sum", "Sum of numbers", has_statement=True),
            a_problem("best-stretch", "Best stretch"),
            a_problem("shortest-path", "Shortest path"),
        ]
        self.languages = [
            LanguageInfo(name="python", title="Python", version="3.11", extension=".py"),
            LanguageInfo(name="cpp", title="C++", version=None, extension=".cpp"),
            LanguageInfo(name="rust", title="Rust", version=None, extension=".rs"),
        ]
        self.statements = {"sum": STATEMENT}
        self.overview = {"queues": [], "workers": [], "failures": [], "away": [], "commands": []}
        for each in (self.documents, self.errors, self.calls, self.uploads):
            each.clear()
        self.accepted.clear()
        self.by_key.clear()

    def push(self, document: Message) -> None:
        """Show a document to all who watch its request."""
        request_id = str(getattr(document, "request_id"))  # noqa: B009 - any message of a request
        self.documents.setdefault(request_id, []).append(document)
        self._wake()

    def cut(self) -> None:
        """End all event streams."""
        self.cuts += 1
        self._wake()

    def wait_for(self, method: str, path: str, count: int = 1) -> Call:
        """Wait until a call has arrived, and return the last one."""

        def found() -> list[Call]:
            return [each for each in self.calls if (each.method, each.path) == (method, path)]

        with self.arrived:
            if not self.arrived.wait_for(lambda: len(found()) >= count, timeout=20):
                raise AssertionError(f"{method} {path} did not arrive {count} times: {self.calls}")
            return found()[-1]

    def _wake(self) -> None:
        async def wake() -> None:
            assert self._changed
            async with self._changed:
                self._changed.notify_all()

        assert self._loop
        asyncio.run_coroutine_threadsafe(wake(), self._loop).result(10)

    def note(self, call: Call) -> None:
        """Record a call."""
        with self.arrived:
            self.calls.append(call)
            self.arrived.notify_all()

    async def stream(self, request_id: str, last: int, request: Request) -> AsyncIterator[str]:
        """Send the documents after number `last`, and more as they come."""
        assert self._changed
        cuts = self.cuts
        sent = last
        while self.cuts == cuts and not await request.is_disconnected():
            documents = self.documents[request_id]
            for document in documents[sent:]:
                sent += 1
                text = document.to_json().decode()
                yield f"event: submission\nid: {sent}\ndata: {text}\n\n"
            if is_final(documents[-1]):
                return
            yield ": waiting\n\n"
            async with self._changed:
                if self.cuts == cuts and len(documents) == sent:
                    await self._changed.wait()


def is_final(document: Message) -> bool:
    """Whether nothing follows."""
    return not isinstance(document, Submission) or document.status.is_final


def is_taken(document: Submission) -> bool:
    """Whether a worker has taken a submission, so that the list has it."""
    return document.status not in (SubmissionStatus.AWAITING_UPLOAD, SubmissionStatus.QUEUED)


def queued(request_id: str, caller: dict[str, Any], new: NewSubmission) -> Submission:
    """Make the first document of a submission."""
    return Submission(
        request_id=request_id,
        status=SubmissionStatus.QUEUED,
        user_id=new.user_id or caller["userId"] or "",
        problem_id=new.problem_id,
        language=new.language,
        submitted_at=datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC),
    )


def application(api: FakeApi, editor: Path | None) -> FastAPI:
    """Make the application with the endpoints that the page uses."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.exception_handler(ApiError)
    async def problem(_request: Request, error: ApiError) -> Response:
        return Response(error.body(""), error.status, error.headers, MEDIA_TYPE)

    @app.middleware("http")
    async def record(request: Request, call_next: Any) -> Response:
        if request.url.path.startswith("/v1") or request.url.path.startswith("/bucket"):
            body = await request.body()
            api.note(Call(request.method, request.url.path, dict(request.headers), body))
            if waiting := api.errors.get(f"{request.method} {request.url.path}"):
                return await problem(request, waiting.pop(0))
            if request.url.path.startswith("/v1") and not caller_of(request):
                return await problem(request, ApiError(Kind.UNAUTHENTICATED, "the key is unknown"))
        answer: Response = await call_next(request)
        return answer

    @app.get("/empty")
    async def empty() -> Response:
        return Response("<!doctype html><title>Empty</title><p>Empty.</p>", media_type="text/html")

    add_lists(app, api)
    add_submissions(app, api)
    app.include_router(page_router(editor))
    return app


def caller_of(request: Request) -> dict[str, Any] | None:
    """The caller by its key."""
    return CALLERS.get(request.headers.get("authorization", "").removeprefix("Bearer "))


def add_lists(app: FastAPI, api: FakeApi) -> None:
    """Add what does not change."""

    @app.get("/v1/me")
    async def me(request: Request) -> Any:
        caller = caller_of(request)
        return caller and {**caller, "maxSourceBytes": MAX_SOURCE_BYTES}

    @app.get("/v1/problems")
    async def problems() -> Any:
        return [each.model_dump(by_alias=True) for each in api.problems]

    @app.get("/v1/problems/{problem_id}/statement")
    async def statement(problem_id: str) -> Response:
        return Response(api.statements[problem_id], media_type="text/markdown")

    @app.get("/v1/languages")
    async def languages() -> Any:
        return [each.model_dump(by_alias=True) for each in api.languages]

    @app.get("/v1/operator/overview")
    async def overview(request: Request) -> Any:
        caller = caller_of(request)
        if not caller or "admin" not in caller["scopes"]:
            raise ApiError(Kind.FORBIDDEN, "the key has not the scope admin")
        return api.overview


def add_submissions(app: FastAPI, api: FakeApi) -> None:
    """Add submissions: made once for each Idempotency-Key, listed, and watched."""

    @app.post("/v1/submissions", status_code=202)
    async def submit(request: Request) -> Response:
        new = NewSubmission.model_validate_json(await request.body(), by_alias=True, by_name=False)
        caller = caller_of(request) or {}
        key = request.headers["idempotency-key"]
        request_id = api.by_key.setdefault(key, f"req_{len(api.by_key) + 1:032x}")
        upload = new.source is None and new.source_base64 is None
        if request_id not in api.documents:
            api.documents[request_id] = [queued(request_id, caller, new)]
        return JSONResponse(
            Accepted(
                request_id=request_id,
                status="awaiting_upload" if upload else "queued",
                url=f"/v1/submissions/{request_id}",
                events_url=f"/v1/submissions/{request_id}/events",
                upload_url=f"{api.url}/bucket/{request_id}" if upload else None,
                upload_headers={"X-Amz-Meta-Test": "1"} if upload else None,
            ).model_dump(by_alias=True, exclude_none=True),
            202,
        )

    @app.put("/bucket/{request_id}")
    async def put(request_id: str, request: Request) -> Response:
        api.uploads[request_id] = await request.body()
        return Response(status_code=200)

    @app.post("/v1/submissions/{request_id}/uploaded", status_code=202)
    async def uploaded(request_id: str) -> Any:
        path = f"/v1/submissions/{request_id}"
        accepted = Accepted(
            request_id=request_id, status="queued", url=path, events_url=f"{path}/events"
        )
        return accepted.model_dump(by_alias=True, exclude_none=True)

    @app.get("/v1/submissions")
    async def listed(limit: int, cursor: int = 0) -> Response:
        newest = [each[-1] for each in reversed(api.documents.values())]
        found = [each for each in newest if isinstance(each, Submission) and is_taken(each)]
        following = str(cursor + limit) if len(found) > cursor + limit else None
        page = SubmissionPage(submissions=found[cursor : cursor + limit], next=following)
        return Response(page.to_json(), media_type="application/json")

    @app.get("/v1/submissions/{request_id}")
    async def one(request_id: str) -> Response:
        return Response(known(api, request_id)[-1].to_json(), media_type="application/json")

    @app.get("/v1/submissions/{request_id}/events")
    async def events(request_id: str, request: Request) -> Response:
        known(api, request_id)
        last = int(request.headers.get("last-event-id", "0"))
        return StreamingResponse(
            api.stream(request_id, last, request), media_type="text/event-stream"
        )


def known(api: FakeApi, request_id: str) -> list[Message]:
    """The documents of a request; raises `ApiError` 404 for another's or none."""
    if request_id not in api.documents:
        raise ApiError(Kind.NOT_FOUND, f"submission {request_id} not found")
    return api.documents[request_id]


@contextmanager
def running_fake(editor: Path | None = None) -> Iterator[FakeApi]:
    """Serve the fake on a free port until the end of the block."""
    api = FakeApi()
    api.reset()
    listener = socket.create_server(("127.0.0.1", 0))
    api.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(application(api, editor), log_level="error", lifespan="off")
    )
    started = threading.Event()

    async def serve() -> None:
        api._loop = asyncio.get_running_loop()
        api._changed = asyncio.Condition()
        started.set()
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield api
    finally:
        api.cut()
        server.should_exit = True
        thread.join(10)
        listener.close()


def sent(api: FakeApi) -> dict[str, Any]:
    """The first submission that the page sends."""
    body: dict[str, Any] = json.loads(api.wait_for("POST", "/v1/submissions").body)
    return body
