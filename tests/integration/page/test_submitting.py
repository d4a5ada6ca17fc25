"""A user in front of the page at `/`, in a real browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from browser import Watched, sign_in
from fake_api import ADMIN_KEY, FIRST, SERVICE_KEY, USER_KEY, FakeApi, running_fake, sent
from playwright.sync_api import BrowserContext, Page, expect

from grader.api.errors import ApiError, Kind
from grader.contract.functions import FunctionAnswer, FunctionStatus
from grader.contract.messages import CaseResult, Failure, Grade
from grader.contract.submissions import Progress, QueuePosition, Submission, SubmissionStatus
from grader.contract.verdicts import ErrorCode, Verdict
from grader.judge.optimization_tip import optimization_tip
from grader.sandbox.runs import RunLimits

pytestmark = pytest.mark.engine

EVENTS = f"/v1/submissions/{FIRST}/events"
WITHOUT_WORKER = QueuePosition(
    name="grading-requests",
    position=3,
    waiting=7,
    consumers=0,
    note="no worker runs",
    note_code="NO_WORKER",
)


def a_case(number: int, verdict: Verdict = Verdict.ACCEPTED) -> CaseResult:
    return CaseResult(case=number, status=verdict, time=10 * number, memory=9)


def changed(api: FakeApi, **values: Any) -> Submission:
    first = api.documents[FIRST][0]
    assert isinstance(first, Submission)
    return first.model_copy(update=values)


def running(api: FakeApi, cases: Sequence[CaseResult], total: int) -> Submission:
    progress = Progress(
        phase="running", cases_done=len(cases), cases_total=total, test_results=tuple(cases)
    )
    return changed(api, status=SubmissionStatus.RUNNING, progress=progress)


def graded(api: FakeApi, cases: Sequence[CaseResult], **values: Any) -> Submission:
    verdict = next((each.status for each in cases if each.status != "AC"), Verdict.ACCEPTED)
    grade = Grade(
        verdict=verdict,
        score=sum(each.status == "AC" for each in cases) * 100 // len(cases),
        execution_time=60,
        memory_usage=9,
        test_results=tuple(cases),
        **values,
    )
    return changed(api, status=SubmissionStatus.COMPLETED, result=grade)


def tip(time_ms: int, memory_mb: int) -> str | None:
    """What a worker suggests after a case with 5 s and 256 MB."""
    case = CaseResult(case=1, status=Verdict.ACCEPTED, time=time_ms, memory=memory_mb)
    grade = Grade(
        verdict=case.status,
        score=100,
        execution_time=time_ms,
        memory_usage=memory_mb,
        test_results=(case,),
    )
    return optimization_tip(grade, RunLimits(5000, 9000, 256, 1 << 20, 16, True))


def answered(request_id: str, **changes: Any) -> FunctionAnswer:
    values = {"status": FunctionStatus.SUCCESS, "exit_code": 0, "stdout": "", "stderr": ""}
    return FunctionAnswer(
        request_id=request_id,
        function_id="hello",
        duration_millis=5,
        peak_memory_bytes=1,
        peak_memory_mb=1,
        **{**values, **changes},
    )


def submit(page: Page, source: str = "print(7)", problem: str = "sum") -> None:
    page.get_by_label("Choose a problem").select_option(problem)
    page.get_by_label("Source").fill(source)
    page.get_by_role("button", name="Submit", exact=True).click()


def test_the_verdict_comes_in_case_by_case(page: Page, api: FakeApi) -> None:
    """Each case is shown when it ends, the final document replaces them, and the tip is there."""
    submit(page)
    api.wait_for("GET", EVENTS)
    rows = page.locator(".cases tbody tr")

    api.push(running(api, [a_case(1)], 3))
    expect(rows).to_have_count(1)
    api.push(running(api, [a_case(2)], 3))
    expect(rows).to_have_count(2)
    expect(page.get_by_text("2 of 3 cases")).to_be_visible()
    cases = [a_case(1), a_case(2), a_case(3, Verdict.WRONG_ANSWER)]
    api.push(graded(api, cases, optimization_tip="32 MB would do"))

    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("Wrong answer (WA)")
    expect(page.locator("#result-body .tip")).to_contain_text("32 MB would do")
    expect(page.locator("#announcer")).to_have_text("Wrong answer, 66 of 100 points.")
    expect(page.locator("#history")).to_contain_text("Wrong answer (WA)")


def test_a_lost_stream_is_resumed_where_it_was(page: Page, api: FakeApi) -> None:
    """With Last-Event-ID, so nothing is sent twice and nothing is missed."""
    submit(page)
    api.wait_for("GET", EVENTS)
    api.push(running(api, [a_case(1)], 2))
    expect(page.locator(".cases tbody tr")).to_have_count(1)

    api.cut()
    again = api.wait_for("GET", EVENTS, 2)
    api.push(graded(api, [a_case(1), a_case(2)]))

    expect(page.locator("#result-body")).to_contain_text("Accepted (AC)")
    assert again.headers["last-event-id"] == "2"


def test_without_a_stream_the_page_asks_from_time_to_time(page: Page, api: FakeApi) -> None:
    """Where too many streams are open, the result still comes."""
    refusal = ApiError(Kind.BUSY, "too many event streams are open", retry_after=1)
    api.errors[f"GET {EVENTS}"] = [refusal, refusal]
    submit(page)
    api.wait_for("GET", EVENTS)
    api.push(graded(api, [a_case(1)]))

    expect(page.locator("#result-body")).to_contain_text("Accepted (AC)")
    api.wait_for("GET", f"/v1/submissions/{FIRST}")


def test_a_waiting_submission_tells_its_place_and_why(page: Page, api: FakeApi) -> None:
    """Position, number of workers and the note, on the screen and for a screen reader."""
    submit(page)
    api.wait_for("GET", EVENTS)

    api.push(changed(api, queue=WITHOUT_WORKER))

    text = "Place 3 of 7 in the queue · workers: 0 · no worker runs"
    expect(page.locator("#result-body")).to_contain_text(text)
    expect(page.locator("#announcer")).to_have_text(text)


def test_a_refused_submission_is_sent_again_with_the_same_key(page: Page, api: FakeApi) -> None:
    """A full queue is said with its Retry-After; however often it is sent, it is one submission."""
    full = ApiError(
        Kind.QUEUE_FULL, "500 submissions wait", next_step="wait a moment", retry_after=1
    )
    api.errors["POST /v1/submissions"] = [full]
    submit(page)
    page.keyboard.press("Control+Enter")

    expect(page.locator("#submit-error")).to_contain_text("500 submissions wait · wait a moment")
    api.wait_for("GET", EVENTS)

    calls = [each for each in api.calls if each.method == "POST"]
    assert len({each.headers["idempotency-key"] for each in calls}) == 1
    assert len(calls) == 2
    expect(page.locator("#submit-error")).to_have_text("")


def test_the_error_of_the_server_is_shown_with_its_next_step(page: Page, api: FakeApi) -> None:
    """In its own words, for each wrong field; the program stays."""
    api.errors["POST /v1/submissions"] = [
        ApiError(Kind.BODY_TOO_LARGE, "the body has 3 MB", next_step="ask for an upload URL")
    ]
    submit(page, "print(1)")

    expect(page.locator("#submit-error")).to_have_text("the body has 3 MB · ask for an upload URL")
    expect(page.get_by_label("Source")).to_have_value("print(1)")


def test_a_korean_page_says_why_in_korean(page: Page, api: FakeApi) -> None:
    """Why a submission waits or was refused, and the tip; with what only the server says."""
    page.locator("#locale").select_option("ko")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    detail = "the key has not the scope submit"
    api.errors["POST /v1/submissions"] = [ApiError(Kind.FORBIDDEN, detail, next_step="ask")]
    page.locator("#problem").select_option("sum")
    page.locator("#source").fill("print(7)")
    page.keyboard.press("Control+Enter")
    text = f"이 키에는 필요한 권한이 없습니다. 운영자에게 요청하세요. · {detail}"
    expect(page.locator("#submit-error")).to_have_text(text)

    page.keyboard.press("Control+Enter")
    api.wait_for("GET", EVENTS)
    api.push(changed(api, queue=WITHOUT_WORKER))
    waiting = "대기열 7개 중 3번째 · 워커 0개 · 실행 중인 워커가 없습니다."
    expect(page.locator("#result-body")).to_contain_text(waiting)
    expect(page.locator("#announcer")).to_contain_text(waiting)

    api.push(graded(api, [a_case(1)], optimization_tip=tip(time_ms=20, memory_mb=6)))
    expect(page.locator(".tip")).to_have_text(
        "도움말: 메모리 제한은 256 MB인데 6 MB만 사용했습니다. 16 MB면 충분합니다. "
        "CPU 시간 제한은 5000 ms인데 20 ms만 사용했습니다. 100 ms면 충분합니다."
    )


def test_a_submission_is_possible_with_the_keyboard_alone(tab: Watched, api: FakeApi) -> None:
    """From the key to the verdict; Tab indents in the editor, and Escape lets it go on."""
    page = tab.page
    page.goto(api.url)
    page.wait_for_selector("#sign-in:not([hidden])")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(USER_KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector("#editor[data-ready=yes]")

    page.keyboard.press("Tab")
    page.keyboard.type("numbers")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Choose a problem")).to_be_focused()
    expect(page.get_by_label("Choose a problem")).to_have_value("sum")
    expect(page.locator("#statement")).to_be_visible()
    while not page.evaluate("document.activeElement.id === 'source'"):
        page.keyboard.press("Tab")
    page.keyboard.type("if True:\npass")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    page.keyboard.press("Control+Enter")

    body = sent(api)
    assert (body["problemId"], body["language"]) == ("sum", "python")
    assert body["source"].startswith("if True:\n    pass")
    api.wait_for("GET", EVENTS)
    api.push(graded(api, [a_case(1)]))
    expect(page.locator("#result")).to_be_focused()


def test_a_long_text_loses_its_colours_and_gets_them_back(page: Page) -> None:
    """The editor colours all of the text at each key, so it stops where that would be slow."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('print(1)\\n'.repeat(7000))")
    page.get_by_label("Source").focus()
    page.keyboard.press("Control+v")
    expect(page.locator(".language-text")).to_be_visible()
    assert page.locator(".token").count() == 0

    page.keyboard.press("Control+a")
    page.keyboard.type("print(2)")

    expect(page.locator(".language-python .token.number")).to_have_text("2")


def test_without_the_editor_the_page_has_a_text_area(
    context: BrowserContext, tmp_path: Path
) -> None:
    """Where npm is missing on the server, all else works."""
    with running_fake(tmp_path) as api:
        watched = Watched(context.new_page(), api.url)
        sign_in(watched.page, api.url, USER_KEY)
        submit(watched.page, "print(2)")
        api.wait_for("GET", EVENTS)
        api.push(graded(api, [a_case(1)]))

        expect(watched.page.locator("#result-body")).to_contain_text("Accepted (AC)")
        assert sent(api)["source"] == "print(2)"
        assert not watched.page.locator(".prism-code-editor").count()
        assert watched.faults == []


def test_an_editor_that_does_not_load_leaves_the_text_area(tab: Watched, api: FakeApi) -> None:
    """For example behind a proxy that refuses its files; what was typed stays."""
    tab.page.route("**/editor/**", lambda route: route.abort())
    sign_in(tab.page, api.url, USER_KEY)
    tab.page.wait_for_selector("#editor[data-ready=no]")

    submit(tab.page, "print(3)")

    assert sent(api)["source"] == "print(3)"


def test_a_failed_submission_shows_its_reason(page: Page, api: FakeApi) -> None:
    """With the code, which support asks for."""
    submit(page)
    api.wait_for("GET", EVENTS)
    failure = Failure(code=ErrorCode.TEST_CASES_NOT_FOUND, message="the problem has no test cases")
    api.push(changed(api, status=SubmissionStatus.FAILED, error=failure))

    expect(page.locator("#result-body")).to_contain_text(
        "the problem has no test cases (TEST_CASES_NOT_FOUND)"
    )
    expect(page.locator("#announcer")).to_have_text("Not graded: the problem has no test cases")
    page.locator("#locale").select_option("ko")
    expect(page.locator("#result-body")).to_contain_text(
        "문제에 테스트 케이스가 없습니다. · the problem has no test cases (TEST_CASES_NOT_FOUND)"
    )


def test_a_run_of_a_function_is_followed_to_its_answer(tab: Watched, api: FakeApi) -> None:
    """Also from a link that is opened while it waits."""
    waiting = Submission(
        request_id="run_1",
        status=SubmissionStatus.QUEUED,
        user_id="kim",
        problem_id="",
        language="",
        function_id="hello",
        queue=QueuePosition(name="grading-requests", waiting=7),
    )
    api.documents["run_1"] = [waiting]
    sign_in(tab.page, api.url, USER_KEY, "/#/submission/run_1")
    result = tab.page.locator("#result-body")
    expect(result).to_contain_text("Waiting in the queue: 7")
    expect(result).to_contain_text("hello")

    api.push(answered("run_1", stdout="done"))

    expect(result).to_contain_text("Succeeded (SUCCESS)")
    expect(tab.page.locator("#announcer")).to_have_text("hello: Succeeded")


def test_a_link_to_a_submission_opens_it(tab: Watched, api: FakeApi) -> None:
    """Also the run of a function; an unknown one is answered with the words of the server."""
    failed = {"status": FunctionStatus.FAILURE, "exit_code": 3, "stderr": "<b>err</b>"}
    api.documents["run_1"] = [answered("run_1", **failed)]
    sign_in(tab.page, api.url, USER_KEY, "/#/submission/run_1")
    expect(tab.page.locator("#result-body")).to_contain_text("<b>err</b>")

    tab.page.goto(f"{api.url}/#/submission/req_other")
    expect(tab.page.locator("#result-body")).to_contain_text("submission req_other not found")


def test_the_history_has_what_waits_also_after_the_tab_was_closed(page: Page, api: FakeApi) -> None:
    """The browser keeps its id until a worker takes it, for this user only."""
    submit(page)
    row = page.get_by_role("row").filter(has_text=FIRST)
    expect(row).to_contain_text("Queued")
    kept = "localStorage.getItem('grading.pending.kim')"
    assert page.evaluate(kept) == FIRST

    again = page.context.new_page()
    page.close()
    sign_in(again, api.url, ADMIN_KEY)
    expect(again.locator("#history-note")).to_have_text("There are no submissions yet.")
    again.get_by_role("button", name="Forget the key").click()
    sign_in(again, api.url, USER_KEY)
    expect(again.get_by_role("row").filter(has_text=FIRST)).to_contain_text("Queued")

    again.get_by_role("button", name=f"Show {FIRST}").click()
    api.wait_for("GET", EVENTS, 2)
    api.push(graded(api, [a_case(1)]))
    expect(again.get_by_role("row").filter(has_text=FIRST)).to_contain_text("Accepted (AC)")
    again.wait_for_function(f"{kept} === null")


def test_the_history_goes_back_page_by_page(tab: Watched, api: FakeApi) -> None:
    """The newest first; a row opens its submission."""
    for number in range(1, 26):
        request_id = f"req_{number:032x}"
        api.documents[request_id] = [
            Submission(
                request_id=request_id,
                status=SubmissionStatus.COMPLETED,
                user_id="kim",
                problem_id="sum",
                language="python",
                result=Grade(
                    verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=number
                ),
            )
        ]
    sign_in(tab.page, api.url, USER_KEY)
    rows = tab.page.locator("#history tr")
    expect(rows).to_have_count(20)

    tab.page.get_by_role("button", name="Older ones").click()
    expect(rows).to_have_count(25)
    expect(tab.page.get_by_role("button", name="Older ones")).to_be_hidden()
    tab.page.get_by_role("button", name=f"Show {FIRST}").click()

    expect(tab.page.locator("#result-body")).to_contain_text("1 MB")


def test_the_limits_are_those_of_the_problem_unless_some_are_entered(
    page: Page, api: FakeApi
) -> None:
    """A user sees them, and may lower them; the urgent queue is not for users."""
    page.get_by_label("Choose a problem").select_option("sum")
    page.locator("summary").click()
    memory = page.get_by_label("MB per case")
    expect(memory).to_have_attribute("placeholder", "256")
    expect(memory).to_have_attribute("max", "256")
    expect(page.locator("#urgent-field")).to_be_hidden()
    memory.fill("64")
    submit(page)

    body = sent(api)
    assert body["memoryLimit"] == 64
    assert "timeLimit" not in body
    assert body["priority"] is False


def test_a_service_key_names_the_user(tab: Watched, api: FakeApi) -> None:
    """A key without a user of its own submits for one, and says so before it calls the server."""
    sign_in(tab.page, api.url, SERVICE_KEY)
    submit(tab.page)
    expect(tab.page.locator("#submit-error")).to_have_text("Name the user who submits.")

    tab.page.get_by_label("User who submits").fill("lee")
    tab.page.locator("summary").click()
    expect(tab.page.get_by_label("MB per case")).to_have_attribute("max", "")
    tab.page.get_by_label("Urgent").check()
    tab.page.get_by_role("button", name="Submit", exact=True).click()

    body = sent(api)
    assert (body["userId"], body["priority"]) == ("lee", True)


def test_a_key_lasts_for_the_session_unless_its_user_chooses_more(
    tab: Watched, api: FakeApi
) -> None:
    """It is in the session's storage only; forgetting it removes it from both."""
    page = tab.page
    sign_in(page, api.url, USER_KEY)
    keys = "[sessionStorage.getItem('grading.key'), localStorage.getItem('grading.key')]"
    assert page.evaluate(keys) == [USER_KEY, None]
    page.reload()
    page.wait_for_selector("#work:not([hidden])")

    page.get_by_role("button", name="Forget the key").click()
    page.wait_for_selector("#sign-in:not([hidden])")
    assert page.evaluate(keys) == [None, None]
    page.get_by_label("Keep it on this device").check()
    page.get_by_label("Key", exact=True).fill(USER_KEY)
    page.get_by_role("button", name="Use this key").click()
    page.wait_for_selector("#work:not([hidden])")

    assert page.evaluate(keys) == [None, USER_KEY]


def test_a_wrong_or_revoked_key_is_asked_for_again(tab: Watched, api: FakeApi) -> None:
    """At the start, and in the middle of the work."""
    page = tab.page
    page.goto(api.url)
    page.get_by_label("Key", exact=True).fill("gk_wrong")
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("#key-error")).to_contain_text("the key is unknown")

    sign_in(page, api.url, USER_KEY)
    api.errors["POST /v1/submissions"] = [ApiError(Kind.UNAUTHENTICATED, "the key was revoked")]
    submit(page)

    expect(page.locator("#key-error")).to_contain_text("the key was revoked")
    expect(page.locator("#work")).to_be_hidden()


def test_search_finds_problems_by_words_of_title_or_id(page: Page) -> None:
    """Case does not matter, and a single match is chosen."""
    page.get_by_label("Search").fill("PATH short")

    expect(page.locator("#problem option")).to_have_text(["Shortest path (shortest-path)"])
    expect(page.get_by_label("Choose a problem")).to_have_value("shortest-path")
    expect(page.locator("#found")).to_have_text("1 of 3 problems")
