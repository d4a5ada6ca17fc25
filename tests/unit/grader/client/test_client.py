"""The client submits once and reads the result, from any thread and from asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from sample_results import completed

from grader.adapters.activemq.sender import ActiveMQSender
from grader.client import AsyncGradingClient, GradingClient, Limits, Source
from grader.contract.bucket import result_key
from grader.contract.messages import GradingRequest, GradingResult
from grader.contract.verdicts import Verdict
from grader.errors import (
    AccessError,
    ConnectionLostError,
    HiddenObjectError,
    NoResultError,
    ObjectNotFoundError,
    RequestError,
)
from grader.testing import MemoryObjectStore


class Outbox:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, GradingRequest, Mapping[str, str]]] = []

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Keep a request."""
        self.sent.append((queue, GradingRequest.from_json(body), headers))


def opened() -> tuple[GradingClient, MemoryObjectStore, Outbox]:
    """A client of in-memory fakes."""
    store, outbox = MemoryObjectStore(), Outbox()
    return GradingClient("b", store, outbox), store, outbox


def result(request_id: str) -> bytes:
    """An accepted submission."""
    return completed(request_id).to_json()


def test_a_submission_is_stored_before_it_is_sent() -> None:
    """A worker that takes the message at once finds the source."""
    client, store, outbox = opened()

    request_id = client.submit("sum", "python", "print(3)", user_id="u", priority=True)

    ((queue, request, headers),) = outbox.sent
    assert queue == "grading-priority"
    assert headers == {"correlation-id": request_id}
    assert (request.request_id, request.time_limit, request.memory_limit) == (request_id, 5000, 256)
    assert store.objects[request.source_url("b").key] == b"print(3)"


def test_a_repeated_submission_keeps_its_id() -> None:
    """So the worker grades it once."""
    client, _, outbox = opened()

    for _ in range(2):
        client.submit(
            *("sum", "python", Source("a.py", b"x")),
            user_id="u",
            request_id="req_1",
            limits=Limits(1, 2),
        )

    assert [request.request_id for _, request, _ in outbox.sent] == ["req_1", "req_1"]
    assert outbox.sent[0][1].source_file == "s3://b/submissions/req_1/solution.py"


@pytest.mark.parametrize("source", [b"", b"#" * (1 << 20) + b"#"])
def test_a_source_of_a_wrong_size_is_not_sent(source: bytes) -> None:
    """The worker would reject it after the upload."""
    client, store, outbox = opened()

    with pytest.raises(RequestError, match="1 to 1048576"):
        client.submit("sum", "python", source, user_id="u")

    assert not outbox.sent
    assert not store.objects


def test_the_result_is_read_and_waited_for() -> None:
    """None before there is one, and an error after the time."""
    client, store, _ = opened()
    assert client.result("req_1") is None
    with pytest.raises(NoResultError):
        client.wait("req_1", 0.01)

    store.objects[result_key("req_1")] = result("req_1")

    assert client.wait("req_1", 0.01).result.verdict is Verdict.ACCEPTED


class UnlistedStore(MemoryObjectStore):
    """A bucket that may not be listed, as that of the web tier."""

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read an object; a missing one is refused."""
        try:
            return super().get(key, max_bytes=max_bytes)
        except ObjectNotFoundError as error:
            raise HiddenObjectError("AccessDenied", where=key) from error


def test_a_missing_result_that_s3_refuses_to_read_is_waited_for() -> None:
    """It refuses without the right to list; the error at the end has its answer."""
    store = UnlistedStore()
    client = GradingClient("b", store, Outbox())

    assert client.result("req_1") is None
    with pytest.raises(NoResultError, match="the last answer was: AccessDenied"):
        client.wait("req_1", 0.01)
    store.objects[result_key("req_1")] = result("req_1")
    assert client.wait("req_1", 0.01).request_id == "req_1"


def test_asyncio_waits_for_many_at_once() -> None:
    """A wait holds no thread, so a thousand are cheap."""
    client, store, outbox = opened()

    async def run() -> list[GradingResult]:
        both = AsyncGradingClient(client)
        first = await both.submit("sum", "python", "print(3)", user_id="u")
        waits = [asyncio.create_task(both.wait(f"req_{n}", 60)) for n in range(100)]
        assert await both.result("req_1") is None
        with pytest.raises(NoResultError):
            await both.wait(first, 0)
        for number in range(100):
            store.objects[result_key(f"req_{number}")] = result(f"req_{number}")
        return await asyncio.gather(*waits)

    found = asyncio.run(run())

    assert [each.request_id for each in found] == [f"req_{number}" for number in range(100)]
    assert len(outbox.sent) == 1


class FlakyConnection:
    """A connection that fails as often as told, and then sends."""

    def __init__(self, failures: list[Exception], sent: list[bytes]) -> None:
        self._failures = failures
        self._sent = sent
        self.dropped = False

    def send(self, _queue: str, body: bytes, _headers: Mapping[str, str]) -> None:
        """Fail, or send."""
        if self._failures:
            raise self._failures.pop(0)
        self._sent.append(body)

    def drop(self) -> None:
        """Note it."""
        self.dropped = True

    close = drop


@pytest.mark.parametrize(
    "loss", [ConnectionLostError("gone"), AccessError("the password was changed")]
)
def test_a_lost_connection_is_opened_again(loss: Exception) -> None:
    """Also after a refused login, because the new one reads the new password."""
    failures: list[Exception] = []
    sent: list[bytes] = []
    opened: list[FlakyConnection] = []

    def connect() -> FlakyConnection:
        opened.append(FlakyConnection(failures, sent))
        return opened[-1]

    sender = ActiveMQSender(connect)  # type: ignore[arg-type]  # has what a sender uses
    sender.send("q", b"1", {})
    failures.append(loss)
    sender.send("q", b"2", {})
    failures.extend([loss, loss])
    with pytest.raises(type(loss)):
        sender.send("q", b"3", {})
    sender.send("q", b"4", {})
    sender.close()

    assert sent == [b"1", b"2", b"4"]
    assert len(opened) == 4
    assert all(each.dropped for each in opened)
