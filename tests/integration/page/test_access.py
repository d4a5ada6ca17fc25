"""Who reads, hears, zooms or attacks the page; and where it may call."""

from __future__ import annotations

from typing import Any

import pytest
from browser import Watched, sign_in, violations
from fake_api import ADMIN_KEY, USER_KEY, FakeApi, a_problem
from playwright.sync_api import Browser, Page, expect

from grader.contract.messages import CaseResult, Grade
from grader.contract.submissions import Submission, SubmissionStatus
from grader.contract.verdicts import Verdict

pytestmark = pytest.mark.engine

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>'\"><svg onload=alert(3)>"
HOSTILE_MARKDOWN = """# <script>alert(1)</script>

[link](javascript:alert(1)) [data](data:text/html,<script>alert(1)</script>)
![x](https://example.com/track.png) <iframe src="https://example.com"></iframe>
**<img src=x onerror=alert(1)>** `<svg onload=alert(1)>` [a](vbscript:x "t")

| <b>a</b> | b |
|---|---|
| <a href="javascript:alert(1)">x</a> | [y](JAVASCRIPT:alert(1)) |

> - 1. > - nested
"""


def hostile(request_id: str = "req_h") -> Submission:
    """A submission in which every text is an attack."""
    case = CaseResult(
        case=1,
        status=Verdict.WRONG_ANSWER,
        time=1,
        memory=1,
        group=HOSTILE,
        reason=HOSTILE,
    )
    grade = Grade(
        verdict=Verdict.WRONG_ANSWER,
        score=0,
        execution_time=1,
        memory_usage=1,
        test_results=(case,),
        message=HOSTILE,
        reason=HOSTILE,
        optimization_tip=HOSTILE,
    )
    return Submission(
        request_id=request_id,
        status=SubmissionStatus.COMPLETED,
        user_id=HOSTILE,
        problem_id=HOSTILE,
        language=HOSTILE,
        result=grade,
    )


def choose(page: Page, theme: str, locale: str) -> None:
    page.locator("#theme").select_option(theme)
    page.locator("#locale").select_option(locale)
    expect(page.locator("html")).to_have_attribute("lang", locale)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_axe_finds_nothing(tab: Watched, api: FakeApi, theme: str, locale: str) -> None:
    """On the form of the key, on the page with a result, an error and a history."""
    page = tab.page
    api.documents["req_h"] = [hostile()]
    page.goto(api.url)
    page.wait_for_selector("#sign-in:not([hidden])")
    choose(page, theme, locale)
    found = violations(page)
    page.locator("#key").fill(USER_KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector("#editor[data-ready=yes]")
    page.locator("#problem").select_option("sum")
    page.locator("#statement").wait_for()
    page.locator("#source").fill("# comment\nprint(sum(map(int, ['1', 2])), True)\n")
    page.locator("summary").click()
    page.locator("#history button").first.click()
    page.locator(".cases").wait_for()
    page.locator("#problem").evaluate("each => { each.selectedIndex = -1; }")
    page.locator("#submit").click()
    expect(page.locator("#submit-error")).not_to_be_empty()

    found += violations(page)

    assert found == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_axe_finds_nothing_on_the_operators_page(
    tab: Watched, api: FakeApi, theme: str, locale: str
) -> None:
    """With rows in each table and commands."""
    api.overview = overview()
    sign_in(tab.page, api.url, ADMIN_KEY, "/operator")
    choose(tab.page, theme, locale)
    expect(tab.page.locator("#workers tr")).to_have_count(1)

    assert violations(tab.page) == []


def overview() -> dict[str, Any]:
    """State of a small environment."""
    return {
        "queues": [{"name": "grading-requests", "waiting": 12, "inFlight": 2, "consumers": 1}],
        "workers": [{"workerId": "w-1", "running": 2, "lastSeenAt": "2026-03-14T09:26:53Z"}],
        "failures": [
            {
                "requestId": "req_9",
                "userId": HOSTILE,
                "problemId": "sum",
                "code": "CHECKER_FAILED",
                "message": HOSTILE,
                "at": "2026-03-14T09:26:53Z",
            }
        ],
        "away": [],
        "commands": [
            {"title": "State of the environment", "command": "gradectl status exams"},
            {"title": "Follow a request", "command": "gradectl queue trace REQUEST"},
        ],
    }


def test_the_operator_sees_queues_workers_failures_and_commands(tab: Watched, api: FakeApi) -> None:
    """The tables follow the server, also if a part is away; a command is copied by its button."""
    api.overview = overview()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(tab.page, api.url, ADMIN_KEY, "/operator")
    expect(tab.page.locator("#queues")).to_contain_text("grading-requests")
    expect(tab.page.locator("#failures")).to_contain_text(HOSTILE)

    tab.page.get_by_role("button", name="Copy: gradectl status exams").click()
    expect(tab.page.locator("#announcer")).to_have_text("Copied: gradectl status exams")
    assert tab.page.evaluate("navigator.clipboard.readText()") == "gradectl status exams"

    api.overview["queues"] = []
    del api.overview["workers"]
    api.overview["away"] = ["database"]
    expect(tab.page.locator("#queues")).to_have_text("None.", timeout=15_000)
    expect(tab.page.locator("#workers")).to_have_text("Not known at the moment.")
    expect(tab.page.locator("#overview-error")).to_have_text("The database does not answer.")


def test_the_operators_page_refuses_other_keys(tab: Watched, api: FakeApi) -> None:
    """With words, and without a table; the page for users has no link to it."""
    tab.page.goto(f"{api.url}/operator")
    tab.page.get_by_label("Key", exact=True).fill(USER_KEY)
    tab.page.get_by_role("button", name="Use this key").click()
    expect(tab.page.locator("#refused")).to_contain_text("This key has not the scope admin.")
    expect(tab.page.locator("#work")).to_be_hidden()

    tab.page.goto(api.url)
    tab.page.wait_for_selector("#work:not([hidden])")

    expect(tab.page.locator("#operator-link")).to_be_hidden()


def test_text_of_others_stays_text(tab: Watched, api: FakeApi) -> None:
    """Titles, statements, messages and names become neither elements nor scripts."""
    api.problems = [a_problem("evil", HOSTILE, has_statement=True)]
    api.statements = {"evil": HOSTILE_MARKDOWN}
    api.documents["req_h"] = [hostile()]
    page = tab.page
    sign_in(page, api.url, USER_KEY)
    page.locator("#problem").select_option("evil")
    page.locator("#statement").wait_for()
    page.locator("#history button").click()
    page.locator(".cases").wait_for()

    expect(page.locator("#problem option")).to_have_text(f"{HOSTILE} (evil)")
    expect(page.locator("#result-body pre")).to_have_text(HOSTILE)
    assert page.locator("main :is(img, script, svg, iframe, b)").count() == 0
    targets = page.locator("main a[href]").evaluate_all("all => all.map(each => each.href)")
    assert targets == [f"{api.url}/#/submission/req_h"]


@pytest.mark.parametrize(
    ("attack", "directive"),
    [
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
            "script-src-elem",
        ),
        ("document.body.innerHTML += '<p onclick=alert(1)>x</p>'", "script-src-attr"),
        ("document.body.innerHTML += '<p style=color:red>x</p>'", "style-src-attr"),
        ("new Image().src = 'https://example.com/x.png'", "img-src"),
        ("fetch('https://example.com/').catch(() => 0)", "connect-src"),
        (
            "document.body.append(Object.assign(document.createElement('iframe'), {src: '/'}))",
            "frame-src",
        ),
    ],
)
def test_the_policy_refuses_what_the_page_does_not_need(
    browser: Browser, api: FakeApi, attack: str, directive: str
) -> None:
    """A second line of defence: an attack that got into the page runs nothing and calls no host."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(api.url)
    page.wait_for_selector("#sign-in:not([hidden])")
    listen = "document.addEventListener('securitypolicyviolation', (each) => done(each))"
    refused = page.evaluate(
        f"new Promise((done) => {{ {listen}; {attack}; }}).then((each) => each.effectiveDirective)"
    )

    assert refused == directive
    context.close()


@pytest.mark.parametrize("path", ["/", "/operator"])
def test_a_screen_of_320_pixels_has_no_sideways_scrolling(
    browser: Browser, api: FakeApi, path: str
) -> None:
    """Also with long names; only tables scroll, in themselves (WCAG 1.4.10)."""
    api.overview = overview()
    long = "req_" + "h" * 60
    api.documents[long] = [hostile(long)]
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    sign_in(page, api.url, ADMIN_KEY, path)
    if path == "/":
        page.locator("#history button").click()
        page.locator(".cases").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") == 320
    context.close()


def test_the_page_follows_the_system_and_keeps_a_choice(tab: Watched, api: FakeApi) -> None:
    """Colours and language; a choice is there before the first paint after a reload."""
    page = tab.page
    colour = "getComputedStyle(document.body).backgroundColor"
    page.goto(api.url)
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light

    page.locator("#theme").select_option("light")
    page.locator("#locale").select_option("ko")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    page.reload()

    assert page.evaluate(colour) == light
    expect(page.locator("#locale")).to_have_value("ko")
    expect(page).to_have_title("채점")


def test_korean_comes_from_the_browser(browser: Browser, api: FakeApi) -> None:
    """Without a choice, by the languages of the browser."""
    context = browser.new_context(locale="ko-KR")
    page = context.new_page()
    page.goto(api.url)

    expect(page.get_by_role("button", name="이 키 사용")).to_be_visible()
    context.close()
