"""
A few whole tfvars files of the root, and the planned values that each of their variables causes.

`scenarios/NAME.tfvars` is what a person writes, `scenarios/NAME.yaml` what the plan then shows, by
the variable that causes it. No expected value is there in a plan of the defaults. That each value
needs its variable is shown by leaving out one variable at a time, which takes minutes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradectl.deploy.rendering import declared_variables

ROOT = Path(__file__).resolve().parents[2]
FILES = Path(__file__).parent / "scenarios"
_APPLIED = "lives/local.py::assert_secrets_are_in_ssm_and_not_in_the_state"
_APPLIED_API = "lives/api.py::assert_secrets_are_in_ssm_and_not_in_the_state"
#: What no plan of the root alone can show, and the test that shows it.
SHOWN_ELSEWHERE = {
    "aws_account_id": "test_provider.py::test_another_account_is_refused_with_both_accounts",
    "aws_region": "test_provider.py::test_everything_is_planned_in_the_region_given",
    "db_admin_password": _APPLIED,
    "db_application_password": _APPLIED,
    "db_web_password": _APPLIED_API,
    "emulated": "test_provider.py::test_only_an_emulated_account_is_believed_unseen",
    "mq_admin_password": _APPLIED,
    "mq_engine_type": "test_refusals.py::test_a_wrong_value_is_refused_with_what_is_allowed",
    "mq_user_passwords": _APPLIED,
    "redis_password": _APPLIED_API,
    "tags": "test_provider.py::test_tags_are_on_everything_beside_our_own",
    "webhook_header_secrets": _APPLIED_API,
    "webhook_secret": _APPLIED_API,
}
#: `<module>.aws_...`, where the module may have an index
_IN_MODULE = re.compile(r"(?<![\w.])([a-z_]+(?:\[[^\]]*\])?)\.(?=aws_)")
#: Where a variable of a tfvars file begins.
_VARIABLE = re.compile(r"^(?=[a-z_][a-z0-9_]*\s*=)", re.MULTILINE)
#: What the provider checks in a plan of the defaults too.
PASSWORDS = (
    'db_admin_password = "a-Password-for-tests-1"\nmq_admin_password = "a-Password-for-tests-1"\n'
)

pytestmark = pytest.mark.engine
Verdicts = Mapping[str, Any]  # the Verdict of conftest, by name
Plan = Callable[[Mapping[str, str]], Verdicts]


@dataclass(frozen=True)
class Scenario:
    """
    One tfvars file and what its plan shows.

    Args:
        name: The name of both files.
        settings: The text of each variable's assignment, by variable.
        shows: Terraform expression to planned value, by the variable that causes it;
            `<module>.aws_...` is a resource of a module.
    """

    name: str
    settings: Mapping[str, str]
    shows: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, tfvars: Path) -> Scenario:
        """Read a scenario from its two files."""
        parts = _VARIABLE.split(tfvars.read_text())[1:]
        settings = {part.split("=")[0].strip(): part for part in parts}
        shows = yaml.safe_load(tfvars.with_suffix(".yaml").read_text())
        return cls(tfvars.stem, settings, shows)

    def run(self) -> str:
        """Write a plan in which each expected value is there."""
        asserts = [
            holds(f"[{self.name}: {variable}]", look_at, "==", expected)
            for variable, values in self.shows.items()
            for look_at, expected in values.items()
        ]
        return run("".join(self.settings.values()), asserts)

    def run_without(self, variable: str) -> str:
        """Write a plan without a variable, in which at least one of its values is missing."""
        rest = "".join(text for name, text in self.settings.items() if name != variable)
        values = self.shows[variable].items()
        found = " && ".join(
            f"{seen(each)} == jsonencode({literal(value)})" for each, value in values
        )
        mark = f"[{self.name} without {variable}] shows the same"
        return run(
            rest,
            [f"  assert {{\n    condition = !({found})\n    error_message = {literal(mark)}\n  }}"],
        )


SCENARIOS = [Scenario.read(path) for path in sorted(FILES.glob("*.tfvars"))]
CAUSES = [(each, variable) for each in SCENARIOS for variable in each.shows]


def seen(look_at: str) -> str:
    """Write an expression as one whose value is compared as JSON."""
    path = _IN_MODULE.sub(r"module.\1.everything.", look_at)
    return f'nonsensitive(jsonencode(try({path}, "absent")))'


def holds(mark: str, look_at: str, sign: str, expected: object) -> str:
    """Write that a plan shows a value (==), or that it does not (!=)."""
    words = literal(f"{mark} {look_at} {'is' if sign == '==' else 'is already'} ")
    return (
        f"  assert {{\n    condition = {seen(look_at)} {sign} jsonencode({literal(expected)})\n"
        f'    error_message = join("", [{words}, {seen(look_at)}])\n  }}'
    )


def literal(value: object) -> str:
    """Write a value in Terraform's language, of which JSON is a part but for templates."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def run(settings: str, asserts: list[str]) -> str:
    """Write one plan of the root, and what must hold of it."""
    blocks = "\n".join(asserts)
    return f'run "plan" {{\n  command = plan\n  variables {{\n{settings}\n  }}\n{blocks}\n}}\n'


def run_with_defaults() -> str:
    """Write a plan of the defaults, in which none of the expected values is there."""
    return run(
        PASSWORDS,
        [
            holds(f"[{each.name}: {variable}]", look_at, "!=", expected)
            for each, variable in CAUSES
            for look_at, expected in each.shows[variable].items()
        ],
    )


def written_runs() -> dict[str, str]:
    """Write the plans of all scenarios and of the defaults, by name."""
    return {"defaults": run_with_defaults(), **{each.name: each.run() for each in SCENARIOS}}


@pytest.fixture(scope="session")
def verdicts(mocked_plans: Plan) -> Verdicts:
    """The outcome of each plan and its errors, by the name of the plan."""
    return mocked_plans(written_runs())


def test_every_variable_of_the_root_is_in_a_scenario() -> None:
    """A variable that no scenario sets could be accepted and do nothing."""
    shown = {variable for _, variable in CAUSES}

    assert sorted(shown | set(SHOWN_ELSEWHERE)) == declared_variables(ROOT)
    assert shown.isdisjoint(SHOWN_ELSEWHERE)


def test_every_cause_is_set_in_its_scenario() -> None:
    """A value cannot be caused by what the file does not set."""
    assert [
        f"{each.name}: {variable}" for each, variable in CAUSES if variable not in each.settings
    ] == []


@pytest.mark.parametrize(("variable", "place"), sorted(SHOWN_ELSEWHERE.items()))
def test_what_a_plan_cannot_show_is_shown_where_it_is_said(variable: str, place: str) -> None:
    """The test named is there, and sets the variable."""
    file, _, function = place.partition("::")
    folder = Path(__file__).parent
    texts = [(folder / file).read_text(), *(p.read_text() for p in folder.glob("refusals.yaml"))]

    assert f"def {function}(" in texts[0]
    assert any(variable in text for text in texts)


def test_all_plans_could_be_made(verdicts: Verdicts) -> None:
    """A plan that was refused would show nothing."""
    problems = [
        f"{name}: {line}"
        for name, each in verdicts.items()
        for line in each.said.splitlines()
        if not line.startswith("Test assertion failed") and not is_open(line)
    ]

    assert len(verdicts) == len(SCENARIOS) + 1
    assert problems == []


def is_open(line: str) -> bool:
    """Return whether a value differs because AWS sets it after the plan."""
    return line.startswith("Unknown condition value") and ")) != jsonencode(" in line


@pytest.mark.parametrize(
    ("scenario", "variable"), CAUSES, ids=[f"{each.name}-{variable}" for each, variable in CAUSES]
)
def test_a_variable_causes_the_planned_values(
    scenario: Scenario, variable: str, verdicts: Verdicts
) -> None:
    """They are in the plan of the scenario, and not in that of the defaults."""
    mark = f"[{scenario.name}: {variable}]"
    lines = [line for each in verdicts.values() for line in each.said.splitlines()]

    assert [line for line in lines if mark in line] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_without_a_variable_its_values_are_missing(scenario: Scenario, mocked_plans: Plan) -> None:
    """One plan for each variable of the scenario: it fails, or shows something else."""
    runs = {variable: scenario.run_without(variable) for variable in scenario.shows}
    verdicts = mocked_plans(runs)
    same = [
        line
        for each in verdicts.values()
        for line in each.said.splitlines()
        if "shows the same" in line and line.startswith("Test assertion failed")
    ]

    assert len(verdicts) == len(runs)
    assert same == []
