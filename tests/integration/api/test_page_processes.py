"""The page against real processes: API, worker with its sandbox, queue, bucket and database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Watched, chromium, sign_in
from graded_api import SOLUTION, GradedApi
from playwright.sync_api import Page, expect

from grader.client.submission import MAX_SOURCE_BYTES

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def page(graded: GradedApi) -> Iterator[Page]:
    """The page with the key of a user, and a problem to choose."""
    with chromium() as browser:
        url = graded.api.url
        watched = Watched(browser.new_context(locale="en-US").new_page(), url)
        sign_in(watched.page, url, graded.world.make_key("reader-of-the-page"))
        watched.page.wait_for_selector("#editor[data-ready=yes]")
        watched.page.get_by_label("Choose a problem").select_option("sum")
        yield watched.page
        assert watched.faults == []


def test_a_program_from_the_page_is_graded(page: Page) -> None:
    """From the text area through bucket, queue, worker and row to the verdict on the screen."""
    page.get_by_label("Source").fill(SOLUTION)
    page.keyboard.press("Control+Enter")

    expect(page.locator("#result-body")).to_contain_text("Accepted (AC)", timeout=60_000)
    expect(page.locator("#history")).to_contain_text("Accepted (AC)")


def test_the_largest_file_goes_from_the_browser_to_the_bucket_and_is_graded(
    page: Page, graded: GradedApi
) -> None:
    """The policy of the page allows the presigned URL of the bucket, and no other host."""
    world = graded.world
    content = SOLUTION.encode().ljust(MAX_SOURCE_BYTES, b"#")
    page.locator("#file").set_input_files(
        {"name": "large.py", "mimeType": "text/x-python", "buffer": content}
    )
    expect(page.locator("#attachment")).to_be_visible()
    before = page.url
    with page.expect_request(lambda request: request.method == "PUT") as put:
        page.keyboard.press("Control+Enter")

    page.wait_for_url(lambda url: url != before)
    request_id = page.url.rpartition("/")[2]
    result = page.locator("#result-body").filter(has_text=request_id)
    expect(result).to_contain_text("Accepted (AC)", timeout=60_000)
    stored = world.aws("s3").list_objects_v2(
        Bucket=world.bucket, Prefix=f"submissions/{request_id}/"
    )
    assert MAX_SOURCE_BYTES in [each["Size"] for each in stored["Contents"]]
    assert world.bucket in put.value.url
