"""The page on the application itself, whose services are in-memory fakes."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest
import uvicorn
from browser import Watched, sign_in, violations
from memory_api import KEYS, MemoryApi, MemoryGate, counters, failed, graded, running
from playwright.sync_api import BrowserContext, expect
from starlette.requests import HTTPConnection

from grader.api.auth import Caller
from grader.api.errors import ApiError, Kind
from grader.api.page import page_router
from grader.contract.messages import CaseResult
from grader.contract.submissions import Progress
from grader.contract.verdicts import Verdict

pytestmark = pytest.mark.engine

PROBLEM_YAML = b"problem_format_version: 2023-07-draft\nname: Sum of numbers\n"


class BearerGate(MemoryGate):
    """Lets in who sends a key of `KEYS` as the page does."""

    @asynccontextmanager
    async def admit(self, call: HTTPConnection) -> AsyncIterator[Caller]:
        """Check the key."""
        key = call.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in KEYS:
            raise ApiError(Kind.UNAUTHENTICATED, "the key is unknown")
        yield KEYS[key]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[MemoryApi, str]]:
    """The application on a port."""
    api = MemoryApi(gate=BearerGate(), routers=[page_router()])
    api.store.objects["problems/sum/problem.yaml"] = PROBLEM_YAML
    api.store.objects["problems/sum/description.md"] = b"# Sum\n\nAdd *numbers*.\n"
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api.app, log_level="error", lifespan="off"))
    serving = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), api.loop)
    yield api, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    serving.result(30)
    listener.close()
    api.close()


@pytest.fixture
def seen(context: BrowserContext, served: tuple[MemoryApi, str]) -> Iterator[Watched]:
    """A tab on the application."""
    watched = Watched(context.new_page(), served[1])
    yield watched
    assert watched.faults == []
    assert watched.elsewhere() == []


def test_a_submission_from_the_key_to_the_verdict(
    seen: Watched, served: tuple[MemoryApi, str]
) -> None:
    """What the page sends is stored and queued; what rows and queues say is shown as it changes."""
    api, url = served
    api.inspector.counters["grading-requests"] = counters(size=4, consumers=0)
    page = seen.page
    sign_in(page, url, "ann")
    page.wait_for_selector("#editor[data-ready=yes]")
    page.get_by_label("Choose a problem").select_option(label="Sum of numbers (sum)")
    expect(page.locator("#statement em")).to_have_text("numbers")
    page.get_by_label("Source").fill("print(3)")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#result-body")).to_contain_text("workers: 0")
    (message,) = api.sent()
    request_id = message["requestId"]
    assert api.store.objects[f"submissions/{request_id}/solution.py"] == b"print(3)"
    case = CaseResult(case=1, status=Verdict.ACCEPTED, time=3, memory=5)
    progress = Progress(phase="running", cases_done=1, cases_total=2, test_results=(case,))
    text = progress.to_json().decode()
    api.rows.put(running(request_id, progress_json=text))
    expect(page.get_by_text("1 of 2 cases")).to_be_visible()
    api.rows.put(graded(request_id))

    expect(page.locator("#result-body")).to_contain_text("Accepted (AC) 100 of 100 points")
    expect(page.locator("#history")).to_contain_text("Accepted (AC)")
    assert (
        json.loads(api.store.objects[f"submissions/{request_id}/metadata.json"])["userId"] == "ann"
    )


def test_another_users_submission_is_not_found(
    seen: Watched, served: tuple[MemoryApi, str]
) -> None:
    """By its link, and not in the history either."""
    api, url = served
    api.rows.put(graded("req_of_bob", user_id="bob"))
    sign_in(seen.page, url, "ann", "/#/submission/req_of_bob")

    expect(seen.page.locator("#result-body .error")).to_contain_text("not found")
    expect(seen.page.locator("#history")).not_to_contain_text("req_of_bob")


def test_the_operators_page_shows_the_overview(
    seen: Watched, served: tuple[MemoryApi, str]
) -> None:
    """Counters, workers of the last minutes, failures, and commands of this environment."""
    api, url = served
    now = datetime.now(UTC)
    api.inspector.counters["grading-requests"] = counters(size=41, consumers=2)
    api.rows.put(replace(running("req_r"), updated_at=now), worker_id="worker-1")
    api.rows.put(failed("req_f"), worker_id="worker-2")
    sign_in(seen.page, url, "admin", "/operator")

    expect(seen.page.locator("#queues")).to_contain_text("grading-requests")
    expect(seen.page.locator("#workers")).to_contain_text("worker-1")
    expect(seen.page.locator("#failures")).to_contain_text("INTERNAL_ERROR")
    expect(seen.page.locator("#commands")).to_contain_text("gradectl status local")


def test_the_page_has_the_headers_of_the_application(
    seen: Watched, served: tuple[MemoryApi, str]
) -> None:
    """Its own policy, and what every answer has."""
    answer = seen.page.goto(served[1])
    assert answer

    headers = answer.headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_of_the_endpoints(
    seen: Watched, served: tuple[MemoryApi, str], scheme: Literal["light", "dark"]
) -> None:
    """In both colours; and it needs no sideways scrolling on a screen of 320 pixels."""
    page = seen.page
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{served[1]}/docs")
    page.locator("#endpoints h2").first.wait_for()

    assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
