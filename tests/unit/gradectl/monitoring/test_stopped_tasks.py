"""Why tasks stopped, in words that an operator can act on."""

from __future__ import annotations

import pytest

from gradectl.adapters.aws.ecs_models import EcsTask
from gradectl.monitoring.stopped_tasks import causes, failed


def task(task_id: str = "1", code: str = "EssentialContainerExited", exit_code: int = 1) -> EcsTask:
    return EcsTask(task_id, stop_code=code, exit_codes={"grading-worker": exit_code})


def test_equal_causes_are_counted_and_the_most_frequent_is_first() -> None:
    """Many tasks that stop for one reason are one line."""
    found = causes([task("1", exit_code=69), task("2", exit_code=78), task("3", exit_code=78)])

    assert [each.count for each in found] == [2, 1]
    assert str(found[0]).startswith("2 tasks: ")
    assert "exit code 78, a setting or a certificate is invalid" in found[0].text


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("CannotPullContainerError: manifest unknown", "image exists"),
        ("ResourceInitializationError: unable to pull secrets", "SSM parameters"),
        ("OutOfMemoryError: container killed", "ecs_task_memory"),
        ("Task failed container health checks", "/health"),
        ("something new", ""),
    ],
)
def test_the_words_of_ecs_have_a_remedy(reason: str, remedy: str) -> None:
    """Unknown words are shown without one."""
    (found,) = causes([EcsTask("1", stop_code="TaskFailedToStart", stopped_reason=reason)])

    assert reason in found.text
    assert remedy in found.remedy
    assert bool(remedy) == bool(found.remedy)
    assert found.out_of_memory == ("OutOfMemory" in reason)


def test_tasks_that_ecs_stops_on_purpose_did_not_fail() -> None:
    """Scaling in and replacing tasks are normal; a non-zero exit code is not."""
    scaled_in = task("1", "ServiceSchedulerInitiated", 0)
    unhealthy = EcsTask(
        "2",
        stop_code="ServiceSchedulerInitiated",
        stopped_reason="Task failed container health checks",
    )
    crashed = task("3", "ServiceSchedulerInitiated", 143)

    assert [each.task_id for each in failed([scaled_in, unhealthy, crashed])] == ["2", "3"]
