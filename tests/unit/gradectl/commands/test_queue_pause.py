"""`gradectl queue pause` and `resume`, on an emulated account in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradectl.monitoring.paused import PauseRecord
from gradectl.queues.hints import hints
from grader.ports.messages import QueueStatistics

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/dev-grading-cluster/dev-grading-service",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture
def scaled(dev: Any) -> Any:
    """A service with three workers, of which autoscaling keeps two to ten."""
    dev.create_service(dev.register("worker:1"), desired=3)
    dev.client("application-autoscaling").register_scalable_target(
        **TARGET, MinCapacity=2, MaxCapacity=10
    )
    return dev


def suspended(account: Any) -> set[bool]:
    """The switches of autoscaling."""
    answer = account.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs"
    )
    (target,) = answer["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 10)
    return set((target.get("SuspendedState") or {"": False}).values())


def test_a_pause_stops_the_workers_and_resume_starts_as_many(scaled: Any) -> None:
    """A second pause keeps since when it is, and the number of workers before."""
    first = scaled.gradectl("queue", "pause", "-e", "dev", "--yes", "-o", "json")
    paused = (scaled.service.desired_count, suspended(scaled))
    second = scaled.gradectl("queue", "pause", "-e", "dev", "-o", "json")
    status = scaled.gradectl("status", "dev", "-o", "json").document
    doctor = scaled.gradectl("doctor", "dev")
    resumed = scaled.gradectl("queue", "resume", "-e", "dev", "-o", "json")
    again = scaled.gradectl("queue", "resume", "-e", "dev")

    assert first.code == second.code == resumed.code == 0, first.stderr + resumed.stderr
    assert paused == (0, {True})
    assert first.document == second.document
    assert first.document["by"].startswith("arn:aws:sts::123456789012:")
    (problem,) = [each for each in status["problems"] if "paused since" in each["text"]]
    assert problem["next"] == "gradectl queue resume -e dev"
    assert "paused since" in doctor.stdout
    assert (scaled.service.desired_count, suspended(scaled)) == (3, {False})
    assert (resumed.document["paused"], resumed.document["workers"]) == (False, 3)
    assert again.code == 1
    assert "not paused" in again.stderr


def test_a_service_that_was_scaled_to_zero_resumes_within_its_bounds(scaled: Any) -> None:
    """The minimum may have been raised meanwhile."""
    ecs = scaled.client("ecs")
    ecs.update_service(cluster="dev-grading-cluster", service="dev-grading-service", desiredCount=0)

    scaled.gradectl("queue", "pause", "-e", "dev", "--yes")
    resumed = scaled.gradectl("queue", "resume", "-e", "dev", "-o", "json")

    assert resumed.document["workers"] == scaled.service.desired_count == 2


def test_a_single_worker_starts(dev: Any) -> None:
    """Without autoscaling there are no bounds; what is printed is a sentence."""
    dev.create_service(dev.register("worker:1"), desired=1)

    paused = dev.gradectl("queue", "pause", "-e", "dev", "--yes")
    resumed = dev.gradectl("queue", "resume", "-e", "dev")

    assert "workers finish their running jobs and stop" in paused.stdout
    assert "resumed, 1 worker starts" in resumed.stdout


@pytest.mark.parametrize("text", ["{", "{}", "null", '{"since": 1, "by": "ann", "desired": 1}'])
def test_a_malformed_record_ends_only_what_needs_it(scaled: Any, text: str) -> None:
    """What changes the pause says what to do; what only mentions it goes on."""
    scaled.client("ssm").put_parameter(Name="/dev/queue/paused", Value=text, Type="String")

    resumed = scaled.gradectl("queue", "resume", "-e", "dev")
    status = scaled.gradectl("status", "dev", "-o", "json")

    assert resumed.code == 1
    assert "the record of a pause is malformed" in resumed.stderr
    assert "delete-parameter --name /dev/queue/paused" in resumed.stderr
    assert "paused" not in status.stderr
    assert scaled.service.desired_count == 3


def test_a_dry_run_and_a_refused_question_change_nothing(scaled: Any) -> None:
    """The number of workers and autoscaling stay."""
    dry = scaled.gradectl("queue", "pause", "-e", "dev", "--dry-run", "-o", "json")
    unasked = scaled.gradectl("queue", "pause", "-e", "dev", "--no-input")

    assert (dry.code, unasked.code) == (0, 5)
    assert dry.document["paused"] is False
    assert (scaled.service.desired_count, suspended(scaled)) == (3, {False})


def test_the_hint_of_a_paused_queue_is_to_resume() -> None:
    """Instead of looking for the workers; other queues keep their hints."""
    record = PauseRecord("2024-08-20T12:00:00+00:00", "arn:aws:iam::1:user/ann", 2)
    assert json.loads(record.to_json())["desired"] == 2
    counters = QueueStatistics("grading-requests", 5, 0, 0, 0, 0, 0, 0, 0)

    found = hints(
        {"grading-requests": counters, "grading-results": None}, "dev", "", paused=str(record)
    )

    assert str(found["grading-requests"]) == (
        "paused since 2024-08-20 12:00 UTC by user/ann, 5 waiting: gradectl queue resume -e dev"
    )
    assert found["grading-results"].text == "the queue does not exist"
