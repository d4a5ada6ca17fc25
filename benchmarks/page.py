"""
What a visitor of the page waits for in Chromium: bytes, first paint, and until it can be used.

The baseline is an empty page of the same server in the same browser; both take turns. The key is
known to the browser, so the page asks for its lists too. The second visit has the browser's cache.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from figures import Absent, Figure, Measured
from local_stack import ROOT
from progress import say

from grader.api.page import editor_folder

sys.path.append(str(ROOT / "tests" / "support"))

from browser import chromium, find_chromium
from fake_api import USER_KEY, FakeApi, running_fake
from playwright.sync_api import Browser, Page

_VISITS = 15
_FIGURES = (
    *("page_first_paint_ms_p50", "page_ready_ms_p50", "page_transfer_bytes"),
    *("page_second_visit_transfer_bytes", "page_transfer_bytes_without_editor", "page_requests"),
)
_BYTES = """["navigation", "resource"].flatMap((each) => performance.getEntriesByType(each))
    .reduce((sum, each) => sum + each.transferSize, 0)"""
_REQUESTS = 'performance.getEntriesByType("resource").length + 1'
_PAINT = """new Promise((resolve) => new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (found) resolve(found.startTime);
}).observe({type: "paint", buffered: true}))"""
_READY = 'performance.getEntriesByName("ready")[0]?.startTime ?? performance.now()'
_KEEP_KEY = f'sessionStorage.setItem("grading.key", "{USER_KEY}")'


def measure() -> Measured:
    """Baseline of each figure: the empty page, of the second visit: the first one."""
    missing = [
        *(["chromium"] if not find_chromium() else []),
        *(["the editor (npm)"] if not (editor_folder() / "package.json").is_file() else []),
    ]
    if missing:
        reason = (
            f"no {', '.join(missing)}: make bench installs chromium, and the editor where npm is"
        )
        yield from ((name, Absent(reason)) for name in _FIGURES)
        return
    say("the page in Chromium")
    with running_fake() as api, chromium() as browser:
        visits = [_visit(browser, api) for _ in range(_VISITS)]
        empty = [_empty(browser, api) for _ in range(_VISITS)]
        plain = _bytes_without_editor(browser, api)
    middle = [statistics.median(column) for column in zip(*visits, strict=True)]
    paint, ready, first_bytes, second_bytes, requests = middle
    empty_paint, empty_bytes = (statistics.median(column) for column in zip(*empty, strict=True))
    yield "page_first_paint_ms_p50", Figure(paint, "ms", empty_paint, _VISITS)
    yield "page_ready_ms_p50", Figure(ready, "ms", empty_paint, _VISITS)
    yield "page_transfer_bytes", Figure(first_bytes, "bytes", empty_bytes, _VISITS)
    yield "page_transfer_bytes_without_editor", Figure(plain, "bytes", empty_bytes, 1)
    yield "page_second_visit_transfer_bytes", Figure(second_bytes, "bytes", first_bytes, _VISITS)
    yield "page_requests", Figure(requests, "requests", 1, _VISITS)


@contextmanager
def _new_profile(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(_KEEP_KEY)
    yield context.new_page()
    context.close()


def _open(page: Page, api: FakeApi) -> None:
    page.goto(api.url)
    page.wait_for_selector("#editor[data-ready=yes]", state="attached")


def _visit(browser: Browser, api: FakeApi) -> tuple[float, float, float, float, float]:
    """First paint, milliseconds until the editor is ready, bytes of two visits, requests."""
    with _new_profile(browser) as page:
        _open(page, api)
        paint = page.evaluate(_PAINT)
        first = (page.evaluate(_READY), page.evaluate(_BYTES), page.evaluate(_REQUESTS))
        _open(page, api)
        again = page.evaluate(_BYTES)
    ready, transferred, requests = first
    return paint, ready, transferred, again, requests


def _empty(browser: Browser, api: FakeApi) -> tuple[float, float]:
    """First paint and bytes of the empty page."""
    with _new_profile(browser) as page:
        page.goto(f"{api.url}/empty")
        return page.evaluate(_PAINT), page.evaluate(_BYTES)


def _bytes_without_editor(browser: Browser, api: FakeApi) -> float:
    with _new_profile(browser) as page:
        page.route("**/editor/**", lambda route: route.abort())
        page.goto(api.url)
        page.wait_for_selector("#editor[data-ready=no]", state="attached")
        return float(page.evaluate(_BYTES))
