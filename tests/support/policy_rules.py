"""Asks one rule of the policy about a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradectl.planning.cost import CostChange, CostLine, Estimate, Price
from gradectl.planning.plan import Plan
from gradectl.planning.policy import Policy, Rule, evaluate

NOTHING = CostChange(Estimate(()), Estimate(()))
SECRET = "Sentinel-8f3a61c2d94b"


def found(rule: Rule, plan: Plan, named: Sequence[str] = (), **policy: Any) -> list[str]:
    """The addresses that one rule refuses; no message has the secret."""
    evaluation = evaluate(Policy(frozenset({rule}), **policy), plan, NOTHING, named)
    assert all(each.rule is rule for each in evaluation.violations)
    assert SECRET not in str(evaluation)
    return [each.address for each in evaluation.violations]


def costs(usd: float | None) -> CostChange:
    """A month with one line of one or two tasks."""
    price = Price("x", "r", usd, "hour", "s", "d")
    return CostChange(Estimate(()), Estimate((CostLine("aws_x.y", "x", 1, 2, price),)))
