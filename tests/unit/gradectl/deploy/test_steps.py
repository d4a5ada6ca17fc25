"""Which steps a run of `gradectl deploy` has."""

from __future__ import annotations

import pytest

from gradectl.deploy.steps import STEPS, following, select_steps
from gradectl.errors import ExitCode, UsageError

ALL = list(STEPS)


def test_without_options_all_steps_run_in_order() -> None:
    """The plan comes before the apply, and the smoke test last."""
    chosen = select_steps(None, None, None)

    assert chosen == ALL
    assert chosen.index("plan") < chosen.index("gate") < chosen.index("apply")
    assert chosen[-1] == "smoke"


def test_a_run_can_begin_and_end_anywhere() -> None:
    """--from, --until and both."""
    assert select_steps("wait", None, None) == ["wait", "smoke"]
    assert select_steps(None, "plan", None) == ALL[: ALL.index("plan") + 1]
    assert (
        select_steps("secrets", "wait", None) == ALL[ALL.index("secrets") : ALL.index("wait") + 1]
    )


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("gate", "apply")])
def test_one_step_can_run_alone(name: str) -> None:
    """--only."""
    assert select_steps(None, None, name) == [name]


@pytest.mark.parametrize(("name", "chosen"), [("gate", 2), ("apply", 3)])
def test_an_apply_always_has_a_plan_of_its_own(name: str, chosen: int) -> None:
    """A plan is not kept, and an apply without the gate would be unasked."""
    assert select_steps(None, None, name) == ["plan", "gate", "apply"][:chosen]
    assert select_steps(name, None, None)[:3] == ["plan", "gate", "apply"]


@pytest.mark.parametrize("options", [("wait", "plan", None), ("plan", None, "wait")])
def test_contradicting_options_are_refused(
    options: tuple[str | None, str | None, str | None],
) -> None:
    """An empty run would look like a success."""
    with pytest.raises(UsageError) as caught:
        select_steps(*options)

    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.next_step


def test_the_following_step_is_the_next_of_the_run() -> None:
    """None after the last."""
    assert following("plan", ["plan", "wait"]) == "wait"
    assert following("wait", ["plan", "wait"]) == ""
