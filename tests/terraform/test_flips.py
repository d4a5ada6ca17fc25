"""
Every variable of the root, flipped, has the effect on the plan that is written down, and it alone.

A plan takes a second, so many variables are flipped in each. Which ones is a code: no variable's
set of plans lies in that of another. So each variable is flipped once without any other one, and
its effect has to be there in exactly the plans in which it is flipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, count
from math import comb
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradectl.deploy.rendering import declared_variables

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted((Path(__file__).parent / "flips").glob("*.yaml"))
#: What is equal before and after the flips of a table's rows, by the name in `given`.
SURROUNDINGS = yaml.safe_load((Path(__file__).parent / "surroundings.yaml").read_text())
_APPLIED = "lives/local.py::assert_secrets_are_in_ssm_and_not_in_the_state"
#: What no plan of the root alone can show, and the test that shows it.
SHOWN_ELSEWHERE = {
    "aws_account_id": "test_provider.py::test_another_account_is_refused_with_both_accounts",
    "aws_region": "test_provider.py::test_everything_is_planned_in_the_region_given",
    "db_admin_password": _APPLIED,
    "db_application_password": _APPLIED,
    "emulated": "test_provider.py::test_only_an_emulated_account_is_believed_unseen",
    "mq_admin_password": _APPLIED,
    "mq_engine_type": "test_refusals.py::test_a_wrong_value_is_refused_with_what_is_allowed",
    "mq_user_passwords": _APPLIED,
    "tags": "test_provider.py::test_tags_are_on_everything_beside_our_own",
}
#: `<module>.aws_...`, where the module may have an index
_IN_MODULE = re.compile(r"(?<![\w.])([a-z_]+(?:\[[^\]]*\])?)\.(?=aws_)")

pytestmark = pytest.mark.engine
Verdicts = Mapping[str, Any]  # the Verdict of conftest, by name


@dataclass(frozen=True)
class Effect:
    """What a Terraform expression gives with a flip; `<module>.aws_...` is a module's resource."""

    look_at: str
    expect: Any

    def holds(self, sign: str, mark: str) -> str:
        """Write that a plan shows it (==), or that it does not (!=)."""
        path = _IN_MODULE.sub(r"module.\1.everything.", self.look_at)
        seen = f'nonsensitive(jsonencode(try({path}, "absent")))'
        words = literal(f"{mark} {self.look_at} {'is' if sign == '==' else 'is already'} ")
        return (
            f"  assert {{\n    condition = {seen} {sign} jsonencode({literal(self.expect)})\n"
            f'    error_message = join("", [{words}, {seen}])\n  }}'
        )


@dataclass(frozen=True)
class Flip:
    """One row of a table: a variable, its new value, and what the plan then shows."""

    variable: str
    to: Any
    effects: Sequence[Effect]
    given: str
    alone: bool

    @property
    def mark(self) -> str:
        """Words that tell it from all others."""
        return f"[{self.variable} = {json.dumps(self.to)}]"

    def holds(self, sign: str) -> list[str]:
        """Write that a plan shows all effects, or none of them."""
        return [effect.holds(sign, self.mark) for effect in self.effects]


@cache
def flips() -> list[Flip]:
    """All rows of all tables."""
    return [
        Flip(
            variable,
            row["to"],
            [Effect(look_at, expect) for look_at, expect in row["shows"].items()],
            row.get("given", "plain"),
            row.get("alone", False),
        )
        for table in TABLES
        for variable, rows in yaml.safe_load(table.read_text()).items()
        for row in (rows if isinstance(rows, list) else [rows])
    ]


def literal(value: object) -> str:
    """Write a value in Terraform's language, of which JSON is a part but for templates."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def run(variables: Mapping[str, Any], asserts: list[str]) -> str:
    """Write one plan of the root, and what must hold of it."""
    settings = "\n".join(f"    {key} = {literal(value)}" for key, value in variables.items())
    blocks = "\n".join(asserts)
    return f'run "plan" {{\n  command = plan\n  variables {{\n{settings}\n  }}\n{blocks}\n}}\n'


def codes(number: int) -> list[frozenset[int]]:
    """Give so many sets of plans, as few plans as possible, none of them within another."""
    plans = next(each for each in count(2) if comb(each, each // 2) >= number)
    return [frozenset(chosen) for chosen in combinations(range(plans), plans // 2)][:number]


def written_runs() -> Iterator[tuple[str, str]]:
    """The plans of each surroundings: before, those by the code, and one for each row alone."""
    for given, fixed in SURROUNDINGS.items():
        rows = [flip for flip in flips() if flip.given == given]
        yield f"{given}_before", run(fixed, [line for row in rows for line in row.holds("!=")])
        shared = [row for row in rows if not row.alone]
        coded = dict(zip([row.mark for row in shared], codes(len(shared)), strict=True))
        for plan in sorted(frozenset().union(*coded.values())):
            flipped = {row.variable: row.to for row in shared if plan in coded[row.mark]}
            signs = [(row, "==" if plan in coded[row.mark] else "!=") for row in shared]
            lines = [line for row, sign in signs for line in row.holds(sign)]
            yield f"{given}_shared_{plan}", run({**fixed, **flipped}, lines)
        for index, row in enumerate(row for row in rows if row.alone):
            settings = {**fixed, row.variable: row.to}
            yield f"{given}_alone_{index}_{row.variable}", run(settings, row.holds("=="))


@pytest.fixture(scope="session")
def verdicts(mocked_plans: Callable[[Mapping[str, str]], Verdicts]) -> Verdicts:
    """What became of each run, and what was said of it, by the run's name."""
    return mocked_plans(dict(written_runs()))


def test_every_variable_of_the_root_is_flipped() -> None:
    """A variable without a row here could be accepted and do nothing."""
    rows = {flip.variable for flip in flips()}

    assert sorted(rows | set(SHOWN_ELSEWHERE)) == declared_variables(ROOT)
    assert rows.isdisjoint(SHOWN_ELSEWHERE)


def test_no_variable_is_flipped_only_together_with_another() -> None:
    """Else the effect of one could be taken for that of the other."""
    for number in (1, 2, 3, 20, 70, 71):
        given = codes(number)
        assert len(given) == number
        assert not any(one <= other for one in given for other in given if one is not other)


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
        if not line.startswith("Test assertion failed") and not _is_open(line)
    ]

    assert len(verdicts) == len(dict(written_runs()))
    assert problems == []


def _is_open(line: str) -> bool:
    """Tell that a value was not as flipped because it is left to AWS, which says it afterwards."""
    return line.startswith("Unknown condition value") and ")) != jsonencode(" in line


@pytest.mark.parametrize("flip", flips(), ids=lambda flip: f"{flip.variable}={flip.to}"[:60])
def test_a_variable_has_the_effect_that_is_written_down(flip: Flip, verdicts: Verdicts) -> None:
    """It is in all plans in which the variable is flipped, and in no other one."""
    lines = [line for each in verdicts.values() for line in each.said.splitlines()]

    assert [line for line in lines if flip.mark in line] == []
