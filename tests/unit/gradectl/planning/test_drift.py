"""Drift is what somebody changed, and not what autoscaling, its schedules or gradectl change."""

from __future__ import annotations

from typing import Any

import pytest
from plans import in_state, item, plan_of

from gradectl.planning.drift import Drift, document, drift_of, headline, markdown, rows
from gradectl.planning.policy import IgnoredDrift

TARGET = "module.w.aws_appautoscaling_target.this"
SERVICE = "service/dev/workers"
BOUNDS = {"min_capacity": 1, "max_capacity": 10}


def drift(*changed: dict[str, Any], ignored: tuple[IgnoredDrift, ...] = (), **state: Any) -> Drift:
    """The drift of resources that changed outside of Terraform."""
    return drift_of(plan_of(resource_drift=list(changed), **state), ignored)


def bounds(minimum: int, maximum: int, *, scheduled: tuple[str, str] | None) -> Drift:
    """A target with other bounds than 1 to 10, with a schedule in the state."""
    resources = []
    if scheduled:
        low, high = scheduled
        values = {
            "resource_id": SERVICE,
            "scalable_target_action": [{"min_capacity": low, "max_capacity": high}],
        }
        resources = [("aws_appautoscaling_scheduled_action.this", values)]
    state = in_state(*resources)
    before = {"resource_id": SERVICE, **BOUNDS}
    after = {**before, "min_capacity": minimum, "max_capacity": maximum}
    return drift(item(TARGET, after, before), prior_state=state)


def revision(number: int, configuration: str = "c-1") -> list[dict[str, Any]]:
    """A revision of a broker's configuration, as the broker has it."""
    return [{"id": configuration, "revision": number}]


def test_a_changed_attribute_is_drift() -> None:
    """Named without its value."""
    found = drift(item("aws_ssm_parameter.this", {"value": "new"}, {"value": "old"}))

    assert document(found) == {
        "drifted": True,
        "drift": [
            {"address": "aws_ssm_parameter.this", "action": "update", "attributes": ["value"]}
        ],
        "expected": [],
    }
    assert headline(found) == "1 resource drifted"
    assert rows(found) == [("~", "aws_ssm_parameter.this", "value", "")]


def test_a_deleted_resource_is_drift() -> None:
    """An ignored attribute does not hide that the resource is gone."""
    rule = IgnoredDrift("aws_ecs_service.this", frozenset({"tags"}), "a test")
    found = drift(item("aws_ecs_service.this", None, {"desired_count": 1}), ignored=(rule,))

    assert [(each.change.action, each.attributes) for each in found.found] == [("delete", ())]


def test_an_empty_value_that_is_written_differently_is_no_drift() -> None:
    """The provider reads missing tags back as an empty mapping; tags that are gone are drift."""
    assert not drift(item("aws_a.b", {"tags": {}}, {"tags": None})).found
    assert drift(item("aws_a.b", {"tags": {}}, {"tags": {"a": "b"}})).found
    assert drift(item("aws_a.b", {"count": 0}, {"count": None})).found


def test_nothing_changed_is_no_drift() -> None:
    """Exit code 0."""
    assert not drift().found
    assert headline(drift()) == "no drift"


@pytest.mark.parametrize(
    ("address", "attribute"),
    [
        ("aws_autoscaling_group.this", "desired_capacity"),
        ("aws_lb_target_group.this", "load_balancer_arns"),
        ("aws_mq_broker.this", "user"),
        ("aws_db_instance.this", "latest_restorable_time"),
    ],
)
def test_what_the_system_itself_changes_is_expected(address: str, attribute: str) -> None:
    """Together with something else, only the other attribute is drift."""
    changed = item(address, {attribute: 2, "tags": 2}, {attribute: 1, "tags": 1})

    found = drift(changed)

    assert [each.attributes for each in found.found] == [("tags",)]
    assert [each.attributes for each in found.expected] == [(attribute,)]
    assert found.expected[0].reason


@pytest.mark.parametrize(("name", "drifted"), [("this", True), ("pipeline", False)])
def test_a_revision_that_a_pipeline_deployed_is_expected(name: str, *, drifted: bool) -> None:
    """Where Terraform deploys the revisions, another one was deployed by hand."""
    before = {"task_definition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/t:1"}
    after = {"task_definition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/t:2"}

    found = drift(item(f"module.ecs_grading.aws_ecs_service.{name}[0]", after, before))

    assert bool(found.found) is drifted
    assert [each.reason for each in found.expected] == (
        [] if drifted else ["a pipeline deploys it"]
    )


@pytest.mark.parametrize(
    ("attribute", "applied", "active", "immediately", "drifted"),
    [
        ("configuration", revision(2), revision(1), False, False),
        ("configuration", revision(2), revision(1), True, True),
        ("configuration", revision(2), revision(3), False, True),
        ("configuration", revision(2), revision(1, "c-2"), False, True),
        ("configuration", revision(2), [], False, True),
        ("host_instance_type", "mq.m5.large", "mq.t3.micro", False, False),
        ("engine_version", "5.19", "5.18", False, False),
        ("logs", [{"audit": "true"}], [{"audit": "false"}], False, False),
        ("security_groups", ["sg-1"], ["sg-2"], False, True),
    ],
)
def test_a_broker_that_was_not_rebooted_may_have_what_it_had_before(
    attribute: str, applied: object, active: object, *, immediately: bool, drifted: bool
) -> None:
    """Without apply_immediately; a newer revision or another configuration was set by hand."""
    broker = {"apply_immediately": immediately}

    found = drift(
        item("aws_mq_broker.this", {**broker, attribute: active}, {**broker, attribute: applied})
    )

    assert bool(found.found) is drifted
    assert bool(found.expected) is not drifted


@pytest.mark.parametrize(
    ("count", "target", "drifted"),
    [
        (4, SERVICE, False),
        (10, SERVICE, False),
        (11, SERVICE, True),
        (0, SERVICE, True),
        (4, "service/dev/others", True),
    ],
)
def test_autoscaling_sets_the_number_of_tasks_within_its_bounds(
    count: int, target: str, drifted: bool
) -> None:
    """Another number, or one of a service without autoscaling, was set by hand."""
    service = {"id": f"arn:aws:ecs:eu-west-1:123456789012:{SERVICE}", "desired_count": 2}
    state = in_state(
        ("aws_appautoscaling_target.this", {"resource_id": target, **BOUNDS}),
    )

    found = drift(
        item("aws_ecs_service.this", {**service, "desired_count": count}, service),
        prior_state=state,
    )

    assert bool(found.found) is drifted
    assert bool(found.expected) is not drifted


@pytest.mark.parametrize(
    ("before", "after", "drifted"),
    [
        ({"period": None, "label": ""}, {"period": 0, "label": ""}, False),
        ({"period": None, "enabled": None}, {"period": None, "enabled": False}, False),
        ({"dimensions": None}, {"dimensions": {}}, False),
        ({"period": None}, {"period": 60}, True),
        ({"period": 60}, {"period": None}, True),
        ({"a": "1"}, {"a": "1", "b": ""}, True),
    ],
)
def test_a_block_that_is_written_differently_is_no_drift(
    before: dict[str, Any], after: dict[str, Any], drifted: bool
) -> None:
    """A refresh fills a number or a switch that was not set; a new key of a map is drift."""
    found = drift(item("aws_a.b", {"query": [after]}, {"query": [before]}))

    assert bool(found.found) is drifted


def test_the_bounds_that_a_schedule_sets_are_not_drift() -> None:
    """In exam hours the bounds are those of the schedule."""
    found = bounds(5, 40, scheduled=("5", "40"))

    assert not found.found
    assert [each.reason for each in found.expected] == ["a schedule sets it"]


@pytest.mark.parametrize(
    ("minimum", "maximum", "scheduled", "drifted"),
    [
        (5, 40, None, ("max_capacity", "min_capacity")),
        (5, 99, ("5", "40"), ("max_capacity",)),
        (3, 40, ("5", "40"), ("min_capacity",)),
        (1, 40, ("5", ""), ("max_capacity",)),
    ],
)
def test_other_bounds_than_those_of_a_schedule_are_drift(
    minimum: int, maximum: int, scheduled: tuple[str, str] | None, drifted: tuple[str, ...]
) -> None:
    """A bound that somebody set by hand, also where a schedule exists."""
    found = bounds(minimum, maximum, scheduled=scheduled)

    assert [each.attributes for each in found.found] == [drifted]


def test_the_policy_ignores_with_a_reason() -> None:
    """An attribute, or a whole resource; the reason is shown."""
    changed = item("aws_a.b", {"tags": 2, "size": 2}, {"tags": 1, "size": 1})
    tags = IgnoredDrift("aws_a.*", frozenset({"tags"}), "set by the finance team")
    everything = IgnoredDrift("aws_a.b", frozenset(), "owned by others")

    assert [each.attributes for each in drift(changed, ignored=(tags,)).found] == [("size",)]
    assert not drift(changed, ignored=(everything,)).found
    assert "set by the finance team" in markdown("Drift", drift(changed, ignored=(tags,)))


def test_a_rule_for_another_resource_ignores_nothing() -> None:
    """Addresses are compared, not types."""
    rule = IgnoredDrift("aws_a.c", frozenset(), "a test")

    assert drift(item("aws_a.b", {"x": 2}, {"x": 1}), ignored=(rule,)).found


def test_a_changed_secret_is_drift_without_its_value() -> None:
    """The plan is masked before it is compared."""
    secret = "Sentinel-8f3a61c2d94b"
    marks = {"before_sensitive": {"value": True}, "after_sensitive": {"value": True}}
    found = drift(item("aws_ssm_parameter.a", {"value": secret}, {"value": "old"}, **marks))

    assert found.found[0].attributes == ("value",)
    assert secret not in repr(found) + str(rows(found)) + str(document(found))
