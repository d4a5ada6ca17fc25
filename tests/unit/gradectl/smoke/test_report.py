"""The report of a smoke test: percentiles, failures, and JUnit XML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from gradectl.smoke.junit import junit, junit_of_error
from gradectl.smoke.probe import divided
from gradectl.smoke.report import (
    FAILED,
    GRADE,
    GRADING,
    NOT_OBSERVABLE,
    POISON,
    PRIORITY,
    QUEUE_WAIT,
    ROW,
    SEND,
    CheckResult,
    DeadLetters,
    Hop,
    ProbeResult,
    SmokeReport,
    latencies,
)
from grader.ports.jobs import JobRecord


def probe(number: int, *, reason: str = "") -> ProbeResult:
    """A job whose only hop took `number` ms."""
    failed = {"failed_hop": ROW, "reason": reason} if reason else {}
    return ProbeResult("q", f"smoke-{number}", (Hop(SEND, number),), "message", **failed)


def report(*probes: ProbeResult, checks: tuple[CheckResult, ...] = ()) -> SmokeReport:
    return SmokeReport("smoke-1", probes, DeadLetters(0, 0), checks=checks)


def test_percentiles_are_samples() -> None:
    """The 95th of 100 is the 95th, not an interpolation."""
    send, total = latencies([probe(number) for number in range(100, 0, -1)])

    assert (send.queue, send.hop, send.n) == ("q", SEND, 100)
    assert (send.p50_ms, send.p95_ms, send.max_ms) == (50, 95, 100)
    assert (total.hop, total.p50_ms) == ("total", 50)


def test_few_samples_have_no_95th_percentile() -> None:
    """It would be the maximum under another name."""
    (few, _), (enough, _) = (latencies([probe(each) for each in range(n)]) for n in (19, 20))

    assert (few.n, few.p95_ms) == (19, None)
    assert (enough.n, enough.p95_ms) == (20, 18)


def test_failed_jobs_do_not_count_as_latencies() -> None:
    """A job that failed early would look fast."""
    assert [each.n for each in latencies([probe(1), probe(2, reason="no")])] == [1, 1]
    assert latencies([probe(2, reason="no")]) == []


def test_many_failures_are_summarized() -> None:
    """The first are told, the others counted."""
    lines = report(*(probe(each, reason="no row") for each in range(8))).failure.splitlines()

    assert len(lines) == 6
    assert lines[-1] == "3 more jobs failed"


def row(seconds: float | None) -> JobRecord:
    """A row whose result was saved so long after its claim."""
    claimed = datetime(2026, 1, 1, tzinfo=UTC)
    saved = None if seconds is None else claimed + timedelta(seconds=seconds)
    return JobRecord("r", "completed", 1, "w", "q", None, saved, claimed if saved else None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.03, [(QUEUE_WAIT, 70), (GRADING, 30)]),
        (0.2, [(QUEUE_WAIT, 0), (GRADING, 100)]),  # the row is saved after the result is stored
        (-0.2, [(QUEUE_WAIT, 100), (GRADING, 0)]),  # the clock was set back meanwhile
        (None, [(GRADE, 100)]),
    ],
)
def test_the_row_divides_the_time_until_the_result(
    seconds: float | None, expected: list[tuple[str, int]]
) -> None:
    """Into waiting and grading, whose sum remains."""
    hops = divided([Hop(SEND, 1), Hop(GRADE, 100), Hop(ROW, 2)], row(seconds))

    assert [(hop.name, round(hop.ms)) for hop in hops] == [(SEND, 1), *expected, (ROW, 2)]


def test_junit_has_a_case_for_each_job_and_check() -> None:
    """Failures, skipped checks and sums as the usual readers expect them."""
    checks = (
        CheckResult(PRIORITY, NOT_OBSERVABLE, "workers were idle", 5.0),
        CheckResult(POISON, FAILED, "wrong reason", 7.0),
    )
    suites = ET.fromstring(junit(report(probe(1), probe(2, reason="no row"), checks=checks), "dev"))

    (suite,) = suites
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    assert {key: [child.tag for child in case] for key, case in cases.items()} == {
        ("q", "job 1"): [],
        ("q", "job 2"): ["failure"],
        ("checks", PRIORITY): ["skipped"],
        ("checks", POISON): ["failure"],
        ("traces", "no dead letters"): [],
        ("traces", "nothing left behind"): [],
    }
    for element in (suites, suite):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "6", "failures": "2", "errors": "0", "skipped": "1"}
    assert "q send: n=1 p50=1.0 ms max=1.0 ms" in suite.findtext("system-out", "")


def test_junit_escapes_what_others_have_written() -> None:
    """Error texts quote messages and names; XML has no control characters at all."""
    text = '\x1b[31m \x00 \ufffe \ud800 <failure> ]]> & " \n'
    document = junit(report(probe(1, reason=text)), "dev")

    (failure,) = ET.fromstring(document.encode()).iter("failure")
    assert "\\x1b[31m \\x00" in (failure.text or "")
    assert '<failure> ]]> & "' in (failure.text or "")


def test_an_error_is_a_test_case_of_its_own() -> None:
    """A pipeline shows that the environment could not be tested."""
    suites = ET.fromstring(junit_of_error("the broker does not answer", "dev"))

    (error,) = suites.iter("error")
    assert error.get("message") == "the broker does not answer"
    assert (suites.get("tests"), suites.get("errors")) == ("1", "1")
