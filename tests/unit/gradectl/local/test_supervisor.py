"""The broker state in the control plane follows the broker's process."""

from __future__ import annotations

import pytest

from gradectl.local.runner import ServiceState, Snapshot
from gradectl.local.supervisor import broker_state, cache_state, exit_code


@pytest.mark.parametrize(
    ("state", "rebooted", "expected"),
    [
        (ServiceState.STARTING, False, "CREATION_IN_PROGRESS"),
        (ServiceState.RUNNING, False, "RUNNING"),
        (ServiceState.FAILED, False, "CREATION_FAILED"),
        (ServiceState.STOPPING, True, "REBOOT_IN_PROGRESS"),
        (ServiceState.STARTING, True, "REBOOT_IN_PROGRESS"),
        (ServiceState.FAILED, True, "REBOOT_IN_PROGRESS"),
        (ServiceState.RUNNING, True, "RUNNING"),
    ],
)
def test_the_broker_state_follows_the_process(
    state: ServiceState, rebooted: bool, expected: str
) -> None:
    """Terraform and `apply` wait for RUNNING; CREATION_FAILED fails an apply."""
    assert broker_state(Snapshot("broker", state), rebooted=rebooted) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ServiceState.STARTING, "creating"),
        (ServiceState.RUNNING, "available"),
        (ServiceState.FAILED, "create-failed"),
    ],
)
def test_the_status_of_a_replication_group_follows_the_process(
    state: ServiceState, expected: str
) -> None:
    """Terraform waits until it is available; create-failed fails an apply."""
    assert cache_state(Snapshot("redis", state)) == expected


@pytest.mark.parametrize(("status", "code"), [(0, 0), (7, 7), (-9, 137), (None, None)])
def test_a_signal_becomes_the_exit_code_of_a_container(
    status: int | None, code: int | None
) -> None:
    """As container runtimes do: 137 is the usual code of a task without memory."""
    assert exit_code(status) == code
