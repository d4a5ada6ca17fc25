"""Programs that come as files: dropped, chosen, uploaded, saved."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from fake_api import FIRST, FakeApi, sent
from playwright.sync_api import Page, expect

from grader.client.submission import MAX_SOURCE_BYTES

pytestmark = pytest.mark.engine


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the page, as a file manager does."""
    transfer = page.evaluate_handle(
        """([name, text]) => {
            const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            return transfer;
        }""",
        [name, base64.b64encode(content).decode()],
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})


def test_a_dropped_file_becomes_the_program_and_chooses_its_language(
    page: Page, api: FakeApi
) -> None:
    """By its extension; what it contains is only text."""
    source = '#include <cstdio>\nint main() { puts("<img src=x onerror=alert(1)>"); }\n'
    drop(page, "solution.cpp", source.encode())

    expect(page.get_by_label("Programming language")).to_have_value("cpp")
    expect(page.get_by_label("Source")).to_have_value(source)
    expect(page.locator(".token.string").first).to_be_visible()
    page.get_by_label("Choose a problem").select_option("sum")
    page.keyboard.press("Control+Enter")

    assert sent(api)["source"] == source


@pytest.mark.parametrize(
    "content", [b"print('\xff')\n", b"print(1)\r\n", b"\xef\xbb\xbfprint(1)\n", b"#\n" * 120_000]
)
def test_a_file_that_a_text_area_would_change_is_sent_as_it_is(
    page: Page, api: FakeApi, content: bytes
) -> None:
    """Other encodings, line ends, a byte order mark, and what is too long to show."""
    drop(page, "solution.py", content)
    expect(page.locator("#attachment")).to_contain_text(f"{len(content)} bytes")
    page.get_by_label("Choose a problem").select_option("sum")
    page.keyboard.press("Control+Enter")

    body = sent(api)
    assert base64.b64decode(body["sourceBase64"]) == content
    assert (body["fileName"], "source" in body) == ("solution.py", False)


def test_a_large_file_goes_to_the_upload_url(page: Page, api: FakeApi) -> None:
    """With the headers that the API names; then the submission is sent."""
    content = b"#" * 600_000
    drop(page, "solution.py", content)
    expect(page.locator("#attachment")).to_be_visible()
    page.get_by_label("Choose a problem").select_option("sum")
    page.keyboard.press("Control+Enter")

    api.wait_for("POST", f"/v1/submissions/{FIRST}/uploaded")
    put = api.wait_for("PUT", f"/bucket/{FIRST}")
    assert api.uploads[FIRST] == content
    assert put.headers["x-amz-meta-test"] == "1"
    assert "authorization" not in put.headers


def test_an_upload_that_the_bucket_has_already_is_complete(page: Page, api: FakeApi) -> None:
    """Its answer was lost, and the bucket takes a program once."""
    page.route("**/bucket/**", lambda route: route.fulfill(status=412))
    drop(page, "solution.py", b"#" * 600_000)
    expect(page.locator("#attachment")).to_be_visible()
    page.get_by_label("Choose a problem").select_option("sum")
    with page.expect_request(f"**/v1/submissions/{FIRST}/uploaded"):
        page.keyboard.press("Control+Enter")

    assert not api.uploads


def test_a_file_that_workers_would_refuse_is_not_sent(page: Page, api: FakeApi) -> None:
    """The page says at once what is allowed."""
    drop(page, "solution.py", b"#" * (MAX_SOURCE_BYTES + 1))
    expect(page.locator("#attachment")).to_be_visible()
    page.get_by_label("Choose a problem").select_option("sum")
    page.keyboard.press("Control+Enter")

    text = "The program has 1048577 bytes; at most 1048576 are allowed."
    expect(page.locator("#submit-error")).to_have_text(text)
    assert not [each for each in api.calls if each.method == "POST"]


def test_a_bucket_that_refuses_the_page_is_named(page: Page, api: FakeApi) -> None:
    """The next step is the operator's: the origins that may upload are a setting of the bucket."""
    page.route("**/bucket/**", lambda route: route.abort())
    drop(page, "solution.py", b"#" * 600_000)
    expect(page.locator("#attachment")).to_be_visible()
    page.get_by_label("Choose a problem").select_option("sum")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#submit-error")).to_contain_text("could not be sent to the bucket")
    assert not [each for each in api.calls if each.path.endswith("/uploaded")]


def test_a_file_can_be_chosen_and_saved(page: Page, tmp_path: Path) -> None:
    """By the buttons, for those who do not drag."""
    (tmp_path / "mine.rs").write_text("fn main() {}\n")
    page.locator("#file").set_input_files(tmp_path / "mine.rs")
    expect(page.get_by_label("Programming language")).to_have_value("rust")
    page.get_by_label("Choose a problem").select_option("sum")

    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()

    assert download.value.suggested_filename == "sum.rs"
    assert Path(download.value.path()).read_text() == "fn main() {}\n"
