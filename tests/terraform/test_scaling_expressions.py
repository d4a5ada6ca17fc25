"""
What the metric math of the workers' scaling answers, minute by minute.

The texts are those that the module's own tests hold against the plan.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from metric_math import answer

TESTS = Path(__file__).resolve().parents[2] / "modules" / "ecs-grading" / "tests"
DEPTH, WAKE_UP, IDLE = re.findall(
    r'"(IF\(FILL\(.*)"', (TESTS / "scaling.tftest.hcl").read_text(encoding="utf-8")
)


SQS = (TESTS / "scaling_sqs.tftest.hcl").read_text(encoding="utf-8")
SQS_WAKE_UP, SQS_IDLE = (
    "".join(re.findall(r'"(.*)"', found))
    for found in re.findall(r'join\("", \[\n(.*?)\n    \]\)', SQS, re.DOTALL)
)
#: What SQS reports of its queues in a minute in which nothing happens.
SILENT = dict.fromkeys(
    (f"{name}{at}" for name in ("empty", "inflight", "received", "visible") for at in (0, 1)), 0.0
)


@pytest.mark.parametrize(
    ("minute", "wakes"),
    [
        ({**SILENT, "visible0": 1, "desired": 0}, True),
        ({**SILENT, "visible1": 1}, True),  # ECS reports nothing without a task
        ({**SILENT, "visible0": 1, "desired": 1}, False),  # a task starts
        ({**SILENT, "visible0": 9, "inflight0": 1}, False),  # desired is late, and all are busy
        ({**SILENT, "visible0": 9, "empty1": 3}, False),  # desired is late, and one is idle
        (SILENT, False),
        ({"visible0": 1, "desired": 0}, None),  # a worker may receive
        ({}, None),  # the queues are asleep
    ],
)
def test_a_message_of_sqs_wakes_the_service_up_only_from_zero(
    minute: dict[str, float], wakes: bool | None
) -> None:
    """SQS does not count consumers: one that takes nothing receives, and one that works has one."""
    found = answer(SQS_WAKE_UP, **minute)

    assert (None if found is None else found >= 1) == wakes


@pytest.mark.parametrize(
    ("minute", "idle"),
    [
        ({**SILENT, "empty0": 3, "empty1": 3}, True),
        ({**SILENT, "empty0": 3, "inflight0": 1}, False),  # another has a job
        ({**SILENT, "inflight1": 1}, False),  # the only one has a job
        ({**SILENT, "empty0": 3, "visible1": 1}, False),
        (SILENT, False),  # already at zero
        ({"empty0": 3}, None),
        ({}, None),
    ],
)
def test_only_workers_that_receive_nothing_from_sqs_are_idle(
    minute: dict[str, float], idle: bool | None
) -> None:
    """A worker whose job takes longer than `idle_minutes` must not be stopped."""
    found = answer(SQS_IDLE, **minute)

    assert (None if found is None else found < 1) == idle


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        ({"size0": 30, "size1": 10, "running": 4}, 10),  # node 1 of a pair alone reports
        ({"size2": 30, "size3": 10, "running": 4}, 10),  # so it is after a failover
        ({"size0": 0, "size1": 0, "running": 4}, 0),
        ({"size0": 30, "size1": 10, "running": 0}, 40),
        ({"size0": 30, "size1": 10}, None),  # it must not be forty for each task
        ({"running": 4}, None),  # it must not be zero
    ],
)
def test_the_messages_of_a_task_are_told_of_whole_minutes_only(
    minute: dict[str, float], expected: float | None
) -> None:
    """What comes late would start tasks that nobody needs, or keep needed ones away."""
    assert answer(DEPTH, **minute) == expected


@pytest.mark.parametrize(
    ("minute", "wakes"),
    [
        ({"size0": 1, "size1": 0, "consumers0": 0, "consumers1": 0, "desired": 0}, True),
        ({"size0": 1, "size1": 0, "consumers0": 0, "consumers1": 0}, True),  # nobody counts zero
        ({"size1": 1, "consumers1": 0, "desired": 0}, True),
        ({"size1": 1, "desired": 0}, None),  # a worker may be connected
        ({"size0": 0, "size1": 0, "consumers0": 0, "consumers1": 0, "desired": 0}, False),
        ({"size0": 9, "size1": 0, "consumers0": 1, "consumers1": 0}, False),  # desired is late
        ({"size0": 9, "size1": 0, "consumers0": 0, "consumers1": 0, "desired": 1}, False),
        ({"desired": 0}, None),
        ({}, None),
    ],
)
def test_a_message_wakes_the_service_up_only_from_zero(
    minute: dict[str, float], wakes: bool | None
) -> None:
    """Where tasks run or start, their number is for target tracking to choose."""
    found = answer(WAKE_UP, **minute)

    assert (None if found is None else found >= 1) == wakes


def test_a_shortage_of_capacity_adds_no_task_each_time() -> None:
    """While no task runs, ECS reports none as wanted, and the alarm stays on for hours."""
    text = (TESTS / "scaling.tftest.hcl").read_text(encoding="utf-8")
    policy = r'rest\["wake-up"\]\.step_scaling_policy_configuration\[0\]\.'
    kind = re.search(policy + r'adjustment_type == "(\w+)"', text)
    tasks = re.search(r"wake_up_tasks = (\d+)", text)
    assert kind
    assert tasks
    desired = 0

    for _ in range(24):  # two hours of cooldowns
        minute = {"size0": 40.0, "size1": 3.0, "consumers0": 0.0, "consumers1": 0.0}
        if (answer(WAKE_UP, **minute) or 0) >= 1:
            added = {"ChangeInCapacity": desired, "ExactCapacity": 0}[kind[1]]
            desired = added + int(tasks[1])

    assert desired == int(tasks[1])


@pytest.mark.parametrize(
    ("minute", "idle"),
    [
        ({"size0": 0, "size1": 0, "consumers0": 2, "consumers1": 2}, True),
        ({"size0": 0, "size1": 0, "consumers0": 2, "consumers1": 0}, True),
        ({"size0": 1, "size1": 0, "consumers0": 2, "consumers1": 1}, False),  # one is in work
        ({"size0": 0, "size1": 0, "consumers0": 0, "consumers1": 0}, False),  # already at zero
        ({"size0": 0, "size1": 0}, False),
        ({"consumers0": 2}, None),
        ({}, None),
    ],
)
def test_only_connected_workers_without_a_message_are_idle(
    minute: dict[str, float], idle: bool | None
) -> None:
    """A broker that says nothing is not an idle one, and what rests needs no rest."""
    found = answer(IDLE, **minute)

    assert (None if found is None else found < 1) == idle
