"""An error about a value that only an account has says nothing about the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.validation.hcl import parse
from gradectl.validation.invented import Called, Invented, placed

ROOT, MODULE = Path("/top/root"), Path("/top/module")
MAIN = """variable "missing" {}
variable "given" {}
locals {
  chained = local.read
  read    = "a-${data.aws_vpc.main.id}"
  plain   = var.given
  loop    = local.loop
}
resource "aws_x" "this" {
  for_each = toset(data.aws_vpc.main.ids)
  name     = data.aws_vpc.main.id
  other    = each.value
  inner {
    size = var.given
  }
}
module "m" {
  source = "../module"
  a      = local.chained
  b      = local.plain
}
output "values" {
  value = [
    module.m.b,
    module.m.a,
  ]
}
resource "aws_y" "this" {
  name  = aws_x.this["a"].name
  id    = aws_x.this["a"].id
  index = local.list[data.aws_vpc.main.id]
  work  = terraform.workspace
  loop  = local.loop
  dynamic "rule" {
    for_each = var.missing
    content {
      port = rule.value.port
    }
  }
  plain = module.m.b
}
"""
IN_MODULE = """variable "a" {
  validation {
    condition     = var.a != ""
  }
}
variable "b" {
  validation {
    condition     = var.b != ""
  }
}
output "a" { value = var.a }
output "b" { value = var.b }
"""


def values(**keys: str) -> Invented:
    """The root, and calls of the module by key and text of the root."""
    texts = {"": (ROOT, MAIN), "m": (MODULE, IN_MODULE)}
    texts |= {key: (MODULE, text) for key, text in keys.items()}
    calls = {
        key: Called(key, path, [(path / "main.tf", block) for block in parse(text)])
        for key, (path, text) in texts.items()
    }
    return Invented(calls, frozenset({"missing"}))


def line(text: str, of: str = MAIN) -> int:
    """The first line of a file that contains a text."""
    return next(number for number, each in enumerate(of.splitlines(), 1) if text in each)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chained =", True),
        ("read    =", True),
        ("plain   =", False),
        ("loop    =", False),
        ("name     = data", True),
        ("other    =", True),
        ("size =", False),
        ("a      =", True),
        ("b      =", False),
        ("module.m.a", True),
        ("name  = aws_x", True),
        ("id    =", False),
        ("index =", True),
        ("work  =", True),
        ("loop  =", False),
        ("port =", True),
        ("plain = module", False),
        ('module "m"', True),
        ('variable "given"', False),
    ],
)
def test_an_invented_value_is_followed_to_where_it_is_used(text: str, expected: bool) -> None:
    """Through local values, modules, resources and loops; computed attributes are unknown."""
    assert values().at(ROOT / "main.tf", line(text)) is expected


def test_a_rule_of_a_module_is_judged_by_what_it_looks_at() -> None:
    """The error is at the call, and names the rule."""
    for name, expected in (("a", True), ("b", False)):
        rule = line(f'variable "{name}"', IN_MODULE) + 1
        detail = f"This was checked by the validation rule at ../module/main.tf:{rule},3-13."
        error = Diagnostic("error", "Invalid value for variable", detail, "nowhere.tf:1")

        assert values().explain(error, ROOT) is expected


def test_a_module_with_one_real_call_is_reported() -> None:
    """Not all of its calls have invented values."""
    text = line("var.a", IN_MODULE)

    assert values().at(MODULE / "main.tf", text)
    assert not values(other=IN_MODULE).at(MODULE / "main.tf", text)


@pytest.mark.parametrize(
    ("summary", "location", "explained"),
    [
        ("Invalid import request", "", True),
        ("No ephemeral resource types in mock providers", "ephemeral.x.y", True),
        ("Invalid value for variable", ".gradectl-plan/plan.tftest.hcl:3", True),
        ("It crashed", "", False),
        ("Unknown", "aws_x.this", False),
        ("Unknown", "elsewhere.tf:1", False),
    ],
)
def test_only_known_limits_of_mocks_are_explained(
    summary: str, location: str, explained: bool
) -> None:
    """Any other error counts."""
    assert values().explain(Diagnostic("error", summary, "", location), ROOT) is explained


def test_an_error_about_a_default_is_placed_at_the_rule() -> None:
    """Terraform gives no place; a failed check block only warns, as in a real plan."""
    detail = "This was checked by the validation rule at m/main.tf:9,3-13."

    assert placed(Diagnostic("error", "x", detail, "")).location == "m/main.tf:9"
    assert placed(Diagnostic("error", "x", detail, "main.tf:1")).location == "main.tf:1"
    failed = Diagnostic("error", "Check block assertion failed", "", "main.tf:1")
    assert placed(failed).severity == "warning"
