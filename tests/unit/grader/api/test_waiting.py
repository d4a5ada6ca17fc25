"""Callers that wait: one look-up for all of them, and pushed results."""

from __future__ import annotations

import asyncio
import json
import queue
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import pytest
from memory_api import WAIT_SECONDS, MemoryApi, failed, graded, running, until

from grader.api.errors import ApiError
from grader.api.feeds import News
from grader.api.protection.stack import ProtectionSettings
from grader.api.remote import RemoteService
from grader.api.services import ApiOptions
from grader.api.views import LAST_EVENT
from grader.api.waiting import LOOKUPS_PER_SECOND, WaitingHub, Watch
from grader.contract.submissions import Progress
from grader.logs import Redactor, make_logger
from grader.ports.submissions import SubmissionRow
from grader.testing import MemorySubmissions

LOG = make_logger("text", "CRITICAL", redactor=Redactor())
RUN = {"submission": {"problemId": "sum", "language": "python", "source": "print(3)"}}


class MemoryFeed:
    """A feed whose news a test pushes."""

    def __init__(self) -> None:
        self.works = True
        self.watched: set[str] = set()
        self.push: Callable[[News], None] = lambda _news: None

    async def start(self, on_news: Callable[[News], None]) -> None:
        """Connect."""
        self.push = on_news

    async def watch(self, request_id: str) -> None:
        """Watch a request."""
        self.watched.add(request_id)

    async def unwatch(self, request_id: str) -> None:
        """Watch it no more."""
        self.watched.discard(request_id)

    async def close(self) -> None:
        """Disconnect."""


class NotedLookups(MemorySubmissions):
    """Rows that note which requests each look-up asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: queue.SimpleQueue[set[str]] = queue.SimpleQueue()

    def watched(self, ending: Collection[str], moving: Collection[str]) -> dict[str, SubmissionRow]:
        """Note and look up."""
        self.asked.put({*ending, *moving})
        return dict(super().watched(ending, moving))


def in_a_hub(
    rows: MemorySubmissions,
    steps: Callable[[WaitingHub], Coroutine[Any, Any, None]],
    **options: Any,
) -> None:
    """Run steps with a started hub."""

    async def run() -> None:
        database = RemoteService("database", 1, LOG)
        given = {"most_waiters": 3000, "feed": None, **options}
        hub = WaitingHub(rows, database, given.pop("feed"), log=LOG, **given)
        await hub.start()
        try:
            await asyncio.wait_for(steps(hub), WAIT_SECONDS)
        finally:
            await hub.close()
            database.close()

    asyncio.run(run())


def test_many_callers_share_few_lookups() -> None:
    """Their number does not matter: the limit is a number of look-ups a second."""
    rows = MemorySubmissions()

    async def steps(hub: WaitingHub) -> None:
        async def caller(number: int) -> None:
            async with hub.watch(f"req_{number}") as watch:
                assert (await watch.next(WAIT_SECONDS)).request_id == f"req_{number}"

        loop = asyncio.get_running_loop()
        started = loop.time()
        callers = [asyncio.create_task(caller(number)) for number in range(1000)]
        await asyncio.to_thread(until, lambda: rows.lookups > LOOKUPS_PER_SECOND)
        for number in range(1000):
            rows.put(graded(f"req_{number}"))
        await asyncio.gather(*callers)
        seconds = loop.time() - started
        assert rows.lookups <= LOOKUPS_PER_SECOND * (seconds + 1)

    in_a_hub(rows, steps)


def test_nothing_is_looked_up_while_no_caller_waits() -> None:
    """An idle API costs the database nothing."""
    rows = MemorySubmissions()

    async def steps(hub: WaitingHub) -> None:
        rows.put(graded("req_1"))
        async with hub.watch("req_1") as watch:
            await watch.next(WAIT_SECONDS)
        before = rows.lookups
        await asyncio.sleep(0.1)
        assert rows.lookups == before

    in_a_hub(rows, steps)


def test_a_caller_gets_the_end_only_and_a_stream_each_state() -> None:
    """A running row wakes no caller of /run."""
    rows = MemorySubmissions()
    rows.put(running("req_1"))

    async def steps(hub: WaitingHub) -> None:
        async with hub.watch("req_1") as ending, hub.watch("req_1", moving=True) as moving:
            assert (await moving.next(WAIT_SECONDS)).status == "running"
            assert await ending.next(0.05) is None
            rows.put(failed("req_1"))
            assert (await ending.next(WAIT_SECONDS)).status == "failed"

    in_a_hub(rows, steps)


def test_who_comes_when_too_many_wait_is_refused() -> None:
    """Memory is bounded; a place is free again when a caller leaves."""

    async def steps(hub: WaitingHub) -> None:
        async with hub.watch("req_1"):
            with pytest.raises(ApiError, match="too many callers"):
                async with hub.watch("req_2"):
                    pass
        async with hub.watch("req_2"):
            assert (hub.waiters, hub.streams) == (1, 0)

    in_a_hub(MemorySubmissions(), steps, most_waiters=1)


def test_a_database_that_comes_back_is_noticed() -> None:
    """Callers wait meanwhile; no look-up is lost."""
    rows = MemorySubmissions()
    rows.away = True

    async def steps(hub: WaitingHub) -> None:
        async with hub.watch("req_1") as watch:
            assert await watch.next(0.05) is None
            rows.put(graded("req_1"))
            rows.away = False
            assert (await watch.next(WAIT_SECONDS)).status == "completed"

    in_a_hub(rows, steps)


def test_a_pushed_result_needs_no_lookup() -> None:
    """While the feed works, rows are looked up every two seconds only."""
    rows, feed = MemorySubmissions(), MemoryFeed()

    async def steps(hub: WaitingHub) -> None:
        async with hub.watch("req_1") as watch:
            await asyncio.to_thread(until, lambda: bool(rows.lookups))
            feed.push(News("req_1", b"{}", True))
            feed.push(News("req_other", b"{}", True))
            assert (await watch.next(WAIT_SECONDS)).text == b"{}"
            assert feed.watched == {"req_1"}
        assert not feed.watched
        assert rows.lookups == 1

    in_a_hub(rows, steps, feed=feed)


def test_a_lookup_takes_what_is_due_soon_while_results_are_pushed() -> None:
    """So callers that came at different times share the few look-ups."""
    rows, now = NotedLookups(), [0.0]
    rows.put(running("req_1"))

    async def next_lookup() -> set[str]:
        return await asyncio.to_thread(rows.asked.get, timeout=WAIT_SECONDS)

    async def steps(hub: WaitingHub) -> None:
        async with hub.watch("req_1", moving=True) as watch:
            now[0] = 0.1
            assert await next_lookup() == {"req_1"}
            assert await watch.next(WAIT_SECONDS)  # so the next look-up of it is at 2.1
            now[0] = 1.5
            async with hub.watch("req_2"):
                now[0] = 1.6
                assert await next_lookup() == {"req_1", "req_2"}

    in_a_hub(rows, steps, feed=MemoryFeed(), clock=lambda: now[0])


def test_a_run_answers_the_result(api: MemoryApi) -> None:
    """With 200, the same text as GET."""
    stream = _started(api, RUN)
    request_id = _sent_id(api)
    api.rows.put(graded(request_id))

    answer = stream()

    assert answer.status == 200
    assert answer.body == api.get(f"/v1/submissions/{request_id}").body


@pytest.mark.parametrize("path", ["/v1/run", "/run"])
def test_a_run_without_a_result_in_time_tells_where_to_ask(api: MemoryApi, path: str) -> None:
    """The request stays queued."""
    answer = api.post(path, {**RUN, "waitSeconds": 0.05})

    request_id = _sent_id(api)
    assert answer.status == 202
    assert answer.headers["location"] == answer.json["url"] == f"/v1/submissions/{request_id}"


def test_a_run_is_answered_before_its_call_is_ended(make_api: Callable[..., MemoryApi]) -> None:
    """Time that the body and the queue took is not waited for: the id of what is queued stays."""
    api = make_api(protection=ProtectionSettings(10_000, 2, call_seconds=2.2))

    answer = api.post("/v1/run", {**RUN, "waitSeconds": 25})

    assert answer.status == 202
    assert [each["requestId"] for each in api.sent()] == [answer.json["requestId"]]


def test_waiting_can_be_switched_off(make_api: Callable[..., MemoryApi]) -> None:
    """Then each run is answered with 202 at once."""
    api = make_api(ApiOptions(wait_enabled=False))

    assert api.post("/v1/run", RUN).status == 202


def test_a_run_beyond_the_waiting_callers_is_queued(make_api: Callable[..., MemoryApi]) -> None:
    """It is not refused, because it was sent already."""
    api = make_api(ApiOptions(max_waiters=0))

    assert api.post("/v1/run", RUN).status == 202
    assert len(api.sent()) == 1


def test_a_function_has_its_message_and_its_answer(api: MemoryApi) -> None:
    """The message says which function and who; the answer is flat."""
    body = {"functionId": "hello", "inputData": {"name": None, "n": [1.5]}}
    answered = _started(api, body)
    (message,) = api.sent()
    request_id = message["requestId"]
    result = {
        "requestId": request_id,
        "functionId": "hello",
        "status": "SUCCESS",
        "exitCode": 0,
        "stdout": "hi",
        "stderr": "",
        "durationMillis": 3,
        "peakMemoryBytes": 6,
        "peakMemoryMB": 1,
    }
    stored = {"requestId": request_id, "status": "completed", "result": result}
    text = json.dumps({**stored, "timestamp": "2024-08-20T12:00:15Z"})
    waiting = api.get(f"/v1/submissions/{request_id}").json
    api.rows.put(running(request_id, function_id="hello", status="completed", result_json=text))

    answer = answered()

    assert message == {
        "requestId": request_id,
        "functionId": "hello",
        "inputData": {"name": None, "n": [1.5]},
        "userId": "ann",
    }
    assert (waiting["status"], waiting["functionId"]) == ("queued", "hello")
    assert (answer.status, answer.json) == (200, result)
    assert api.get(f"/v1/submissions/{request_id}").json == result


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**RUN, "functionId": "x"},
        {"functionId": "../x"},
        {"functionId": "x", "waitSeconds": 26},
        {"functionId": "x", "waitSeconds": -1},
        {"submission": {"problemId": "sum", "language": "python"}},
    ],
)
def test_a_run_refuses_odd_bodies(api: MemoryApi, body: object) -> None:
    """A run is one of two kinds, and needs its program at once."""
    assert api.post("/v1/run", body).status == 422
    assert not api.sent()


def test_a_caller_that_leaves_waits_no_more(api: MemoryApi) -> None:
    """Its place is free at once."""
    done = _opened(api, RUN)
    until(lambda: api.parts.hub.waiters)
    done.leave()

    assert api.parts.hub.waiters == 0


def test_a_stopping_process_answers_the_waiting(api: MemoryApi) -> None:
    """With where to ask; a stream ends, and its client comes back elsewhere."""
    api.rows.put(running("req_1"))
    stream = api.open("GET", "/v1/submissions/req_1/events")
    stream.event()
    answered = _started(api, RUN)
    until(lambda: api.parts.hub.waiters)

    api.loop.call_soon_threadsafe(api.parts.hub.stop)

    assert answered().status == 202
    assert stream.event() is None
    assert api.get("/health").status == 503


def test_a_stream_has_each_state_and_ends_with_the_result(api: MemoryApi) -> None:
    """Queued, running with progress, the result; numbers go up."""
    api.get("/v1/queue/status")
    request_id = api.post("/v1/submissions", RUN["submission"]).json["requestId"]
    stream = api.open("GET", f"/v1/submissions/{request_id}/events")

    first = stream.event()
    progress = Progress(phase="running", cases_done=2, cases_total=5)
    text = progress.to_json().decode()
    api.rows.put(running(request_id, progress_json=text))
    second = stream.event()
    api.rows.put(graded(request_id))
    third = stream.event()

    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [each[1]["status"] for each in (first, second, third)] == [
        *("queued", "running", "completed")
    ]
    assert second[1]["progress"] == {
        "phase": "running",
        "casesDone": 2,
        "casesTotal": 5,
        "testResults": [],
    }
    assert first[0] < second[0] < third[0]
    assert stream.event() is None
    assert third[1] == api.get(f"/v1/submissions/{request_id}").json


def test_a_stream_is_resumed_without_what_was_seen(api: MemoryApi) -> None:
    """By any process: the number follows from the state."""
    text = Progress(phase="running", cases_done=2).to_json().decode()
    api.rows.put(running("req_1", progress_json=text))
    path = "/v1/submissions/req_1/events"
    number = api.open("GET", path).event()[0]
    resumed = api.open("GET", path, headers={"Last-Event-ID": str(number)})
    of_another = api.open("GET", path, headers={"Last-Event-ID": str(LAST_EVENT)})
    assert (resumed.status, of_another.status) == (200, 200)
    api.rows.put(graded("req_1"))
    following = resumed.event()

    assert following[1]["status"] == "completed"
    assert of_another.event() == following
    seen = api.get(path, headers={"Last-Event-ID": str(following[0])})
    assert (seen.status, seen.body) == (204, b"")
    assert b"completed" in api.get(path, headers={"Last-Event-ID": "nonsense"}).body


def test_pushed_progress_and_result_are_events(make_api: Callable[..., MemoryApi]) -> None:
    """An older progress than the one that was shown is not shown."""
    feed = MemoryFeed()
    api = make_api(feed=feed)
    api.rows.put(running("req_1"))
    stream = api.open("GET", "/v1/submissions/req_1/events")
    stream.event()

    def push(done: int) -> Any:
        text = Progress(phase="running", cases_done=done).to_json()
        api.loop.call_soon_threadsafe(feed.push, News("req_1", text, False))

    push(3)
    third = stream.event()
    push(2)
    final = graded("req_1")
    text = api.get("/v1/submissions/req_1").body
    api.rows.put(final)
    pushed = api.get("/v1/submissions/req_1").body
    api.loop.call_soon_threadsafe(feed.push, News("req_1", pushed, True))

    assert text != pushed
    assert third[1]["progress"]["casesDone"] == 3
    assert stream.event()[1]["status"] == "completed"


def test_streams_beyond_the_limit_are_refused_in_order(
    make_api: Callable[..., MemoryApi],
) -> None:
    """With a time after which to try again; the others go on."""
    api = make_api(protection=ProtectionSettings(most_body_bytes=10_000, most_streams=2))
    api.rows.put(running("req_1"))
    path = "/v1/submissions/req_1/events"
    streams = [api.open("GET", path) for _ in range(2)]
    refused = api.get(path)
    streams[0].leave()
    next_one = api.open("GET", path)

    assert (refused.status, refused.kind) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    assert next_one.status == 200
    assert api.parts.hub.streams == 2


def test_a_stream_of_another_user_is_not_found(api: MemoryApi) -> None:
    """As for GET."""
    api.rows.put(running("req_1"))

    assert api.get("/v1/submissions/req_1/events", "bob").status == 404


def _opened(api: MemoryApi, body: object) -> Any:
    """Start a run, and wait until it was sent."""
    before = len(api.sent())
    opened = api.open("POST", "/v1/run", body=body)
    until(lambda: len(api.sent()) > before)
    return opened


def _started(api: MemoryApi, body: object) -> Callable[[], Any]:
    """Start a run; the result waits for its answer."""
    return _opened(api, body).answer


def _sent_id(api: MemoryApi) -> str:
    return str(api.sent()[-1]["requestId"])


def test_an_older_row_does_not_replace_the_end() -> None:
    """A look-up that began before the result was pushed finds the request running."""

    async def steps() -> None:
        watch = Watch("req_1", is_moving=True)
        end = News("req_1", b"{}", is_final=True)
        watch.put(end)
        watch.put(running("req_1"))
        assert await watch.next(WAIT_SECONDS) == end

    asyncio.run(steps())
