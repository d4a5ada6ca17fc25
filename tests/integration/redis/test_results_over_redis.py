"""Results and progress over a real Redis, which is away, frozen, full or has another password."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from consumer_bench import Bench
from redis_server import RedisServer

from grader.adapters.redis import RedisPublisher
from grader.api.feeds import News
from grader.api.redis_feed import RedisFeed
from grader.contract.submissions import Progress
from grader.errors import AccessError, TemporaryError, TrustError
from grader.logs import Logger, Redactor, make_logger
from grader.ports.results import PushedValue
from grader.worker.health import Health
from grader.worker.pushing import PushedResults
from grader.worker.retry import Retrier

pytestmark = pytest.mark.engine

PAGE = Path(__file__).parents[3] / "docs" / "results.md"
PACKAGES = Path(sys.prefix) / "share" / "grader" / "api-tests"
SECONDS = 30  # a limit for a hung test
VALUE = PushedValue("result:req_1", b"{}", "progress:req_1")


@pytest.fixture
def log_stream() -> io.StringIO:
    """Output of `log`."""
    return io.StringIO()


@pytest.fixture
def log(log_stream: io.StringIO) -> Logger:
    """A logger in the text format."""
    return make_logger("text", "INFO", redactor=Redactor(), stream=log_stream)


@pytest.fixture
def bench(log: Logger) -> Bench:
    """A consumer whose handler accepts everything."""
    stopping = threading.Event()
    return Bench(Retrier(stopping, Health(), log), log, stopping)


def grade(bench: Bench, count: int, first: int = 0) -> None:
    """Grade submissions until the queue is empty."""
    bench.stopping.clear()
    for number in range(first, first + count):
        bench.send(requestId=f"req_{number}")
    bench.run()


def wait_for(server: RedisServer, request_id: str) -> dict[str, object]:
    """Wait for a result as any other program would: subscribe, then read."""
    name = f"result:{request_id}"
    with server.client() as client, client.pubsub(ignore_subscribe_messages=True) as channels:
        channels.subscribe(name)
        channels.get_message(timeout=SECONDS)
        text = client.get(name)
        if text is None:
            message = channels.get_message(timeout=SECONDS)
            assert message, "no result"
            text = message["data"]
        return json.loads(text)


def fill(server: RedisServer) -> None:
    """Leave no memory for a value."""
    with server.client() as client:
        client.config_set("maxmemory", 1)


def change_password(server: RedisServer) -> None:
    """Refuse the workers, also those that are connected."""
    with server.client() as client:
        client.config_set("requirepass", "another-Password-1")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


@pytest.mark.parametrize(
    "fault",
    [RedisServer.kill, RedisServer.freeze, fill, change_password],
    ids=["killed", "frozen", "full", "password"],
)
def test_jobs_go_on_without_redis_and_results_are_published_after_it(
    bench: Bench,
    redis_server: RedisServer,
    log_stream: io.StringIO,
    fault: Callable[[RedisServer], None],
) -> None:
    """All are done while the fault lasts; one line in the log; no line with the password."""
    pushed = PushedResults(RedisPublisher(lambda: redis_server.login), bench.log)
    bench.pushed = pushed
    with pushed.in_background():
        grade(bench, 1)
        assert wait_for(redis_server, "req_0")["status"] == "completed"
        fault(redis_server)

        grade(bench, 100, first=1)

        assert len(bench.results()) == 101
        redis_server.restore()
        grade(bench, 1, first=101)
        assert wait_for(redis_server, "req_101")["status"] == "completed"

    assert log_stream.getvalue().count("Results not passed on to Redis reason") == 1
    assert redis_server.password not in log_stream.getvalue()


def test_a_value_is_kept_for_five_minutes(redis_server: RedisServer) -> None:
    """And the progress before it is gone."""
    publisher = RedisPublisher(lambda: redis_server.login)
    assert not publisher.publish([PushedValue("progress:req_1", b"[]")])
    assert not publisher.publish([VALUE])
    publisher.close()

    with redis_server.client() as client:
        assert client.get("result:req_1") == b"{}"
        assert 290 < client.ttl("result:req_1") <= 300
        assert not client.exists("progress:req_1")


def test_progress_reaches_a_subscriber(redis_server: RedisServer, log: Logger) -> None:
    """By its own key and channel."""
    pushed = PushedResults(RedisPublisher(lambda: redis_server.login), log)
    with redis_server.client() as client, client.pubsub() as channels, pushed.in_background():
        channels.subscribe("progress:req_1")
        channels.get_message(timeout=SECONDS)
        pushed.report("req_1", lambda: Progress(phase="running", cases_done=3, cases_total=5))
        message = channels.get_message(timeout=SECONDS)

    assert message
    assert json.loads(message["data"])["casesDone"] == 3


def test_a_refused_connection_has_its_reason(redis_server: RedisServer) -> None:
    """And the address, never the password."""
    login = redis_server.login
    cases = {
        TrustError: replace(login, ca_file=None),
        AccessError: replace(login, password="wrong-Password"),
        TemporaryError: replace(login, tls=False),
    }
    for error, wrong in cases.items():
        with pytest.raises(error) as caught:
            RedisPublisher(lambda wrong=wrong: wrong).publish([VALUE])
        assert "wrong-Password" not in str(caught.value)
        assert f"localhost:{login.port}" in str(caught.value)


def test_a_feed_reads_the_password_again_when_it_is_refused(
    redis_server: RedisServer, log: Logger, log_stream: io.StringIO
) -> None:
    """So a rotated password needs no new API; the same error as from a publisher."""
    logins = [replace(redis_server.login, password="the-former-Password"), redis_server.login]

    async def told() -> News:
        news: asyncio.Queue[News] = asyncio.Queue()
        feed = RedisFeed(lambda: logins.pop(0), log)
        await feed.start(news.put_nowait)
        await feed.watch("req_1")
        RedisPublisher(lambda: redis_server.login).publish([VALUE])
        async with asyncio.timeout(SECONDS):
            found = await news.get()
        await feed.close()
        return found

    assert asyncio.run(told()) == News("req_1", VALUE.text, is_final=True)
    assert not logins
    assert "compare the redis/password parameter" in log_stream.getvalue()
    assert "Traceback" not in log_stream.getvalue()


def python_subscriber(example: str, folder: Path) -> list[str]:
    """A program that waits for two results with the example in Python."""
    asks = "print('ready', flush=True)\nfor name in ('req_0', 'req_1'):\n"
    asks += f"    print(wait_for_result(name, {SECONDS}).decode(), flush=True)\n"
    (folder / "subscriber.py").write_text(f"{example}\n{asks}")
    return [sys.executable, str(folder / "subscriber.py")]


def node_subscriber(example: str, folder: Path) -> list[str]:
    """The same with the example for Node."""
    (folder / "node_modules").symlink_to(PACKAGES / "node_modules")
    asks = "console.log('ready');\nfor (const name of ['req_0', 'req_1'])\n"
    asks += "  console.log(await waitForResult(name));\nprocess.exit(0);\n"
    (folder / "subscriber.mjs").write_text(f"{example}\n{asks}")
    return ["node", str(folder / "subscriber.mjs")]


@pytest.mark.parametrize(
    ("language", "write_program"), [("python", python_subscriber), ("js", node_subscriber)]
)
def test_the_subscriber_of_the_page_gets_early_and_late_results(
    redis_server: RedisServer,
    bench: Bench,
    tmp_path: Path,
    language: str,
    write_program: Callable[[str, Path], list[str]],
) -> None:
    """The examples of docs/results.md, in a process of their own."""
    (example,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    given = {
        "REDIS_URL": redis_server.url,
        "SSL_CERT_FILE": str(redis_server.ca_file),
        "NODE_EXTRA_CA_CERTS": str(redis_server.ca_file),
        "REDIS_PASSWORD": redis_server.password,
    }
    pushed = PushedResults(RedisPublisher(lambda: redis_server.login), bench.log)
    bench.pushed = pushed
    with pushed.in_background():
        grade(bench, 1)
        wait_for(redis_server, "req_0")
        process = subprocess.Popen(
            write_program(example, tmp_path), env={**os.environ, **given}, stdout=subprocess.PIPE
        )
        with process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            early = json.loads(process.stdout.readline())
            grade(bench, 1, first=1)
            late = json.loads(process.stdout.readline())

    assert (early["requestId"], late["requestId"]) == ("req_0", "req_1")
    assert late["result"]["verdict"] == "AC"
    assert process.returncode == 0
