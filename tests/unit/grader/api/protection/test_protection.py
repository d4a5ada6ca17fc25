"""What stands in front of the endpoints: credentials, bodies, streams, time and headers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from grader.api.auth import Caller
from grader.api.auth.rates import RateState
from grader.api.errors import ApiError, Kind
from grader.api.protection.headers import page_policy
from grader.api.protection.stack import ProtectionSettings, protect
from grader.contract.api_keys import Scope as KeyScope

KEY = {"x-api-key": "good"}
EVENTS = "/v1/submissions/req_1/events"


class MemoryGate:
    """Lets in who sends the key `good`."""

    def __init__(self) -> None:
        self.open = 0

    @asynccontextmanager
    async def admit(self, call: HTTPConnection) -> AsyncIterator[Caller]:
        """Check the key."""
        if call.headers.get("x-api-key") != "good":
            raise ApiError(Kind.UNAUTHENTICATED, "no", headers={"www-authenticate": "Bearer"})
        call.scope["rate"] = RateState(True, 60, 59, 1, 0)
        self.open += 1
        try:
            yield Caller("one", "kim", frozenset({KeyScope.SUBMIT}), "key one", 60, 10)
        finally:
            self.open -= 1

    def charge(self, caller: Caller, cost: int) -> RateState:
        """Not used here."""
        raise NotImplementedError


class Client:
    """One call of an ASGI application; the client sends these parts of a body, then waits."""

    def __init__(self, method: str, path: str, headers: dict[str, str], parts: list[bytes]) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.scope: Scope = {"type": "http", "method": method, "path": path, "headers": raw}
        self.parts = list(parts)
        self.received = 0
        self.is_ended = True
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        """The next part; then nothing comes."""
        if not self.parts:
            await asyncio.Event().wait()
        self.received += 1
        body = self.parts.pop(0)
        more = bool(self.parts) or not self.is_ended
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(self, message: Message) -> None:
        """Note the answer."""
        self.sent.append(message)

    @property
    def status(self) -> int:
        """Status of the answer."""
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        """Body of the answer."""
        return b"".join(message.get("body", b"") for message in self.sent[1:])


class World:
    """An application behind the protection; it answers with the body that it was given."""

    def __init__(self) -> None:
        self.gate = MemoryGate()
        self.seen: list[Scope] = []
        self.wait = asyncio.Event()
        self.wait.set()
        self.settings: dict[str, Any] = {"most_body_bytes": 1000, "most_streams": 1000}
        self.fault: Exception | None = None
        self.faults: list[Exception] = []

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the body."""
        self.seen.append(scope)
        if self.fault is not None:
            raise self.fault
        body = b""
        if scope["method"] == "POST":
            message = await receive()
            body = message["body"]
            assert not message["more_body"]
        await self.wait.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def protected(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """The protected application."""
        settings = ProtectionSettings(**self.settings)
        return protect(
            self.app, self.gate, settings, lambda _scope, error: self.faults.append(error)
        )

    def call(
        self, method: str, path: str, headers: dict[str, str] | None = None, *parts: bytes
    ) -> Client:
        """One call, until it is answered."""
        client = Client(method, path, headers or {}, list(parts))
        asyncio.run(self.protected()(client.scope, client.receive, client.send))
        return client

    def post(self, *parts: bytes, **headers: str) -> Client:
        """One POST with a key and a chunked body, or as the headers say."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        announced = given if "content-length" in given else {"transfer-encoding": "chunked"}
        return self.call("POST", "/v1/submissions", {**KEY, **announced, **given}, *parts)


@pytest.fixture
def world() -> World:
    """A protected application."""
    return World()


def test_no_key_no_service(world: World) -> None:
    """Every path below /v1, known or not, and /run; the application sees nothing of the call."""
    for path in ("/v1/submissions", "/v1/none", "/v1/", "/run", "/v1/submissions/../me", EVENTS):
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            client = world.call(method, path)

            assert client.status == 401
            assert client.headers["www-authenticate"] == "Bearer"
            assert client.headers["content-type"] == "application/problem+json"
            assert json.loads(client.body)["type"] == "/problems/unauthenticated"
    assert world.seen == []


def test_the_page_and_the_health_need_no_key(world: World) -> None:
    """They hold nothing of anyone."""
    for path in ("/", "/health", "/docs", "/assets/page.js", "/runner"):
        assert world.call("GET", path).status == 200


def test_the_application_gets_the_caller(world: World) -> None:
    """And the answer says what is left of the rate."""
    client = world.call("GET", "/v1/me", KEY)

    assert world.seen[0]["caller"].user_id == "kim"
    assert client.headers["ratelimit"] == '"key";r=59;t=1'
    assert world.gate.open == 0


def test_a_body_without_a_key_is_not_read(world: World) -> None:
    """It is refused at once, then dropped for a moment so that the client sees the answer."""
    client = Client("POST", "/v1/submissions", {"content-length": "50"}, [b"x" * 50])

    asyncio.run(world.protected()(client.scope, client.receive, client.send))

    assert (client.status, client.headers["connection"]) == (401, "close")
    assert [message.get("more_body") for message in client.sent[1:]] == [True, False]


def test_a_body_arrives_whole(world: World) -> None:
    """In however many parts it is sent."""
    assert world.post(b"a", b"", b"b" * 900).body == b"a" + b"b" * 900
    assert world.post(b"x" * 1000, content_length="1000").status == 200


def test_a_body_of_a_hundred_megabytes_is_refused_by_its_length(world: World) -> None:
    """Before it is read; the answer says what to do instead."""
    client = world.post(b"x" * 65_536, content_length="104857600")

    assert client.status == 413
    assert "upload" in json.loads(client.body)["nextStep"]
    assert world.seen == []


def test_a_body_without_a_length_is_refused_when_it_grows_too_large(world: World) -> None:
    """Chunked; not more than the limit is held."""
    client = world.post(*[b"x" * 400] * 5)

    assert client.status == 413
    assert world.seen == []


def test_a_body_that_arrives_too_slowly_is_refused(world: World) -> None:
    """408; the call does not count as open any more."""
    world.settings["body_seconds"] = 0.05
    client = Client("POST", "/v1/submissions", {**KEY, "content-length": "9"}, [b"x"])
    client.is_ended = False

    asyncio.run(world.protected()(client.scope, client.receive, client.send))

    assert (client.status, world.gate.open) == (408, 0)
    assert world.seen == []


def test_streams_are_refused_in_order(world: World) -> None:
    """The first thousand are open; the other 9,000 get 503 with Retry-After at once."""

    async def body() -> None:
        world.wait = asyncio.Event()
        protected = world.protected()
        clients = [Client("GET", EVENTS, KEY, []) for _ in range(10_000)]
        tasks = [
            asyncio.create_task(protected(each.scope, each.receive, each.send)) for each in clients
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*tasks[1000:])
        assert {client.status for client in clients[1000:]} == {503}
        assert clients[-1].headers["retry-after"] == "10"
        assert not any(task.done() for task in tasks[:1000])
        world.wait.set()
        await asyncio.gather(*tasks)
        assert {client.status for client in clients[:1000]} == {200}
        late = Client("GET", EVENTS, KEY, [])
        await protected(late.scope, late.receive, late.send)
        assert late.status == 200

    asyncio.run(body())


def test_a_call_without_an_answer_ends(world: World) -> None:
    """503 with Retry-After; a stream may last."""
    world.settings["call_seconds"] = 0.05

    async def body() -> None:
        world.wait = asyncio.Event()
        protected = world.protected()
        stream = Client("GET", EVENTS, KEY, [])
        task = asyncio.create_task(protected(stream.scope, stream.receive, stream.send))
        client = Client("GET", "/v1/me", KEY, [])
        await protected(client.scope, client.receive, client.send)
        assert (client.status, client.headers["retry-after"]) == (503, "1")
        assert not task.done()
        world.wait.set()
        await task

    asyncio.run(body())
    assert world.gate.open == 0


def test_every_answer_has_the_security_headers(world: World) -> None:
    """Refusals too; answers of the API are not stored by caches."""
    for client in (world.call("GET", "/v1/me", KEY), world.call("GET", "/v1/me")):
        assert client.headers["x-content-type-options"] == "nosniff"
        assert client.headers["x-frame-options"] == "DENY"
        assert client.headers["content-security-policy"].startswith("default-src 'none'")
        assert client.headers["cache-control"] == "no-store"
        assert re.fullmatch("[0-9a-f]{16}", client.headers["x-request-id"])


def test_the_id_of_a_call_is_that_of_the_client_if_it_is_one(world: World) -> None:
    """So that it can be found in the log; a text that could forge a line is replaced."""
    assert world.call("GET", "/", {"x-request-id": "abc-12345"}).headers["x-request-id"] == (
        "abc-12345"
    )
    for forged in ("a", "x" * 65, "line1234\nERROR", "<script>"):
        assert world.call("GET", "/", {"x-request-id": forged}).headers["x-request-id"] != forged


def test_another_origin_is_refused(world: World) -> None:
    """The browser then does not send the call, and shows no answer to the page."""
    world.settings["cors_origins"] = ["https://course.example.com"]
    asked = {"access-control-request-method": "POST"}
    for origin in ("https://evil.example.com", "null", "https://course.example.com.evil.com"):
        client = world.call("OPTIONS", "/v1/submissions", {"origin": origin, **asked})
        assert (client.status, client.headers["vary"]) == (403, "origin")
        assert "access-control-allow-origin" not in client.headers
        client = world.call("GET", "/v1/me", {**KEY, "origin": origin})
        assert "access-control-allow-origin" not in client.headers


def test_a_listed_origin_may_call_without_cookies(world: World) -> None:
    """The question needs no key, the call does."""
    origin = {"origin": "https://course.example.com"}
    world.settings["cors_origins"] = list(origin.values())
    asked = world.call(
        "OPTIONS", "/v1/submissions", {**origin, "access-control-request-method": "POST"}
    )
    answer = world.call("GET", "/v1/me", {**KEY, **origin})

    assert asked.status == 204
    assert "x-api-key" in asked.headers["access-control-allow-headers"]
    for client in (asked, answer, world.call("GET", "/v1/me", origin)):
        assert client.headers["access-control-allow-origin"] == origin["origin"]
        assert "access-control-allow-credentials" not in client.headers


def test_scripts_of_the_page_are_its_own_or_have_its_hash() -> None:
    """An import map is inline; any other inline script is refused by the browser."""
    html = '<script type="importmap">{"a": "&"}</script><script src="/assets/page.js"></script>'

    policy = page_policy(html)

    # printf '{"a": "&"}' | openssl dgst -sha256 -binary | base64
    assert "script-src 'self' 'sha256-D5hQXpHA7MyyMpfq6pz3T38aabpe6WICwVldTOaBOfg='" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_fault_is_an_answer_with_all_headers_and_without_its_text(world: World) -> None:
    """It is logged; a stream that has begun can only be broken off."""
    world.fault = RuntimeError("password of the database: secret")
    world.settings["cors_origins"] = ["https://course.example.com"]

    client = world.call("GET", "/v1/languages", {**KEY, "origin": "https://course.example.com"})

    assert client.status == 500
    assert json.loads(client.body)["type"] == "/problems/internal-error"
    assert b"secret" not in client.body
    assert client.headers["access-control-allow-origin"] == "https://course.example.com"
    assert client.headers["x-frame-options"] == "DENY"
    assert re.fullmatch(r"[0-9a-f]{16}", client.headers["x-request-id"])
    assert world.faults == [world.fault]
    assert world.gate.open == 0
