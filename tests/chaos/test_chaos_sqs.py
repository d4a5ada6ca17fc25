"""The short version of each fault of `make chaos TRANSPORT=sqs`: the same code, fewer requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos.dose import Dose
from chaos.faults import FAULTS_OF
from chaos.site import Site, open_site
from chaos.trial import run

pytestmark = pytest.mark.engine

SHORT = Dose(
    requests=8, late_share=0.5, rounds=1, seconds=0.0, program_seconds=0.2, throttled_calls=12
)
#: What the transport changes and no test of the source shows; the others run before a release.
QUICK = {"kill_workers", "freeze_workers", "throttle_sqs"}


@pytest.fixture(name="site", scope="module")
def _site() -> Iterator[Site]:
    """One system for all faults, as in `make chaos`."""
    with open_site({"RETRY_DELAY_MS": "500"}, "sqs") as site:
        yield site


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(each, marks=[] if each in QUICK else [pytest.mark.exhaustive])
        for each in FAULTS_OF["sqs"]
    ],
)
def test_every_request_is_answered_once_after_a_fault(site: Site, fault: str) -> None:
    """One row and the right result each, and only what was meant among the dead letters."""
    account = run(site, fault, SHORT)

    assert account.deviations == []
    assert (account.results, account.rows, account.dead_letters) == (8, 8, 1)
