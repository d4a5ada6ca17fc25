"""Resources that exist are imported instead of created a second time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plans import item, plan_of

from gradectl.adapters.aws.existing import Existing
from gradectl.planning.plan import Plan
from gradectl.setup.import_file import ImportBlock, import_text
from gradectl.setup.importing import search_imports


class Account:
    """An in-memory account: type and name of a resource -> what is found."""

    def __init__(self, **found: Existing) -> None:
        self._found = found

    def find(self, kind: str, values: Mapping[str, Any]) -> Existing | None:
        return self._found.get(f"{kind}_{values.get('name')}")


class Root:
    """A root whose plan imports what was written, and then knows more values."""

    def __init__(self, *rounds: Plan) -> None:
        self._rounds = list(rounds)
        self.written: list[ImportBlock] = []

    def plan(self) -> Plan:
        return self._rounds.pop(0)

    def write(self, blocks: Sequence[ImportBlock]) -> None:
        self.written = list(blocks)


GROUP = item("aws_security_group.a", {"name": "workers"})
RULE = item("aws_vpc_security_group_ingress_rule.a", {})
IMPORTED = item(
    "aws_security_group.a", {"name": "workers"}, {"name": "workers"}, importing={"id": "sg-1"}
)
KNOWN_RULE = item("aws_vpc_security_group_ingress_rule.a", {"name": "sg-1"})


def test_what_an_import_makes_known_is_found_in_the_next_round() -> None:
    """A rule is found by the ID of its group."""
    account = Account(
        aws_security_group_workers=Existing("sg-1"),
        **{"aws_vpc_security_group_ingress_rule_sg-1": Existing("sgr-1")},
    )
    end = plan_of(IMPORTED)
    root = Root(plan_of(GROUP, RULE), plan_of(IMPORTED, KNOWN_RULE), end)

    found = search_imports(root.plan, account, root.write)

    assert root.written == [
        ImportBlock("aws_security_group.a", "sg-1"),
        ImportBlock("aws_vpc_security_group_ingress_rule.a", "sgr-1"),
    ]
    assert list(found.blocks) == root.written
    assert found.plan is end


def test_a_dry_run_searches_once_and_nothing_is_found_twice() -> None:
    """Nothing is written, so nothing more would become known."""
    account = Account(aws_security_group_workers=Existing("sg-1"))
    root = Root(plan_of(GROUP, RULE))

    found = search_imports(root.plan, account, root.write, once=True)

    assert found.blocks == (ImportBlock("aws_security_group.a", "sg-1"),)


def test_secrets_and_ambiguous_resources_are_left_out_with_a_next_step() -> None:
    """Terraform would write the secret into its plan."""
    account = Account(
        aws_ssm_parameter_password=Existing("password", secret=True),
        aws_security_group_workers=Existing(""),
    )
    root = Root(plan_of(item("aws_ssm_parameter.p", {"name": "password"}), GROUP))

    found = search_imports(root.plan, account, root.write)

    assert not found.blocks
    assert not root.written
    assert {one.address: one.next_step.split(",")[0] for one in found.left_out} == {
        "aws_security_group.a": "delete or rename all but one",
        "aws_ssm_parameter.p": "keep its value",
    }


def test_a_plan_with_only_imports_is_not_empty() -> None:
    """Apply has to run; an imported resource that also changes counts as both."""
    changed = item("aws_vpc.a", {"a": 2}, {"a": 1}, importing={"id": "vpc-1"})

    assert not plan_of(IMPORTED).empty
    assert plan_of(IMPORTED).headline == "1 to import"
    assert plan_of(IMPORTED, changed).headline == "1 to update, 2 to import"


def test_an_import_that_replaces_is_pointed_out() -> None:
    """Else its data would be lost unnoticed."""
    change = item(
        "aws_security_group.a",
        {"name": "workers"},
        {"name": "other"},
        actions=["delete", "create"],
        importing={"id": "sg-1"},
        replace_paths=[["name"]],
    )
    found = search_imports(Root(plan_of(change)).plan, Account(), Root().write)

    assert [each.address for each in found.replaced] == ["aws_security_group.a"]


def test_the_blocks_are_those_of_one_environment() -> None:
    """The root is shared, so all other environments import nothing."""
    text = import_text("dev", [ImportBlock('module.p.aws_ssm_parameter.this["a"]', "/dev/${a}")])

    assert 'to       = module.p.aws_ssm_parameter.this["a"]' in text
    assert 'for_each = var.environment_name == "dev" ? toset(["/dev/$${a}"]) : toset([])' in text
    assert "gradectl import dev" in text


def test_a_plan_that_ignores_an_import_ends_the_search() -> None:
    """Else the same resource would be found for ever."""
    account = Account(aws_security_group_workers=Existing("sg-1"))
    root = Root(plan_of(GROUP), plan_of(GROUP))

    found = search_imports(root.plan, account, root.write)

    assert found.blocks == (ImportBlock("aws_security_group.a", "sg-1"),)
