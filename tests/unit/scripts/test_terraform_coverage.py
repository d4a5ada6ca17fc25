"""Coverage of settings and rules is read from the test files."""

from __future__ import annotations

import pytest
from terraform_coverage import Coverage, Suite, runs
from terraform_modules import Sources

VARIABLES = """
variable "name" {
  type = string
  validation {
    condition     = var.name != ""
    error_message = "name must not be \\"\\"."
  }
  validation {
    condition     = length(var.name) < 9
    error_message = "name must have at most 8."
  }
}

variable "scaling" {
  type = object({
    max   = optional(number, 2)
    hours = optional(map(object({ from = string, tasks = optional(number) })), {})
    rules = optional(list(object({ port = number, open = optional(bool) })))
  })
  default = null
}

resource "aws_x" "this" {
  lifecycle {
    precondition {
      condition     = var.scaling != null
      error_message = "scaling must be set."
    }
  }
}

check "health" {
  assert {
    condition     = true
    error_message = "It must be healthy."
  }
}
"""
COMMON = """
variables {
  name = "x"
}
"""


def coverage(tests: str) -> Coverage:
    """The coverage of the module above by some tests."""
    return Coverage(Sources({"main.tf": VARIABLES}), Suite(tuple(runs(COMMON + tests))))


def a_run(name: str, variables: str, rest: str = "assert {\n}\n") -> str:
    """A run of a test file."""
    return f'run "{name}" {{\n  variables {{\n    {variables}\n  }}\n  {rest}\n}}\n'


ALL = """scaling = {
      max = 4
      hours = {
        night = { from = "22:00", tasks = 0 }
        "day" = { from = "06:00" }
      }
      rules = [{ port = 1 }, { port = 2, open = true }]
    }"""


def test_members_of_objects_in_maps_and_lists_are_settings_too() -> None:
    """All optional members are listed when no run sets them."""
    assert coverage("").unset == [
        "scaling",
        "scaling.max",
        "scaling.hours",
        "scaling.hours.<key>.tasks",
        "scaling.rules",
        "scaling.rules[].open",
    ]


def test_a_run_sets_the_members_in_its_value() -> None:
    """Keys with any name, elements of lists, and lines without commas count."""
    assert coverage(a_run("all", ALL)).unset == []


@pytest.mark.parametrize(
    "run",
    [
        a_run("refuses", ALL, "expect_failures = [var.scaling]"),
        a_run("looks_at_nothing", ALL, ""),
    ],
)
def test_a_run_without_proof_of_a_setting_does_not_count(run: str) -> None:
    """Neither an expected failure nor a run without assertions counts."""
    assert "scaling.max" in coverage(run).unset


def test_a_computed_value_sets_only_the_variable() -> None:
    """Its members are not visible in the test file."""
    assert "scaling.max" in coverage(a_run("computed", "scaling = merge(var.a, { max = 1 })")).unset
    assert "scaling" not in coverage(a_run("computed", "scaling = merge(var.a, {})")).unset
