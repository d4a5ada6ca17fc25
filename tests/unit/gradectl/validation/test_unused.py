"""A variable or a local value that no expression of its folder refers to is unused."""

from __future__ import annotations

import pytest

from gradectl.validation.hcl import HclError
from gradectl.validation.unused import unused

VARIABLE = 'variable "name" {\n  type = string\n}\n'
OTHER = "variable other {\n  validation {\n    condition = var.name\n  }\n}\n"
LOCAL = "locals {\n  name = 1\n}\n"


def names(text: str, tests: str = "", json: str = "") -> list[tuple[str, str, int]]:
    """Kind, name and line of what is unused."""
    return [(each.kind, each.name, each.line) for each in unused({"a.tf": text}, [tests], [json])]


def test_unused_declarations_are_found_at_their_line() -> None:
    """Both kinds."""
    assert names(VARIABLE + LOCAL) == [("variable", "name", 1), ("local", "name", 5)]


@pytest.mark.parametrize(
    "use",
    [
        "output o { value = var.name }",
        'output o { value = "a-${var.name}" }',
        'output o { value = "${join("-", ["a", "${ var.name }"])}" }',
        "output o {\n  value = <<-X\n    %{ if var.name }a%{ endif }\n  X\n}",
        "resource a b {\n  inner {\n    x = { (var.name) = [1] }\n  }\n}",
        "output o { value = [for each in var.name[*] : each.id] }",
        "output o {\n  value = (\n    # here\n    var.name\n  )\n}",
        'module m {\n  source = "./m"\n  x = var.name\n}',
        OTHER + "output o { value = var.other }",
    ],
)
def test_an_expression_anywhere_is_a_use(use: str) -> None:
    """Also in strings, heredocs, inner blocks and rules of other variables."""
    assert names(f"{VARIABLE}{use}\n") == []


@pytest.mark.parametrize(
    "mention",
    [
        "# var.name",
        'output o { value = "var.name" }',
        'output o { value = "$${var.name}" }',
        "output o { value = each.value.var.name }",
        "output o { value = var.names }",
        "output o { value = local.name }",
    ],
)
def test_a_mere_mention_is_not_a_use(mention: str) -> None:
    """Comments, plain text, other names."""
    assert ("variable", "name", 1) in names(f"{VARIABLE}{mention}\n")


def test_the_rules_of_a_variable_do_not_use_it() -> None:
    """It is checked, and then for nothing."""
    rule = "  validation {\n    condition = var.name > 1\n  }\n}\n"

    assert names(VARIABLE.removesuffix("}\n") + rule) == [("variable", "name", 1)]


def test_a_test_uses_local_values_only() -> None:
    """A variable that only tests set has no effect."""
    test = "run a {\n  assert {\n    condition = local.name + var.name > 1\n  }\n}\n"

    assert names(VARIABLE + LOCAL, tests=test) == [("variable", "name", 1)]


def test_configuration_in_json_uses_both() -> None:
    """As programs write it."""
    assert names(VARIABLE + LOCAL, json='{"a": "${var.name} ${local.name}"}') == []


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("# unused: callers still pass it\n", 0),
        ("# unused: callers\n# still pass it\n", 0),
        ("# the name\n", 1),
        ("# unused: another one\n\n", 1),
    ],
)
def test_a_comment_that_begins_with_unused_is_the_reason(comment: str, found: int) -> None:
    """Any other comment describes the variable."""
    assert len(names(comment + VARIABLE)) == found


def test_invalid_hcl_is_an_error() -> None:
    """What it uses is unknown."""
    with pytest.raises(HclError):
        names('a = "\n')
