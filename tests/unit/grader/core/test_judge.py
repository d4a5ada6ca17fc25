"""From a measurement to a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.runs import RunLimits, RunOutcome, StopReason
from grader.contract.verdicts import Verdict
from grader.core.judge import case_result, describe, fault

LIMITS = RunLimits(
    cpu_ms=1000,
    wall_ms=3000,
    memory_mb=64,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=True,
)
OUTCOMES = st.builds(
    RunOutcome,
    reason=st.sampled_from(StopReason),
    exit_code=st.integers(0, 255),
    signal=st.integers(0, 64),
    cpu_us=st.integers(0, 2_000_000),
    wall_us=st.integers(0, 4_000_000),
    peak_kb=st.integers(0, 128 << 10),
)


def outcome(
    reason: StopReason = StopReason.ENDED,
    *,
    exit_code: int = 0,
    signal: int = 0,
    cpu_us: int = 1000,
    peak_kb: int = 1000,
) -> RunOutcome:
    return RunOutcome(reason, exit_code, signal, cpu_us, wall_us=2000, peak_kb=peak_kb)


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        (StopReason.CPU, Verdict.TIME_LIMIT_EXCEEDED),
        (StopReason.WALL, Verdict.TIME_LIMIT_EXCEEDED),
        (StopReason.MEMORY, Verdict.MEMORY_LIMIT_EXCEEDED),
        (StopReason.OUTPUT, Verdict.OUTPUT_LIMIT_EXCEEDED),
    ],
)
def test_what_the_watchdog_recorded_comes_first(reason: StopReason, verdict: Verdict) -> None:
    """How a program looks after it was ended does not matter any more."""
    ended = outcome(reason, signal=9, cpu_us=9_000_000, peak_kb=1 << 30)

    assert fault(ended, LIMITS, refused_memory=True) is verdict


@pytest.mark.parametrize(
    ("cpu_us", "verdict"), [(1_000_000, None), (1_000_001, Verdict.TIME_LIMIT_EXCEEDED)]
)
def test_the_time_limit_is_exact(cpu_us: int, verdict: Verdict | None) -> None:
    """A microsecond over the limit is over the limit, also when nobody ended the program."""
    assert fault(outcome(cpu_us=cpu_us), LIMITS, refused_memory=False) is verdict


@pytest.mark.parametrize(
    ("peak_kb", "verdict"), [(64 << 10, None), ((64 << 10) + 1, Verdict.MEMORY_LIMIT_EXCEEDED)]
)
def test_the_memory_limit_is_exact(peak_kb: int, verdict: Verdict | None) -> None:
    """The peak decides, whether or not the watchdog saw it."""
    assert fault(outcome(peak_kb=peak_kb), LIMITS, refused_memory=False) is verdict


def test_a_program_that_was_refused_memory_and_failed_had_too_little() -> None:
    """It is told that memory was short, not that it crashed; one that recovered is fine."""
    failed = outcome(exit_code=1)

    assert fault(failed, LIMITS, refused_memory=True) is Verdict.MEMORY_LIMIT_EXCEEDED
    assert fault(failed, LIMITS, refused_memory=False) is Verdict.RUNTIME_ERROR
    assert fault(outcome(), LIMITS, refused_memory=True) is None


@given(outcome=OUTCOMES, refused=st.booleans())
def test_only_a_clean_end_leaves_the_verdict_to_the_output(
    outcome: RunOutcome, *, refused: bool
) -> None:
    """Whatever was measured, output is looked at only after exit code 0 within all limits."""
    verdict = fault(outcome, LIMITS, refused_memory=refused)

    if verdict is None:
        assert outcome.succeeded
        assert outcome.cpu_ms <= LIMITS.cpu_ms
        assert outcome.peak_mb <= LIMITS.memory_mb
    assert verdict is not Verdict.ACCEPTED


@given(outcome=OUTCOMES)
def test_a_verdict_on_time_shows_a_time_above_the_limit(outcome: RunOutcome) -> None:
    """Figures are rounded up, so a result never reads "1000 ms of 1000 ms: too slow"."""
    result = case_result(1, outcome, Verdict.ACCEPTED)

    assert (result.time > LIMITS.cpu_ms) is (outcome.cpu_us > LIMITS.cpu_ms * 1000)
    assert (result.memory > LIMITS.memory_mb) is (outcome.peak_kb > LIMITS.memory_mb << 10)


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (outcome(signal=11), "ended by SIGSEGV"),
        (outcome(signal=40), "ended by signal 40"),
        (outcome(exit_code=3), "exit code 3"),
        (outcome(StopReason.WALL, signal=9), "took too long on the clock"),
    ],
)
def test_an_end_is_described_in_words(ended: RunOutcome, words: str) -> None:
    """A person reads the name of a signal, not its number."""
    assert describe(ended) == words
