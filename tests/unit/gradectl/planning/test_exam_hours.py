"""Workers that a schedule adds for an exam are not on Spot."""

from __future__ import annotations

import pytest
from plans import item, plan_of
from policy_rules import found

from gradectl.planning.plan import Plan
from gradectl.planning.policy import Rule


def exam(base: int, minimum: str, *, spot: int = 1, usual: int = 1) -> Plan:
    """Workers on Spot with a schedule."""
    strategy = [
        {"capacity_provider": "FARGATE", "base": base, "weight": 1},
        {"capacity_provider": "FARGATE_SPOT", "base": 0, "weight": spot},
    ]
    action = {"min_capacity": minimum, "max_capacity": "40"}
    return plan_of(
        item("module.w.aws_ecs_service.this", {"capacity_provider_strategy": strategy}),
        item("module.w.aws_appautoscaling_target.this", {"min_capacity": usual}),
        item(
            'module.w.aws_appautoscaling_scheduled_action.this["exam"]',
            {"scalable_target_action": [action]},
        ),
    )


def test_spot_in_exam_hours_is_refused() -> None:
    """AWS could take four of the five workers in the middle of the exam."""
    assert found(Rule.SPOT_IN_EXAM_HOURS, exam(1, "5")) == [
        'module.w.aws_appautoscaling_scheduled_action.this["exam"]'
    ]


@pytest.mark.parametrize(
    "plan",
    [
        exam(5, "5"),
        exam(1, "5", spot=0),
        exam(0, "2", usual=2),
        exam(0, "0"),
        exam(0, ""),
    ],
    ids=["all on Fargate", "no Spot", "not raised", "at night", "only a maximum"],
)
def test_guaranteed_workers_on_fargate_are_not_refused(plan: Plan) -> None:
    """Spot beyond the minimum of the exam, and schedules that do not raise the minimum."""
    assert found(Rule.SPOT_IN_EXAM_HOURS, plan) == []
