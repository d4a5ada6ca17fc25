"""The policy of a project: what an apply must not do without being named in a reviewed file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from gradectl.planning.cost import CostChange
from gradectl.planning.exposure import exposed
from gradectl.planning.plain_secrets import plain_secrets
from gradectl.planning.plan import Plan

_SPOT = "FARGATE_SPOT"


class Rule(StrEnum):
    """The rules, as the policy file names them."""

    DATA_LOSS = "data_loss"
    PUBLIC_EXPOSURE = "public_exposure"
    CLEAR_SECRETS = "clear_secrets"
    MONTHLY_COST = "monthly_cost"
    SPOT_IN_EXAM_HOURS = "spot_in_exam_hours"


@dataclass(frozen=True)
class Allowance:
    """
    An exception from a rule.

    Attributes:
        rule: The rule.
        resource: Address of the resource; `*` stands for any text.
        reason: Why it is allowed.
    """

    rule: Rule
    resource: str
    reason: str


@dataclass(frozen=True)
class IgnoredDrift:
    """
    A change outside of Terraform that is not drift.

    Attributes:
        resource: Address of the resource; `*` stands for any text.
        attributes: Names of its attributes; empty for all.
        reason: Why it is expected.
    """

    resource: str
    attributes: frozenset[str]
    reason: str


@dataclass(frozen=True)
class Policy:
    """
    The policy of one environment.

    Attributes:
        rules: The rules that refuse.
        max_monthly_usd: Limit of the monthly cost with the most tasks; None for no limit.
        refuse_unknown_prices: Whether a cost without a known price is above the limit.
        allowances: The exceptions.
        ignored_drift: Changes outside of Terraform that are expected.
    """

    rules: frozenset[Rule] = frozenset()
    max_monthly_usd: float | None = None
    refuse_unknown_prices: bool = False
    allowances: tuple[Allowance, ...] = ()
    ignored_drift: tuple[IgnoredDrift, ...] = ()


@dataclass(frozen=True)
class Violation:
    """
    A refusal.

    Attributes:
        rule: The rule.
        address: The resource; "" for the whole environment.
        message: The problem; it contains no value that may be a secret.
    """

    rule: Rule
    address: str
    message: str

    def __str__(self) -> str:
        """Format it on one line."""
        place = f"{self.address}: " if self.address else ""
        return f"{self.rule}: {place}{self.message}"


@dataclass(frozen=True)
class Evaluation:
    """
    A plan compared with a policy.

    Attributes:
        violations: What the policy refuses.
        allowed: What it would refuse without an allowance, with the allowance.
    """

    violations: tuple[Violation, ...] = ()
    allowed: tuple[tuple[Violation, Allowance], ...] = ()


def evaluate(
    policy: Policy, plan: Plan, cost: CostChange, named_losses: Sequence[str] = ()
) -> Evaluation:
    """
    Compare a plan with a policy.

    Args:
        policy: The policy of the environment.
        plan: The plan; its sensitive values are masked.
        cost: The monthly cost before and after the plan.
        named_losses: Addresses whose data may be lost, from the command line.
    """
    named = [Allowance(Rule.DATA_LOSS, each, "named on the command line") for each in named_losses]
    violations: list[Violation] = []
    allowed: list[tuple[Violation, Allowance]] = []
    for violation in _found(policy, plan, cost):
        allowance = next(
            (each for each in (*policy.allowances, *named) if _covers(each, violation)), None
        )
        if allowance:
            allowed.append((violation, allowance))
        else:
            violations.append(violation)
    return Evaluation(tuple(violations), tuple(allowed))


def matches(pattern: str, address: str) -> bool:
    """
    Compare an address with a pattern.

    Args:
        pattern: An address in which only `*` is special; brackets are part of addresses.
        address: Terraform's address of a resource.
    """
    return fnmatchcase(address, pattern.replace("[", "[[]").replace("?", "[?]"))


def _covers(allowance: Allowance, violation: Violation) -> bool:
    """Whether an allowance is for a violation; one for the whole environment has no resource."""
    return allowance.rule is violation.rule and matches(allowance.resource, violation.address)


def _found(policy: Policy, plan: Plan, cost: CostChange) -> Iterator[Violation]:
    """The violations of the rules that are on, before exceptions."""
    if Rule.DATA_LOSS in policy.rules:
        for change in plan.losses:
            yield Violation(Rule.DATA_LOSS, change.address, f"{change.action} loses its data")
    if Rule.PUBLIC_EXPOSURE in policy.rules:
        for address, message in exposed(plan.resources):
            yield Violation(Rule.PUBLIC_EXPOSURE, address, message)
    if Rule.CLEAR_SECRETS in policy.rules:
        for address, message in plain_secrets(plan):
            yield Violation(Rule.CLEAR_SECRETS, address, message)
    if Rule.SPOT_IN_EXAM_HOURS in policy.rules:
        yield from _spot(plan)
    yield from _too_expensive(policy, cost)


def _too_expensive(policy: Policy, cost: CostChange) -> Iterator[Violation]:
    """The cost with the most tasks, compared with the limit."""
    limit, after = policy.max_monthly_usd, cost.after
    if limit is None:
        return
    if after.most > limit:
        text = f"up to {after.most:.2f} USD a month, the limit is {limit:.2f}"
        yield Violation(Rule.MONTHLY_COST, "", f"{text}; gradectl plan --cost has the arithmetic")
    if policy.refuse_unknown_prices:
        for line in after.unknown:
            text = f"the price of {line.item} is unknown: add it to environments/prices.yaml"
            yield Violation(Rule.MONTHLY_COST, line.address, text)


def _spot(plan: Plan) -> Iterator[Violation]:
    """
    Services whose scheduled minimum would partly run on Spot.

    A schedule that raises the minimum is one for exam hours. AWS takes Spot tasks away with two
    minutes of notice, so `base` of Fargate has to cover that minimum.
    """
    after = [each for each in plan.resources if isinstance(each.after, Mapping)]
    for service in (each for each in after if each.kind == "aws_ecs_service"):
        strategy = service.after.get("capacity_provider_strategy") or []
        if not any(
            each.get("capacity_provider") == _SPOT and _spot_weight(each) for each in strategy
        ):
            continue
        base = max(
            (_whole(each.get("base")) for each in strategy if each["capacity_provider"] != _SPOT),
            default=0,
        )
        usual = min(
            (
                _whole(each.after.get("min_capacity"))
                for each in after
                if each.kind == "aws_appautoscaling_target" and each.module == service.module
            ),
            default=0,
        )
        for schedule in after:
            if (
                schedule.kind != "aws_appautoscaling_scheduled_action"
                or schedule.module != service.module
            ):
                continue
            wanted = _scheduled_minimum(schedule.after)
            if wanted > usual and wanted > base:
                text = f"the schedule wants {wanted} tasks, only {base} of them are not on Spot"
                yield Violation(
                    Rule.SPOT_IN_EXAM_HOURS,
                    schedule.address,
                    f"{text}: raise fargate_base to {wanted}, or do without Spot",
                )


def _scheduled_minimum(values: Mapping[str, Any]) -> int:
    """The minimum that a scheduled action sets; 0 when it sets none."""
    actions = values.get("scalable_target_action") or []
    return max((_whole(each.get("min_capacity")) for each in actions), default=0)


def _spot_weight(provider: Mapping[str, Any]) -> int:
    """Weight and base of a provider together: 0 when it gets no task."""
    return _whole(provider.get("weight")) + _whole(provider.get("base"))


def _whole(value: object) -> int:
    """A number that the provider may have as a text; 0 for none."""
    text = str(value)
    return int(text) if text.isdigit() else 0
