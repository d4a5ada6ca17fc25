"""The test file mocks every provider and gives each variable a value of its type."""

from __future__ import annotations

import pytest

from gradectl.validation.hcl import parse
from gradectl.validation.mocked_plan import invented, mock_values, plan_test

WORD = "invented-Value-1"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", WORD),
        ("number", 1),
        ("bool", False),
        ("any", WORD),
        ("list(string)", []),
        ("set(object({ a = string }))", []),
        ("map(number)", {}),
        ("object({ a = string, b = optional(number), c = number })", {"a": WORD, "c": 1}),
        (
            "object({\n    a = object({ b = bool })\n    c = list(object({ d = string }))\n  })",
            {"a": {"b": False}, "c": []},
        ),
        ("object({ a = object({ b = optional(string) }), c = bool })", {"a": {}, "c": False}),
        ("object({})", {}),
    ],
)
def test_a_value_has_the_type_of_its_variable(kind: str, value: object) -> None:
    """Optional members are left out."""
    (block,) = parse(f'variable "x" {{\n  type = {kind}\n}}\n')
    given = block.attribute("type")

    assert given
    assert invented(given.value) == value


def test_the_first_account_and_region_of_a_root_count() -> None:
    """Rules compare them with what data sources say."""
    table = {"aws_x": {"arn": "{region}:{account}"}}

    found = mock_values(table, ["", 'a = "210987654321"', 'b = "eu-west-1"\nc = "123456789012"'])

    assert found == {"aws_x": {"arn": "eu-west-1:210987654321"}}
    assert mock_values(table, []) == {"aws_x": {"arn": "us-east-1:123456789012"}}


def test_each_provider_is_mocked_with_its_aliases_and_data() -> None:
    """Imports get an override."""
    blocks = parse(
        'provider "aws" {\n  alias = "b"\n}\n'
        'import {\n  to = module.m["k"].aws_x.this[each.key]\n  id = "x"\n}\n'
    )

    text = plan_test(["aws", "random"], blocks, {"aws_y": {"json": "${a}"}}, {"v": "%{"})

    found = parse(text)
    assert [block.labels for block in found if block.kind == "mock_provider"] == [
        ("aws",),
        ("random",),
        ("terraform",),
        ("aws",),
    ]
    assert text.count('mock_data "aws_y"') == 2
    assert "target = module.m.aws_x.this\n" in text
    assert '"$${a}"' in text
    assert 'v = "%%{"' in text
