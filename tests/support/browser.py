"""What tests, screenshots and measurements do with the page in a browser."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

AXE = Path(sys.prefix) / "share/grader/page-tests/node_modules/axe-core/axe.min.js"
#: WCAG 2.2 AA and the good practices of axe.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def find_chromium() -> str | None:
    """Path of the browser; None without one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium."""
    program = find_chromium()
    assert program, "no chromium on PATH: make image installs it (apt-get install chromium)"
    with sync_playwright() as playwright:
        # Its sandbox refuses to run as root; it only loads pages of the tests.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A tab with its faults: exceptions, refusals of the policy, calls to other hosts."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.requested: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._console)
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.requested.append(request.url))
        self.url = url

    def _console(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    def elsewhere(self) -> list[str]:
        """Addresses outside of the server."""
        own = (self.url, "blob:", "data:")
        return [each for each in self.requested if not each.startswith(own)]


def sign_in(page: Page, url: str, key: str, path: str = "/") -> None:
    """Open a page and enter a key."""
    page.goto(url + path)
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()
    page.wait_for_selector("#work:not([hidden])")


def violations(page: Page) -> list[str]:
    """What axe finds: rule, and the elements."""
    assert AXE.is_file(), f"no {AXE}: install npm, run scripts/setup"
    page.evaluate(AXE.read_text())
    found = page.evaluate("tags => axe.run({runOnly: tags})", TAGS)
    return [
        f"{each['id']}: {json.dumps(node['target'])} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
