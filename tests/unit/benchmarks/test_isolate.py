"""Meta files of isolate as verdicts."""

from __future__ import annotations

import pytest
from isolate import read_verdict
from rival import UnavailableError


def test_a_run_that_ended_well_is_judged_by_its_output() -> None:
    """The meta file then has no status."""
    assert read_verdict("time:0.002\ntime-wall:0.004\nmax-rss:1640\nexitcode:0\n") is None


@pytest.mark.parametrize(("status", "verdict"), [("TO", "TLE"), ("SG", "RE"), ("RE", "RE")])
def test_a_status_is_a_verdict(status: str, verdict: str) -> None:
    """A message may contain colons."""
    assert read_verdict(f"message:Caught: it\nstatus:{status}\ntime:0.5\n") == verdict


def test_its_own_failure_makes_it_unavailable() -> None:
    """The report then has its message."""
    with pytest.raises(UnavailableError, match="no namespaces"):
        read_verdict("status:XX\nmessage:no namespaces\n")
