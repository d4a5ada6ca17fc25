"""The API over in-memory fakes, called without a network: its loop runs on a thread."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import Message

from grader.api.app import create_app
from grader.api.auth import Caller, Scope
from grader.api.auth.rates import RateState
from grader.api.errors import ApiError, Kind
from grader.api.protection.stack import ProtectionSettings
from grader.api.services import ApiOptions, Services
from grader.contract.messages import CaseResult, Failure, Grade, GradingResult
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import ConnectionLostError, TemporaryError
from grader.logs import Logger, Redactor, make_logger
from grader.ports.messages import Outgoing, QueuedMessage, QueueStatistics
from grader.ports.submissions import SubmissionRow
from grader.testing import MemoryObjectStore, MemoryQueues, MemorySubmissions

_T = TypeVar("_T")
#: All that can be submitted to.
PROBLEMS = ("sum", "other", *(f"p{number}" for number in range(5)))
WAIT_SECONDS = 60.0
NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
ALL = frozenset(Scope)
OWN = frozenset({Scope.SUBMIT, Scope.READ_OWN})


def make_caller(
    key_id: str, user_id: str | None, scopes: frozenset[Scope], name: str = ""
) -> Caller:
    """Make a caller with the usual limits."""
    return Caller(key_id, user_id, scopes, name, rate_per_minute=600, concurrency=50)


#: Keys by their text: two users, a service, and what may only read.
KEYS = {
    "ann": make_caller("key-ann", "ann", OWN, "Ann's key"),
    "bob": make_caller("key-bob", "bob", OWN, "Bob's key"),
    "service": make_caller("key-service", None, ALL, "web tier"),
    "sender": make_caller("key-sender", None, frozenset({Scope.SUBMIT}), "sends only"),
    "admin": make_caller("key-admin", "root", ALL, "admin"),
}


class MemoryGate:
    """Lets in who sends one of its keys, those of `KEYS` at first."""

    def __init__(self) -> None:
        self.keys = dict(KEYS)
        self.charged = 0

    @asynccontextmanager
    async def admit(self, call: HTTPConnection) -> AsyncIterator[Caller]:
        """Check the key."""
        caller = self.keys.get(call.headers.get("x-api-key", ""))
        if caller is None:
            raise ApiError(Kind.UNAUTHENTICATED, "no key")
        yield caller

    def charge(self, caller: Caller, cost: int) -> RateState:
        """Count."""
        self.charged += cost
        return RateState(True, caller.rate_per_minute, 1, 0, 0)


@dataclass
class MemoryInspector:
    """Counters that a test sets."""

    counters: dict[str, QueueStatistics] = field(default_factory=dict)
    away: bool = False
    reads: int = 0

    @contextmanager
    def open(self) -> Iterator[MemoryInspector]:
        """Connect."""
        yield self

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Return the counters."""
        self.reads += 1
        if self.away:
            raise ConnectionLostError("the broker is away", where="memory")
        return {name: self.counters[name] for name in queues if name in self.counters}

    def browse(self, queue: str, selector: str = "") -> Sequence[QueuedMessage]:
        """Not used."""
        raise NotImplementedError

    def peek(self, queue: str, count: int, selector: str = "") -> Sequence[QueuedMessage]:
        """Not used."""
        raise NotImplementedError


class MemorySender:
    """Sends to `MemoryQueues`, unless the broker is away."""

    def __init__(self, queues: MemoryQueues) -> None:
        self._queues = queues
        self.away = False

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a message."""
        if self.away:
            raise ConnectionLostError("the broker is away", where="memory")
        self._queues.send(Outgoing(queue, body, dict(headers)))


class AwayStore(MemoryObjectStore):
    """A bucket with problems that may be away."""

    away = False

    def __init__(self) -> None:
        super().__init__()
        for problem_id in PROBLEMS:
            self.objects[f"problems/{problem_id}/testcases/1.in"] = b"1 2"

    @property
    def added(self) -> dict[str, bytes]:
        """All but the problems."""
        return {key: self.objects[key] for key in self.objects if not key.startswith("problems/")}

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object."""
        self._check()
        return super().get(key, max_bytes=max_bytes)

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write a whole object."""
        self._check()
        super().put(key, body, content_type=content_type)

    def _check(self) -> None:
        if self.away:
            raise TemporaryError("the bucket is away", where="memory")


def until(condition: Callable[[], object]) -> None:
    """Wait until another thread has made a condition true."""
    never = threading.Event()
    deadline = monotonic() + WAIT_SECONDS
    while not condition():
        assert monotonic() < deadline, "it never became true"
        never.wait(0.002)


def counters(name: str = "grading-requests", **changes: Any) -> QueueStatistics:
    """Counters of an empty queue with one consumer."""
    empty = QueueStatistics(
        queue=name,
        size=0,
        in_flight=0,
        consumers=1,
        producers=0,
        enqueued=0,
        dequeued=0,
        expired=0,
        taken_at_ms=0,
    )
    return replace(empty, **changes)


def running(request_id: str, user_id: str = "ann", **changes: Any) -> SubmissionRow:
    """The row of a running request."""
    row = SubmissionRow(
        request_id=request_id,
        user_id=user_id,
        problem_id="sum",
        language="python",
        status="running",
        attempts=1,
        created_at=NOW,
        updated_at=NOW,
        submitted_at=NOW,
    )
    return replace(row, **changes)


def graded(request_id: str, user_id: str = "ann", **changes: Any) -> SubmissionRow:
    """The row of an accepted request."""
    case = CaseResult(case=1, status=Verdict.ACCEPTED, time=3, memory=5)
    grade = Grade(
        verdict=Verdict.ACCEPTED, score=100, execution_time=3, memory_usage=5, test_results=(case,)
    )
    result = GradingResult(
        request_id=request_id,
        status=Status.COMPLETED,
        result=grade,
        result_file=f"s3://bucket/results/{request_id}/result.json",
        rejudging="rj-1",
        timestamp=NOW,
    )
    text = result.to_json().decode()
    return running(request_id, user_id, status="completed", result_json=text, **changes)


def failed(request_id: str, user_id: str = "ann", **changes: Any) -> SubmissionRow:
    """The row of a failed request."""
    error = Failure(code=ErrorCode.INTERNAL_ERROR, message="a worker failed")
    result = GradingResult(request_id=request_id, status=Status.FAILED, error=error, timestamp=NOW)
    text = result.to_json().decode()
    return running(request_id, user_id, status="failed", result_json=text, **changes)


@dataclass(frozen=True)
class Answer:
    """An answer with its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """Kind of the error."""
        assert self.headers["content-type"] == "application/problem+json"
        return str(self.json["type"]).removeprefix("/problems/")


class Call:
    """One call; its answer may come in parts."""

    def __init__(self, app: FastAPI, scope: dict[str, Any], body: bytes) -> None:
        self._app = app
        self._scope = scope
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self.messages: SimpleQueue[Message | None] = SimpleQueue()

    async def run(self) -> None:
        """Call the application."""
        try:
            await self._app(self._scope, self._receive, self._send)
        finally:
            self.messages.put(None)

    def leave(self) -> None:
        """Close the connection, on the loop."""
        self._gone.set()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.messages.put(message)


class Stream:
    """An open answer, read part by part."""

    def __init__(self, api: MemoryApi, call: Call, done: Future[None]) -> None:
        self._api = api
        self._call = call
        self._done = done

    @cached_property
    def _start(self) -> Message:
        start = self._call.messages.get(timeout=WAIT_SECONDS)
        assert start is not None, "the call failed without an answer"
        return start

    @property
    def status(self) -> int:
        """Status, once the answer begins."""
        return int(self._start["status"])

    @property
    def headers(self) -> dict[str, str]:
        """Headers, once the answer begins."""
        return {name.decode(): value.decode() for name, value in self._start["headers"]}

    def answer(self) -> Answer:
        """Read the whole answer."""
        return Answer(self.status, self.headers, self.rest())

    def part(self) -> bytes | None:
        """Return the next part; None after the end."""
        assert self.status
        message = self._call.messages.get(timeout=WAIT_SECONDS)
        if message is None or (not message.get("body") and not message.get("more_body")):
            return None
        return bytes(message["body"])

    def event(self) -> tuple[int, Any] | None:
        """Return number and document of the next event; None after the end."""
        while (part := self.part()) is not None:
            lines = dict(line.split(": ", 1) for line in part.decode().splitlines() if line)
            if "data" in lines:
                return int(lines["id"]), json.loads(lines["data"])
        return None

    def rest(self) -> bytes:
        """Read all that follows."""
        return b"".join(iter(self.part, None))

    def leave(self) -> None:
        """Close the connection, and wait for the call to end."""
        self._api.loop.call_soon_threadsafe(self._call.leave)
        self._done.result(WAIT_SECONDS)


class MemoryApi:
    """An API with all that it calls, and its loop on a thread; `close` ends it."""

    def __init__(self, options: ApiOptions | None = None, **services: Any) -> None:
        self.store = AwayStore()
        self.queues = MemoryQueues()
        self.sender = MemorySender(self.queues)
        self.rows = MemorySubmissions()
        self.inspector = MemoryInspector({"grading-requests": counters()})
        self.gate = MemoryGate()
        self.lines = io.StringIO()
        self.log: Logger = make_logger("text", "INFO", redactor=Redactor(), stream=self.lines)
        given: dict[str, Any] = {
            "gate": self.gate,
            "store": self.store,
            "sender": self.sender,
            "reader": self.rows,
            "open_inspector": self.inspector.open,
            "log": self.log,
            "protection": ProtectionSettings(most_body_bytes=2_097_152, most_streams=1000),
            "options": options or ApiOptions(),
        }
        self.app = create_app(Services(**{**given, **services}))
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="api")
        self._thread.start()
        self._served = self.app.router.lifespan_context(self.app)
        self.run(self._served.__aenter__())

    @property
    def parts(self) -> Any:
        """The parts of the application."""
        return self.app.state.parts

    def run(self, action: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(action, self.loop).result(WAIT_SECONDS)

    def open(  # noqa: PLR0913 - what a call is made of
        self,
        method: str,
        path: str,
        *,
        key: str | None = "ann",
        body: object = None,
        headers: Mapping[str, str] | None = None,
        peer: str = "203.0.113.9",
    ) -> Stream:
        """Start a call."""
        target, _, query = path.partition("?")
        raw = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        sent = {**({"x-api-key": key} if key else {}), **(headers or {})}
        if raw:
            sent = {"content-type": "application/json", "content-length": str(len(raw)), **sent}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": target,
            "raw_path": target.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": (peer, 50000),
            "server": ("api.example", 443),
        }
        call = Call(self.app, scope, raw)
        done = asyncio.run_coroutine_threadsafe(call.run(), self.loop)
        return Stream(self, call, done)

    def call(self, method: str, path: str, **options: Any) -> Answer:
        """Make a call and read its answer."""
        return self.open(method, path, **options).answer()

    def get(self, path: str, key: str | None = "ann", **options: Any) -> Answer:
        """Read."""
        return self.call("GET", path, key=key, **options)

    def post(self, path: str, body: object, key: str | None = "ann", **options: Any) -> Answer:
        """Send JSON."""
        return self.call("POST", path, key=key, body=body, **options)

    def sent(self, queue: str = "grading-requests") -> list[Any]:
        """Return the messages of a queue."""
        return [json.loads(each.body) for each in self.queues.waiting(queue)]

    def close(self) -> None:
        """Stop serving and end the loop."""
        self.run(self._served.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT_SECONDS)
        self.loop.close()
