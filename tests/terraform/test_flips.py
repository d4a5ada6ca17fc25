"""Every variable of the root, flipped alone, has the effect on the plan that is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradectl.rendering import declared_variables

ROOT = Path(__file__).resolve().parents[2]
#: Variable -> what it is flipped to, where the plan shows it, and as what; by topic.
TABLES = sorted((Path(__file__).parent / "flips").glob("*.yaml"))
MODULES = sorted(path.name for path in (ROOT / "modules").iterdir())
#: What no plan of the root alone can show, and the test that shows it.
SHOWN_ELSEWHERE = {
    "aws_account_id": "test_provider.py::test_another_account_is_refused_with_both_accounts",
    "aws_region": "test_provider.py::test_everything_is_planned_in_the_region_given",
    "db_admin_password": "test_apply.py::assert_secrets_are_in_ssm_and_not_in_the_state",
    "emulated": "test_provider.py::test_only_an_emulated_account_is_believed_unseen",
    "mq_admin_password": "test_apply.py::assert_secrets_are_in_ssm_and_not_in_the_state",
    "tags": "test_provider.py::test_tags_are_on_everything_beside_our_own",
}

pytestmark = pytest.mark.engine
Verdicts = Mapping[str, Any]  # the Verdict of conftest, by name


@dataclass(frozen=True)
class Flip:
    """
    One row of the table.

    Args:
        variable: The variable.
        to: Its new value.
        look_at: A Terraform expression; `<module>.aws_...` stands for a resource of a module.
        expect: What it gives with the new value, and does not give without it.
        given: Other variables that it needs to have an effect at all; equal before and after.
    """

    variable: str
    to: Any
    look_at: str
    expect: Any
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        """A name for a run of `terraform test`."""
        return re.sub(r"\W+", "_", f"flip_{self.variable}_{self.look_at}")[:120]

    @property
    def seen(self) -> str:
        """The expression, with the outputs that `everything` adds, as JSON."""
        names = "|".join(name.replace("-", "_") for name in MODULES)
        pattern = rf"(?<![\w.])({names})\.(?=aws_)"
        path = re.sub(pattern, r"module.\1.everything.", self.look_at)
        return f'nonsensitive(jsonencode(try({path}, "absent")))'


@cache
def flips() -> list[Flip]:
    """All rows of all tables."""
    return [
        Flip(variable, row["to"], row["look_at"], row["expect"], row.get("given") or {})
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


def holds(flip: Flip, sign: str) -> str:
    """Write that the plan shows the flip's effect (==), or that it does not (!=)."""
    words = literal(f"{flip.variable}: {flip.look_at} {'is' if sign == '==' else 'is already'} ")
    return (
        f"  assert {{\n    condition = {flip.seen} {sign} jsonencode({literal(flip.expect)})\n"
        f'    error_message = join("", [{words}, {flip.seen}])\n  }}'
    )


def written_runs() -> Iterator[tuple[str, str]]:
    """One run for what is planned before, in each surroundings, and one for each flip."""
    surroundings = {literal(flip.given): flip.given for flip in flips()}
    for number, (key, given) in enumerate(surroundings.items()):
        rows = [flip for flip in flips() if literal(flip.given) == key]
        yield f"before_{number}", run(given, [holds(flip, "!=") for flip in rows])
    for flip in flips():
        yield flip.name, run({**flip.given, flip.variable: flip.to}, [holds(flip, "==")])


@pytest.fixture(scope="session")
def verdicts(mocked_plans: Callable[[Mapping[str, str]], Verdicts]) -> Verdicts:
    """What became of each run, and what was said of it, by the run's name."""
    return mocked_plans(dict(written_runs()))


def test_every_variable_of_the_root_is_flipped() -> None:
    """A variable without a row here could be accepted and do nothing."""
    rows = {flip.variable for flip in flips()}

    assert sorted(rows | set(SHOWN_ELSEWHERE)) == declared_variables(ROOT)
    assert rows.isdisjoint(SHOWN_ELSEWHERE)


@pytest.mark.parametrize(("variable", "place"), sorted(SHOWN_ELSEWHERE.items()))
def test_what_a_plan_cannot_show_is_shown_where_it_is_said(variable: str, place: str) -> None:
    """The test named is there, and sets the variable."""
    file, _, function = place.partition("::")
    text = (Path(__file__).parent / file).read_text()

    assert f"def {function}(" in text
    assert variable in text


def test_nothing_is_as_flipped_before_it_is_flipped(verdicts: Verdicts) -> None:
    """Else a row would prove nothing; the surroundings of each row are planned without it, too."""
    before = {name: verdict for name, verdict in verdicts.items() if name.startswith("before_")}

    bad = [
        f"{name}: {verdict.said}" for name, verdict in before.items() if verdict.status != "pass"
    ]
    assert before
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("flip", flips(), ids=lambda flip: f"{flip.variable}-{flip.look_at}")
def test_a_variable_has_the_effect_that_is_written_down(flip: Flip, verdicts: Verdicts) -> None:
    """With that one value changed, the plan holds what the row says."""
    assert verdicts[flip.name].status == "pass", verdicts[flip.name].said
