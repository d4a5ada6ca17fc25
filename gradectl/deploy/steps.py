"""The steps of a deployment: which of them run, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gradectl.errors import UsageError

#: Name of a step -> its purpose, in the order in which they run.
STEPS = {
    "verify": "check account, tools, image, parameters and network",
    "image": "build and push the image of the workers, unless the repository has it",
    "plan": "compute the changes",
    "gate": "compare them with the policy, and ask for confirmation",
    "apply": "change the resources",
    "secrets": "set the passwords of the broker's users and of Redis",
    "migrate": "migrate the database",
    "wait": "wait until the workers and the HTTP API run",
    "smoke": "send a job through each queue",
}
#: The plan is kept in memory only, so a run that begins within these steps begins with the first.
_ONE_UNIT = ("plan", "gate", "apply")


class State(StrEnum):
    """What became of a step."""

    DONE = "done"
    FAILED = "failed"
    NOT_REACHED = "not-reached"


@dataclass(frozen=True)
class StepResult:
    """
    One step of a run.

    Attributes:
        name: Name of the step.
        state: What became of it.
        seconds: Duration.
        detail: The outcome in a few words, or the error.
    """

    name: str
    state: State
    seconds: float = 0.0
    detail: str = ""


def select_steps(first: str | None, last: str | None, only: str | None) -> list[str]:
    """
    Select the steps of a run.

    Args:
        first: Value of --from.
        last: Value of --until.
        only: Value of --only.

    Raises:
        UsageError: The options contradict each other.
    """
    names = list(STEPS)
    if only and (first or last):
        text = "--only names the one step to run, so --from and --until cannot be used with it"
        raise UsageError(text, where="--only", next_step="omit one of them")
    begin, end = only or first or names[0], only or last or names[-1]
    if names.index(begin) > names.index(end):
        text = f"{begin} runs after {end}, so no step is left"
        order = f"the order is {', '.join(names)}"
        raise UsageError(text, where="--from, --until", next_step=order)
    if begin in _ONE_UNIT:
        begin = _ONE_UNIT[0]
    return names[names.index(begin) : names.index(end) + 1]


def following(name: str, chosen: Sequence[str]) -> str:
    """The step after `name` in a run; "" after the last."""
    at = chosen.index(name) + 1
    return chosen[at] if at < len(chosen) else ""
