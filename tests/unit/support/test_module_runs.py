"""Tests of a module, rewritten for one process: what is merged, and what is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from module_runs import ModuleRuns

VARIABLES = """
variable "a" {
  validation {
    condition = var.a > 1
  }
}
variable "b" {
  validation {
    condition = var.b > 1
  }
}
variable "c" {
  validation {
    condition = alltrue([for each in var.c : each > local.least])
  }
}
locals {
  least = var.a + 1
}
resource "aws_x" "this" {
  lifecycle {
    precondition {
      condition = var.a != var.b
    }
  }
}
"""
TESTS = """
variables {
  a = 2
}
run "works" {
  command = plan
}
"""
SILENT = ["main.tf:3", "main.tf:8", "main.tf:13", "main.tf:22"]


def refusal(expected: str, **values: str) -> str:
    """A run that expects a refusal."""
    lines = "\n".join(f"    {name} = {value}" for name, value in values.items())
    body = f"  variables {{\n{lines}\n  }}\n  expect_failures = [{expected}]\n"
    return f'run "refuses" {{\n  command = plan\n{body}}}\n'


def runs_of(module: Path, *refusals: str) -> ModuleRuns:
    """The runs of a module with these refusals."""
    (module / "tests").mkdir()
    (module / "main.tf").write_text(VARIABLES)
    (module / "tests" / "all.tftest.hcl").write_text(TESTS + "".join(refusals))
    return ModuleRuns.of(module)


def status(value: str) -> str:
    """The event of the end of the accepted run."""
    return json.dumps(
        {
            "type": "test_run",
            "@testfile": "rewritten/all.tftest.hcl",
            "@testrun": "works",
            "test_run": {"status": value},
        }
    )


def error(number: int, line: int) -> str:
    """The event of a refusal by the rule at a line."""
    said = {
        "severity": "error",
        "summary": "Invalid value for variable",
        "detail": f"This was checked by the validation rule at main.tf:{line},3-13.",
    }
    file = f"rewritten/refused-{number}.tftest.hcl"
    return json.dumps({"type": "diagnostic", "@testfile": file, "diagnostic": said})


@pytest.mark.parametrize(
    ("first", "second", "plans"),
    [
        (refusal("var.a", a="0"), refusal("var.b", b="0"), 1),
        (refusal("var.a", a="0"), refusal("var.a", a="1"), 2),
        (refusal("var.a", a="0"), refusal("var.c", c="[0]"), 2),
        (refusal("var.b", b="0"), refusal("var.c", c="[0]"), 1),
        (refusal("var.b", b="0"), refusal("var.c", a="9", c="[9]"), 1),
        (refusal("var.c", c="[0]"), refusal("aws_x.this", b="2"), 2),
    ],
    ids=[
        *("rules of their own", "the same variable", "through a local value"),
        *("a rule that looks elsewhere", "a second variable", "a condition of a resource"),
    ],
)
def test_refusals_share_a_plan_if_none_influences_the_other(
    tmp_path: Path, first: str, second: str, plans: int
) -> None:
    """Terraform leaves out a rule that looks at a refused variable."""
    assert len(runs_of(tmp_path, first, second).refusals) == plans


def test_runs_that_end_as_expected_are_no_mistake(tmp_path: Path) -> None:
    """The accepted run passes, and both variables of one plan are refused."""
    runs = runs_of(tmp_path, refusal("var.a", a="0"), refusal("var.b", b="0"))
    stream = "\n".join([status("pass"), error(0, 3), error(0, 8)])

    assert list(runs.mistakes(stream)) == []
    assert runs.silent_rules(stream) == SILENT[2:]


@pytest.mark.parametrize(
    "events",
    [
        [status("fail"), error(0, 3), error(0, 8)],
        [error(0, 3), error(0, 8)],
        [status("pass"), error(0, 3)],
        [status("pass"), error(0, 3), error(0, 8), error(0, 13)],
        [status("pass"), error(0, 3), error(0, 8), error(0, 99)],
    ],
    ids=["fails", "does not run", "accepted", "refused by another", "another error"],
)
def test_what_ends_otherwise_is_a_mistake(tmp_path: Path, events: list[str]) -> None:
    """Also a plan in which only one of its refusals is missing."""
    runs = runs_of(tmp_path, refusal("var.a", a="0"), refusal("var.b", b="0"))

    assert list(runs.mistakes("\n".join(events)))
