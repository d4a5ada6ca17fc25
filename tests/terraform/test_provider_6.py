"""
Version 6 of the AWS provider has the types, arguments and attributes that our files use.

The tests run with version 5. What version 6 has is in provider-6.json, which
`scripts/provider_arguments.py` writes; that a plan with it works remains unproven.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from provider_arguments import OUTPUT, TOP, files, type_of

from gradectl.validation.hcl import Block, parse, tokens

KNOWN: dict[str, Any] = json.loads(OUTPUT.read_text())
#: Arguments and blocks that Terraform itself has.
OWN = {"count", "depends_on", "for_each", "lifecycle", "provider", "provisioner", "connection"}
#: `aws_db_instance.this[0].arn`; between tokens of code is one space.
REFERENCE = re.compile(
    r"(?<![\w.])(data *\. *)?(aws_\w+) *\. *\w+ *(?:\[[^\]]*\] *)*\. *([a-z]\w*)"
)
AGAIN = "run scripts/provider_arguments.py where the type is new, else use what both versions have"


#: Blocks that may contain themselves, for which the bindings have no type.
RECURSIVE = frozenset({"aws_wafv2_web_acl.rule.statement"})


def mistakes(text: str) -> Iterator[str]:
    """What a Terraform file uses and version 6 lacks."""
    for block in parse(text) if '"aws' in text else ():
        named = type_of(block)
        if named is None:
            continue
        known = KNOWN[named[0]].get(named[1])
        if known is None:
            yield f"line {block.line}: no {block.kind} {named[1]}"
        else:
            yield from wrong_arguments(block, known, named[1])
    yield from wrong_references(text)


def wrong_arguments(block: Block, known: Mapping[str, Any], name: str) -> Iterator[str]:
    """Arguments and inner blocks that do not exist, and required ones that are missing."""
    given = {item.name: item.line for item in block.attributes}
    for inner in block.blocks:
        body = inner
        label = inner.kind
        if inner.kind == "dynamic":
            label = inner.labels[0]
            body = next(each for each in inner.blocks if each.kind == "content")
        given[label] = inner.line
        below = known["arguments"].get(label)
        if below:
            yield from wrong_arguments(body, below, f"{name}.{label}")
        elif label in known["arguments"] and f"{name}.{label}" not in RECURSIVE:
            yield f"line {inner.line}: {name}.{label} is an argument, not a block"
    for argument in given.keys() - known["arguments"].keys() - OWN:
        yield f"line {given[argument]}: no argument {name}.{argument}"
    for argument in set(known["required"]) - given.keys():
        yield f"line {block.line}: {name}.{argument} is required"


def wrong_references(text: str) -> Iterator[str]:
    """Attributes of resources that do not exist."""
    if "aws_" not in text:
        return
    code = " ".join(token.text for token in tokens(text) if token.kind != "comment")
    for data, name, attribute in REFERENCE.findall(code):
        known = KNOWN["data-sources" if data else "resources"].get(name)
        if known is not None and attribute not in {*known["attributes"], *known["arguments"]}:
            yield f"no attribute {name}.{attribute}"


def folders() -> list[Path]:
    """The folders with files that users apply."""
    return sorted({path.parent for path in files()})


@pytest.mark.parametrize("folder", folders(), ids=lambda path: str(path.relative_to(TOP)))
def test_version_6_has_what_a_folder_uses(folder: Path) -> None:
    """Also in inner blocks, dynamic ones included, and with every argument that it requires."""
    found = [
        f"{path.relative_to(TOP)}: {mistake}"
        for path in sorted(folder.glob("*.tf"))
        for mistake in mistakes(path.read_text())
    ]

    assert found == [], AGAIN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('resource "aws_no_such" "x" {}', "line 1: no resource aws_no_such"),
        ('resource "aws_eip" "x" {\n  vpc = true\n}', "line 2: no argument aws_eip.vpc"),
        ('resource "aws_iam_role" "x" {}', "line 1: aws_iam_role.assume_role_policy is required"),
        (
            'resource "aws_lb" "x" {\n  access_logs {\n    bucket = "b"\n    folder = "f"\n  }\n}',
            "line 4: no argument aws_lb.access_logs.folder",
        ),
        (
            'resource "aws_lb" "x" {\ndynamic "access_logs" {\ncontent {\nbucket = 1\nno = 2\n}}}',
            "line 5: no argument aws_lb.access_logs.no",
        ),
        (
            'resource "aws_eip" "x" {\n  tags {\n  }\n}',
            "line 2: aws_eip.tags is an argument, not a block",
        ),
        ('provider "aws" {\n  account = "1"\n}', "line 2: no argument aws.account"),
        ('output "x" {\n  value = aws_eip.this[0].vpc\n}', "no attribute aws_eip.vpc"),
        ('locals {\n  x = "${aws_eip.this.vpc}-1"\n}', "no attribute aws_eip.vpc"),
        (
            "locals {\n  x = data.aws_caller_identity.this.name\n}",
            "no attribute aws_caller_identity.name",
        ),
    ],
)
def test_what_version_6_lacks_is_found(text: str, found: str) -> None:
    """Version 6 removed `vpc` of aws_eip, for example."""
    assert list(mistakes(text)) == [found]


def test_the_list_names_its_source() -> None:
    """So that it can be written again."""
    assert "hashicorp/aws 6." in KNOWN["source"]
