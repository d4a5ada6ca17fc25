"""The check of the HTTP API, on an API of this process in front of an environment in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fake_environment import FakeEnvironment

from gradectl.local.loopback import free_ports
from gradectl.smoke.environment import SmokeApi
from gradectl.smoke.report import CheckResult
from grader.client.submission import Limits, Source, make_request
from grader.contract.bucket import result_key
from grader.contract.names import REQUESTS_QUEUE

KEY, REQUEST = "gk_a-key-of-the-test", "req_made-by-the-api"


class Api:
    """Accepts one program, and answers as the API does."""

    def __init__(self, environment: FakeEnvironment) -> None:
        self.environment = environment
        self.keys: list[str] = []
        self.status = 200
        self.url = ""

    def answer(self, authorization: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Grade a program with the worker of the environment."""
        if authorization != f"Bearer {KEY}":
            return 401, {"detail": "the key is not valid"}
        if self.status not in (200, 202):
            return self.status, {"detail": "the database is away"}
        wanted = body["submission"]
        request = make_request(
            bucket="b",
            problem_id=wanted["problemId"],
            language=wanted["language"],
            source=Source("main.py", wanted["source"].encode()),
            limits=Limits(time_ms=1000, memory_mb=64),
            user_id="gradectl-smoke",
            request_id=REQUEST,
        )
        self.environment.store.put(request.source_url("b").key, b"code", content_type="text/plain")
        self.environment.broker.send(REQUESTS_QUEUE, request.to_json(), {"correlation-id": REQUEST})
        if self.status == 202:
            return 202, {"requestId": REQUEST, "status": "queued", "note": "no worker runs"}
        result = json.loads(self.environment.store.objects[result_key(REQUEST)])
        return 200, {"requestId": REQUEST, "status": "completed", "result": result["result"]}

    @contextmanager
    def key(self) -> Iterator[str]:
        """Make a key that exists for the block only."""
        self.keys.append(KEY)
        yield KEY
        self.keys.remove(KEY)


@pytest.fixture(name="api")
def _api(environment: FakeEnvironment) -> Iterator[Api]:
    """An API that serves on a port."""
    api = Api(environment)

    class Handler(BaseHTTPRequestHandler):
        """Passes requests on."""

        def do_POST(self) -> None:
            """Answer one request."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, document = api.answer(self.headers["Authorization"], body)
            text = json.dumps(document).encode()
            self.send_response(status if self.path == "/v1/run" else 404)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    environment.api = SmokeApi(api.url, api.key)
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


def check(environment: FakeEnvironment) -> CheckResult:
    """Run a smoke test with this check."""
    (result,) = environment.run(checks=("api",)).checks
    return result


def test_an_api_that_grades_passes_and_nothing_is_left(
    environment: FakeEnvironment, api: Api
) -> None:
    """Neither the key, nor objects, rows and messages of its request."""
    result = check(environment)

    assert result.outcome == "passed", result
    assert api.url in result.detail
    assert api.keys == []
    assert environment.traces() == []


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (503, "refused it with 503: the database is away"),
        (202, "had no result after 5 s: queued no worker runs"),
    ],
)
def test_an_api_that_does_not_grade_fails(
    environment: FakeEnvironment, api: Api, status: int, detail: str
) -> None:
    """With what it said; the request is removed all the same."""
    api.status = status

    result = check(environment)

    assert result.outcome == "failed"
    assert detail in result.detail
    assert environment.traces() == []


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:{port}"], ids=["no URL", "closed port"])
def test_an_api_that_cannot_be_reached_from_here_is_not_observable(
    environment: FakeEnvironment, api: Api, url: str
) -> None:
    """It may be for the clients of a VPC only."""
    (port,) = free_ports(1)
    environment.api = SmokeApi(url.format(port=port), api.key)

    assert check(environment).outcome == "not observable"


def test_an_environment_without_an_api_is_not_observable(environment: FakeEnvironment) -> None:
    """The check can be named there all the same."""
    assert check(environment).outcome == "not observable"
