"""The short version of each fault of `make chaos`: the same code, with fewer requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos.dose import Dose
from chaos.faults import FAULTS_OF
from chaos.site import Site, open_site
from chaos.trial import run

pytestmark = pytest.mark.engine

#: Half of the requests come during the fault, so that it finds work however fast the machine is.
SHORT = Dose(requests=8, late_share=0.5, rounds=1, seconds=0.0, program_seconds=0.2)


@pytest.fixture(name="site", scope="module")
def _site() -> Iterator[Site]:
    """One system for all faults, as in `make chaos`."""
    with open_site({"RETRY_DELAY_MS": "500"}) as site:
        yield site


@pytest.mark.parametrize("fault", FAULTS_OF["activemq"])
def test_every_request_is_answered_once_after_a_fault(site: Site, fault: str) -> None:
    """One row and the right result each, and only what was meant among the dead letters."""
    account = run(site, fault, SHORT)

    assert account.deviations == []
    assert (account.results, account.rows, account.dead_letters) == (8, 8, 1)
