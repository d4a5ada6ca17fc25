"""The page against real processes: API, worker, queue, bucket and database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_world import ApiProcess, ApiWorld
from browser import Watched, chromium, sign_in
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.engine

LARGE = 1_500_000


@pytest.fixture(scope="module")
def page(world: ApiWorld, api: ApiProcess) -> Iterator[Page]:
    """The page with the key of a user, and a problem to choose."""
    world.put("problems/sum/problem.yaml", b"name: Sum of numbers\n")
    with chromium() as browser:
        watched = Watched(browser.new_context(locale="en-US").new_page(), api.url)
        sign_in(watched.page, api.url, world.make_key("reader-of-the-page"))
        watched.page.wait_for_selector("#editor[data-ready=yes]")
        watched.page.get_by_label("Choose a problem").select_option("sum")
        yield watched.page
        assert watched.faults == []


def test_a_program_from_the_page_is_graded(page: Page) -> None:
    """From the text area through bucket, queue, worker and row to the verdict on the screen."""
    page.get_by_label("Source").fill("print(3)")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#result-body")).to_contain_text("Accepted (AC)", timeout=60_000)
    expect(page.locator("#history")).to_contain_text("Accepted (AC)")


def test_a_large_file_goes_from_the_browser_to_the_bucket(page: Page, world: ApiWorld) -> None:
    """The policy of the page allows the presigned URL of the bucket, and no other host."""
    content = b"#" * LARGE
    page.locator("#file").set_input_files(
        {"name": "large.py", "mimeType": "text/x-python", "buffer": content}
    )
    expect(page.locator("#attachment")).to_be_visible()
    before = page.url
    with page.expect_request(lambda request: request.method == "PUT") as put:
        page.keyboard.press("Control+Enter")

    page.wait_for_url(lambda url: url != before)
    expect(page.locator("#result-body")).to_contain_text("Accepted (AC)", timeout=60_000)
    request_id = page.url.rpartition("/")[2]
    stored = world.aws("s3").list_objects_v2(
        Bucket=world.bucket, Prefix=f"submissions/{request_id}/"
    )
    assert LARGE in [each["Size"] for each in stored["Contents"]]
    assert world.bucket in put.value.url
