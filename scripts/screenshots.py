"""
Writes docs/images/: the page and the operator's page in Chromium, with a server of fixed answers.

Needs what the tests of the page need (`make image`), a font with Korean letters and pngquant
(`apt-get install fonts-nanum pngquant`). Run it after a change of the page, and look at the
pictures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from browser import chromium, sign_in
from fake_api import ADMIN_KEY, USER_KEY, FakeApi, a_problem, running_fake
from playwright.sync_api import Browser, Page

from grader.contract.messages import CaseResult, Grade
from grader.contract.submissions import Progress, Submission, SubmissionStatus
from grader.contract.verdicts import Fault, Verdict

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
COLOURS = "64"
WHEN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
SOURCE = """def stretch(days):
    best = sum = 0
    for day in days:
        sum = max(0, sum + day)  # an empty stretch counts as 0
        best = max(best, sum)
    return best


n = int(input())
print(stretch(map(int, input().split())))
"""
STATEMENT = """# Best stretch

Each of $n$ days has a score, which may be negative. Find the **highest sum** of consecutive days.

| input | output |
|---|---|
| `5` / `2 -1 3 -9 4` | `4` |

At most 100,000 days.
"""


def a_case(number: int, group: str, verdict: Verdict = Verdict.ACCEPTED) -> CaseResult:
    """A case of the example."""
    wrong = verdict is not Verdict.ACCEPTED
    return CaseResult(
        case=number,
        status=verdict,
        time=11 + 7 * number,
        memory=9 + number // 4,
        group=group,
        score=0 if wrong else 10,
        fault=Fault.SUBMISSION if wrong else None,
        reason="line 1: another number was expected" if wrong else None,
    )


CASES = (
    a_case(1, "sample"),
    *(a_case(number, "1-small") for number in (2, 3, 4)),
    *(a_case(number, "2-medium") for number in (5, 6)),
    a_case(7, "3-large", Verdict.WRONG_ANSWER),
)


def submission(number: int, **values: object) -> Submission:
    """A submission of the example."""
    document = {
        "request_id": f"req_{0x5F3A91C0 + 7919 * number:016x}{number:016x}",
        "status": SubmissionStatus.COMPLETED,
        "user_id": "kim",
        "problem_id": "best-stretch",
        "language": "python",
        "submitted_at": WHEN + timedelta(minutes=7 * number),
        "attempts": 1,
    }
    return Submission.model_validate(document | values)


def grade(cases: tuple[CaseResult, ...], score: int, **values: object) -> Grade:
    """Result of cases."""
    verdict = next((each.status for each in cases if each.status != "AC"), Verdict.ACCEPTED)
    return Grade(
        verdict=verdict,
        score=score,
        execution_time=sum(each.time for each in cases),
        memory_usage=max(each.memory for each in cases),
        test_results=cases,
        cases_total=len(CASES),
        **values,
    )


def fill(api: FakeApi) -> Submission:
    """Give the server problems and a history; the last submission is still running."""
    api.problems = [
        a_problem("best-stretch", "Best stretch", has_statement=True),
        a_problem("shortest-path", "Shortest path"),
        a_problem("sum", "Sum of numbers", has_statement=True),
        a_problem("two-numbers", "Two numbers"),
    ]
    api.statements = {"best-stretch": STATEMENT}
    tip = "256 MB of memory asked, 10 MB used: 32 MB would do."
    finished = WHEN + timedelta(minutes=14, seconds=2)
    documents = [
        submission(0, result=grade(CASES[:1], 100), problem_id="sum", language="cpp"),
        submission(1, result=grade(CASES[:6], 100, optimization_tip=tip), problem_id="two-numbers"),
        submission(2, result=grade(CASES, 60), finished_at=finished),
    ]
    for each in documents:
        api.documents[each.request_id] = [each]
    progress = Progress(
        phase="running", cases_done=4, cases_total=len(CASES), test_results=CASES[:4]
    )
    running = submission(3, status=SubmissionStatus.RUNNING, progress=progress)
    api.documents[running.request_id] = [running]
    api.overview = overview(documents[0].request_id)
    return running


def overview(request_id: str) -> dict[str, Any]:
    """State of an environment for the operator's page."""
    failure = {
        "requestId": request_id,
        "userId": "lee",
        "problemId": "shortest-path",
        "code": "CHECKER_FAILED",
        "message": "the output validator ended with exit code 1",
        "at": WHEN.isoformat(),
    }
    return {
        "queues": [
            {"name": "grading-requests", "waiting": 41, "inFlight": 4, "consumers": 2},
            {"name": "grading-requests-priority", "waiting": 0, "inFlight": 0, "consumers": 2},
            {"name": "grading-dlq", "waiting": 1, "inFlight": 0, "consumers": 0},
        ],
        "workers": [
            {"workerId": "exams-worker-1", "running": 2, "lastSeenAt": WHEN.isoformat()},
            {"workerId": "exams-worker-2", "running": 2, "lastSeenAt": WHEN.isoformat()},
        ],
        "failures": [failure],
        "away": [],
        "commands": [
            {"title": "State of the environment", "command": "gradectl status exams"},
            {"title": "Follow a request", "command": f"gradectl queue trace -e exams {request_id}"},
        ],
    }


def open_page(page: Page, api: FakeApi, request_id: str, locale: str) -> None:
    """Show a submission next to its program."""
    sign_in(page, api.url, USER_KEY, f"/#/submission/{request_id}")
    page.wait_for_selector("#editor[data-ready=yes]")
    page.locator("#problem").select_option("best-stretch")
    page.locator("#source").fill(SOURCE)
    page.locator("#locale").select_option(locale)
    page.wait_for_selector(f"html[lang={locale}]")
    page.wait_for_selector(".cases")
    page.wait_for_selector("#statement:not([hidden])")
    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")


def shoot(browser: Browser, api: FakeApi, folder: Path) -> None:
    """Write the pictures."""
    running = fill(api)
    graded = list(api.documents)[2]
    size = {"width": 1100, "height": 800}
    for name, request_id, locale, scheme in (
        ("page", graded, "en", "light"),
        ("page-running-dark-ko", running.request_id, "ko", "dark"),
    ):
        context = browser.new_context(viewport=size, color_scheme=scheme, timezone_id="UTC")
        page = context.new_page()
        open_page(page, api, request_id, locale)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        context.close()
    context = browser.new_context(viewport=size, color_scheme="light", timezone_id="UTC")
    page = context.new_page()
    page.clock.set_fixed_time(WHEN)
    sign_in(page, api.url, ADMIN_KEY, "/operator")
    page.wait_for_selector("#commands li")
    page.screenshot(path=folder / "operator.png", full_page=True)
    context.close()


def main() -> None:
    """Write the pictures to a folder, by default docs/images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with running_fake() as api, chromium() as browser:
        shoot(browser, api, folder)
    for path in sorted(folder.glob("*.png")):
        smaller = ["pngquant", "--force", "--ext", ".png", "--strip", "--speed", "1", COLOURS]
        subprocess.run([*smaller, path], check=True)
        sys.stdout.write(f"{path}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
