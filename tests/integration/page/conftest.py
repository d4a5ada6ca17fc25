"""A browser, and the page on a server whose answers a test decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Watched, chromium, sign_in
from fake_api import USER_KEY, FakeApi, running_fake
from playwright.sync_api import Browser, BrowserContext, Page

from grader.api.page import editor_folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system, for one file: other tests need the event loop that it occupies."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def running() -> Iterator[FakeApi]:
    """The page with its editor."""
    assert (editor_folder() / "package.json").is_file(), "no editor: install npm, run scripts/setup"
    with running_fake() as api:
        yield api


@pytest.fixture
def api(running: FakeApi) -> FakeApi:
    """The server as a new one."""
    running.reset()
    return running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of one test, which may not reach any other host than the server's."""
    context = browser.new_context(locale="en-US", color_scheme="light")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext, api: FakeApi) -> Iterator[Watched]:
    """A tab; the test fails for an exception, a refusal or a call to another host in it."""
    watched = Watched(context.new_page(), api.url)
    yield watched
    assert watched.faults == []
    assert watched.elsewhere() == []


@pytest.fixture
def page(tab: Watched, api: FakeApi) -> Page:
    """The page at `/`, with the key of a user and the editor loaded."""
    sign_in(tab.page, api.url, USER_KEY)
    tab.page.wait_for_selector("#editor[data-ready=yes]")
    return tab.page
