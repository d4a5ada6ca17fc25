"""What the control plane says of the broker follows what its process does."""

from __future__ import annotations

import pytest

from gradectl.local.runner import Snapshot, State
from gradectl.local.supervisor import broker_state


@pytest.mark.parametrize(
    ("state", "rebooted", "expected"),
    [
        (State.STARTING, False, "CREATION_IN_PROGRESS"),
        (State.RUNNING, False, "RUNNING"),
        (State.FAILED, False, "CREATION_FAILED"),
        (State.STOPPING, True, "REBOOT_IN_PROGRESS"),
        (State.STARTING, True, "REBOOT_IN_PROGRESS"),
        (State.FAILED, True, "REBOOT_IN_PROGRESS"),
        (State.RUNNING, True, "RUNNING"),
    ],
)
def test_a_broker_is_in_the_state_of_its_process(
    state: State, rebooted: bool, expected: str
) -> None:
    """Terraform and `apply` wait for RUNNING, and a refused configuration fails an apply."""
    assert broker_state(Snapshot("broker", state), rebooted=rebooted) == expected
