"""Two reviewed plans are compared change by change, without their values."""

from __future__ import annotations

from typing import Any

from plans import item, plan_of

from gradectl.planning.plan import normalised
from gradectl.planning.plan_diff import compare


def reviewed(salt: str, *items: dict[str, Any], **document: Any) -> dict[str, Any]:
    """A file of `gradectl plan --out`; each has its own salt."""
    return normalised(plan_of(*items, **document), salt)


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each.sign, each.address, each.text) for each in compare(one, other).differences]


def test_equal_plans_have_no_differences() -> None:
    """Written at different times."""
    change = item("aws_vpc.this", {"a": 1})

    assert differences(reviewed("a", change), reviewed("b", change)) == []


def test_changes_that_only_one_plan_has() -> None:
    """With the action."""
    one, other = item("aws_vpc.a", {}), item("aws_vpc.b", None, {})

    assert differences(reviewed("a", one), reviewed("b", other)) == [
        ("-", "aws_vpc.a", "create"),
        ("+", "aws_vpc.b", "delete"),
    ]


def test_the_attributes_that_differ_are_named_without_values() -> None:
    """Current and planned values are different questions."""
    one = item("aws_vpc.a", {"x": 2, "y": "planned"}, {"x": 1, "y": 0})
    other = item("aws_vpc.a", {"x": 3, "y": "planned"}, {"x": 1, "y": 1})

    assert differences(reviewed("a", one), reviewed("b", other)) == [
        ("~", "aws_vpc.a", "current value of y"),
        ("~", "aws_vpc.a", "planned value of x"),
    ]


def test_another_action_and_other_unknown_values() -> None:
    """An update that became a replacement is the important difference."""
    one = item("aws_vpc.a", {"x": 2}, {"x": 1})
    other = item("aws_vpc.a", {"x": 2}, {"x": 1}, actions=["delete", "create"])
    unknown = item("aws_vpc.a", {"x": 2}, {"x": 1}, after_unknown={"id": True})

    assert differences(reviewed("a", one), reviewed("b", other)) == [
        ("~", "aws_vpc.a", "update became replace")
    ]
    assert [each[1] for each in differences(reviewed("a", one), reviewed("b", unknown))] == [
        "aws_vpc.a"
    ]


def test_outputs_differ_by_name() -> None:
    """Both ways."""
    one = reviewed("a", output_changes={"x": {"actions": ["create"]}})
    other = reviewed("b", output_changes={"y": {"actions": ["create"]}})

    assert differences(one, other) == [("-", "output x", "changes"), ("+", "output y", "changes")]


def test_passwords_differ_by_name_and_are_otherwise_not_compared() -> None:
    """Their fingerprints have another salt in each file; a plan that writes none has none."""
    one = {"passwords": {"both": "x", "first": "x"}}
    other = {"passwords": {"both": "y", "second": "y"}}

    assert differences(one, other) == [
        ("-", "password first", "given to this plan only"),
        ("+", "password second", "given to this plan only"),
    ]
    assert compare(one, other).incomparable == ("password both",)
    assert differences({"passwords": None}, {}) == []


def test_sensitive_values_are_not_compared_and_the_comparison_says_so() -> None:
    """Their fingerprints have another salt in each file, so equal ones look different."""
    marks = {"after_sensitive": {"p": True}}
    one = reviewed("a", item("aws_x.y", {"p": "secret", "q": 1}, **marks))
    other = reviewed("b", item("aws_x.y", {"p": "secret", "q": 2}, **marks))

    found = compare(one, other)

    assert [each.text for each in found.differences] == ["planned value of q"]
    assert found.incomparable == ("aws_x.y",)
    assert "secret" not in repr(found)
