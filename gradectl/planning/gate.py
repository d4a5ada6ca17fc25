"""Asks for confirmation of a plan."""

from __future__ import annotations

from gradectl.planning.plan import Plan
from gradectl.ui import Ui


def confirm_changes(ui: Ui, environment: str, plan: Plan, given: str | None) -> None:
    """
    Ask for confirmation, or for the environment's name when data would be lost.

    Args:
        ui: The terminal.
        environment: Name of the environment.
        plan: The plan.
        given: Value of --confirm; None to ask.

    Raises:
        RefusedError: The plan was not confirmed.
    """
    if plan.losses:
        lost = "\n".join(f"  {change.address}" for change in plan.losses)
        question = f"The data of these resources is lost for good:\n{lost}"
        ui.confirm_name(question, environment, given)
    else:
        ui.confirm(f"Apply these changes to {environment}?")
