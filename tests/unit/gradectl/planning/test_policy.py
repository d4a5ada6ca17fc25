"""What the policy refuses: the loss of data and the cost; and what it allows."""

from __future__ import annotations

from typing import Any

import pytest
from plans import item, plan_of
from policy_rules import NOTHING, costs, found

from gradectl.planning.cost import CostChange
from gradectl.planning.plan import Plan
from gradectl.planning.policy import Allowance, Evaluation, Policy, Rule, evaluate, matches

LOSS = plan_of(item("module.database.aws_db_instance.this[0]", None, {"identifier": "x"}))


def test_a_lost_database_is_refused() -> None:
    """Its data cannot be recreated."""
    assert found(Rule.DATA_LOSS, LOSS) == ["module.database.aws_db_instance.this[0]"]


def test_a_named_loss_is_allowed() -> None:
    """On the command line for once, or in the file with a reason."""
    address = "module.database.aws_db_instance.this[0]"
    allowance = Allowance(Rule.DATA_LOSS, address, "moved to the new cluster")

    assert found(Rule.DATA_LOSS, LOSS, [address]) == []
    assert found(Rule.DATA_LOSS, LOSS, allowances=(allowance,)) == []
    assert found(Rule.DATA_LOSS, LOSS, ["module.database.aws_db_instance.that"]) == [address]


def test_an_allowance_is_for_one_rule() -> None:
    """An exception from another rule does not lose data."""
    other = Allowance(Rule.CLEAR_SECRETS, "*", "a test")

    assert found(Rule.DATA_LOSS, LOSS, allowances=(other,))


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(item("aws_db_instance.this", {"identifier": "y"}, {"identifier": "x"})),
        plan_of(item("aws_security_group.this", None, {})),
        plan_of(item("aws_db_instance.this", {})),
    ],
)
def test_what_keeps_its_data_is_not_a_loss(plan: Plan) -> None:
    """An update, a group without data, and a new database."""
    assert found(Rule.DATA_LOSS, plan) == []


def refused(cost: CostChange, **policy: Any) -> Evaluation:
    return evaluate(Policy(**policy), plan_of(), cost)


def test_a_cost_above_the_limit_is_refused() -> None:
    """With the most tasks: 2 x 60 is above 100."""
    (violation,) = refused(costs(60), max_monthly_usd=100).violations

    assert str(violation).startswith("monthly_cost: up to 120.00 USD a month, the limit is 100.00")


def test_a_cost_below_the_limit_or_without_one_is_not_refused() -> None:
    """A limit of exactly the cost is kept."""
    assert not refused(costs(60), max_monthly_usd=120).violations
    assert not refused(costs(60)).violations


def test_an_unknown_price_is_above_the_limit_when_the_policy_says_so() -> None:
    """Otherwise it is shown, and not counted."""
    assert not refused(costs(None), max_monthly_usd=1).violations
    (violation,) = refused(costs(None), max_monthly_usd=1, refuse_unknown_prices=True).violations
    assert violation.address == "aws_x.y"


def test_a_rule_that_is_off_finds_nothing() -> None:
    """Without a policy an apply behaves as before."""
    assert evaluate(Policy(), LOSS, costs(1e9)) == Evaluation()


def test_what_is_allowed_is_shown_with_its_reason() -> None:
    """An exception is visible in each plan."""
    allowance = Allowance(Rule.DATA_LOSS, "module.*", "a test")
    policy = Policy(frozenset(Rule), allowances=(allowance,))

    ((violation, shown),) = evaluate(policy, LOSS, NOTHING).allowed

    assert (violation.rule, shown.reason) == (Rule.DATA_LOSS, "a test")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('aws_x.y["a"]', True),
        ("aws_x.*", True),
        ('aws_x.?["a"]', False),
        ("aws_x.y[a]", False),
        ('AWS_X.y["a"]', False),
    ],
)
def test_only_the_asterisk_is_special(pattern: str, expected: bool) -> None:
    """Brackets and quotes are part of addresses."""
    assert matches(pattern, 'aws_x.y["a"]') is expected
