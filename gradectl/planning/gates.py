"""The gates of a plan: its monthly cost and the policy, shown by plan and enforced by apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradectl.environment import Environment
from gradectl.planning import cost_report
from gradectl.planning.cost import CostChange, cost_change
from gradectl.planning.plan import Plan
from gradectl.planning.policy import Evaluation, evaluate
from gradectl.planning.policy_file import WHERE, enforce, read_policy
from gradectl.planning.price_file import read_prices
from gradectl.ui import Table, Ui


@dataclass(frozen=True)
class Gates:
    """
    What the gates found in a plan.

    Attributes:
        cost: The monthly cost before and after.
        evaluation: The plan compared with the policy; None for a project without a policy.
    """

    cost: CostChange
    evaluation: Evaluation | None

    def show(self, ui: Ui) -> None:
        """Print the cost, what the policy refuses, and what it allows as an exception."""
        ui.say(cost_report.headline(self.cost))
        if self.evaluation is None:
            return
        for violation in self.evaluation.violations:
            ui.warn(f"{WHERE} refuses this plan: {violation}")
        for violation, allowance in self.evaluation.allowed:
            ui.say(f"allowed: {violation} ({allowance.reason})")

    def enforce(self) -> None:
        """
        Refuse what the policy refuses.

        Raises:
            RefusedError: There are violations; the error lists all of them.
        """
        if self.evaluation:
            enforce(self.evaluation)

    @property
    def cost_table(self) -> Table:
        """The arithmetic of the month after the changes."""
        title = cost_report.headline(self.cost)
        return Table(cost_report.COLUMNS, cost_report.rows(self.cost.after), title=title)

    @property
    def document(self) -> dict[str, Any]:
        """The findings for programs."""
        found = self.evaluation
        policy = found and {
            "violations": [
                {"rule": each.rule.value, "address": each.address, "message": each.message}
                for each in found.violations
            ],
            "allowed": [
                {
                    "rule": violation.rule.value,
                    "address": violation.address,
                    "message": violation.message,
                    "reason": allowance.reason,
                }
                for violation, allowance in found.allowed
            ],
        }
        return {"cost": cost_report.document(self.cost), "policy": policy}

    @property
    def markdown(self) -> str:
        """The findings for a job summary."""
        lines = [
            f"> **The policy refuses this plan.** {violation}\n"
            for violation in (self.evaluation.violations if self.evaluation else ())
        ]
        return "\n".join([*lines, cost_report.markdown(self.cost)])


def open_gates(
    project_root: Path, environment: Environment, plan: Plan, named_losses: Sequence[str] = ()
) -> Gates:
    """
    Compute the cost of a plan and compare it with the policy.

    Args:
        project_root: The folder that holds environments/.
        environment: The environment.
        plan: The plan.
        named_losses: Addresses whose data may be lost, from the command line.

    Raises:
        ConfigurationError: The policy or the project's table of prices is invalid.
    """
    cost = cost_change(plan, read_prices(project_root), environment.region)
    policy = read_policy(project_root, environment.name)
    evaluation = evaluate(policy, plan, cost, named_losses) if policy else None
    return Gates(cost, evaluation)
