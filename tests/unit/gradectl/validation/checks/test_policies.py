"""The check of policies reports file, line and rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradectl.validation.checks.policies import CHECK


def test_a_wildcard_is_found_with_its_location(make_context: Callable[..., Any], look: Any) -> None:
    """The message says how to fix it."""
    context = make_context({"modules/a/iam.tf": 'locals {\n  x = { Action = "s3:*" }\n}\n'})

    (found,) = look(CHECK, context)

    assert (found.path, found.line, found.rule) == ("modules/a/iam.tf", 2, "wildcard")
    assert "give the reason in a comment" in found.message


def test_a_file_with_invalid_hcl_is_a_finding(make_context: Callable[..., Any], look: Any) -> None:
    """Unreadable files were not checked."""
    (found,) = look(CHECK, make_context({"main.tf": 'a = "\n'}))

    assert (found.location, found.severity, found.blocks) == ("main.tf:1", "error", True)


POLICY = """{
  "Statement": [{
    "Effect": "%s",
    "Action": "s3:*",
    "Resource": "x"
  }]
}
"""
ALLOW = POLICY % "Allow"


@pytest.mark.parametrize(
    "call",
    [
        'file("${path.module}/policies/a.json")',
        'file("${ path.root }/policies/a.json")',
        'file("policies/a.json")',
        'file("./policies/../policies/a.json")',
        'file("${path.module}/policies/${each.key}.json")',
        'file("${path.module}/${each.key}${each.value}")',
        'templatefile("${path.module}/policies/a.json", { bucket = "b" })',
        'jsonencode(jsondecode(file("policies/a.json")))',
        '"${file("policies/a.json")}"',
        '[for each in fileset(path.module, "policies/*.json") : file(each)]',
        '[for each in fileset("${path.module}/policies", "**.json") : file("${path.module}/x")]',
    ],
)
def test_a_wildcard_in_a_file_that_terraform_reads_is_found(
    make_context: Callable[..., Any], look: Any, call: str
) -> None:
    """At its line in the file; the name may be a pattern."""
    files = {"iam.tf": f"locals {{\n  a = {call}\n}}\n", "policies/a.json": ALLOW}
    files["a.json"] = ALLOW if "${each.key}${" in call else ""

    found = look(CHECK, make_context(files))

    assert found
    assert {(item.path.rpartition("/")[2], item.line, item.rule) for item in found} == {
        ("a.json", 4, "wildcard")
    }
    assert "in a comment with 's3:*' in it on line 2 of iam.tf" in found[0].message


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (POLICY % "Deny", 'file("a.json") '),
        (ALLOW, 'file("a.json") # s3:* because it is the backup'),
        (ALLOW, 'file("b.json") '),
        (ALLOW, "var.file # a.json "),
        (ALLOW, "file(var.file) "),
        ('{"Action": "s3:*"}', 'file("a.json") '),
        ('{"Statement": 1, "x": "${aws:y} ${ \\"%{"}', 'file("a.json") '),
    ],
)
def test_files_without_an_unexplained_wildcard_pass(
    make_context: Callable[..., Any], look: Any, text: str, read: str
) -> None:
    """JSON has no comments: the reason is where it is read, and names the wildcard."""
    files = {"iam.tf": f"locals {{\n  a = {read}\n}}\n", "a.json": text}

    assert look(CHECK, make_context(files)) == []


def test_a_comment_about_something_else_is_not_a_reason(
    make_context: Callable[..., Any], look: Any
) -> None:
    """One comment would otherwise allow everything that a file may come to contain."""
    files = {"iam.tf": 'locals {\n  # the policy\n  a = file("a.json")\n}\n', "a.json": ALLOW}

    assert [item.location for item in look(CHECK, make_context(files))] == ["a.json:4"]


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("# s3:Get* because it copies everything", ["*"]),
        ("# s3:Get*, * because it copies everything", []),
        ("# s3:Get*: * (all of it)", []),
        ('# "s3:Get*" and "*", because it copies everything', []),
        ("# s3:* because it copies everything", ["s3:Get*", "*"]),
        ("/*\n   * the policy\n   * s3:Get* copies\n   */", ["*"]),
        ("# s3:Get*Object", ["s3:Get*", "*"]),
    ],
)
def test_a_reason_for_one_wildcard_is_none_for_a_wider_one(
    make_context: Callable[..., Any], look: Any, comment: str, found: list[str]
) -> None:
    """Words are compared: the text of `*` is part of every other wildcard."""
    policy = ALLOW.replace('"s3:*"', '["s3:Get*", "*"]')
    files = {"iam.tf": f'locals {{\n  {comment}\n  a = file("a.json")\n}}\n', "a.json": policy}

    messages = [item.message for item in look(CHECK, make_context(files))]

    assert [text for text in found if any(f"{text!r} is a" in one for one in messages)] == found
    assert len(messages) == len(found)


def test_a_template_is_read_with_its_expressions(
    make_context: Callable[..., Any], look: Any
) -> None:
    """Loops and values may be anywhere in it."""
    template = ALLOW.replace('"x"', '[%{ for b in buckets ~}"${b}",%{ endfor }"${x["a"]}/*"]')
    files = {
        "modules/m/iam.tf": 'locals {\n  a = templatefile("${path.module}/../../a.tftpl", {})\n}\n',
        "a.tftpl": template,
    }

    context = make_context(files)

    assert [item.location for item in look(CHECK, context)] == ["a.tftpl:4"]
    (job,) = CHECK.jobs(context)
    assert context.project.path / "a.tftpl" in job.inputs


def test_a_policy_that_is_not_json_is_a_finding(
    make_context: Callable[..., Any], look: Any
) -> None:
    """It was not checked."""
    files = {"iam.tf": 'locals {\n  a = file("a.json")\n}\n', "a.json": '{"Statement": ["\n'}

    (found,) = look(CHECK, make_context(files))

    assert (found.location, found.blocks) == ("a.json:1", True)


@pytest.mark.parametrize(
    "name", ["/dev/zero", "/proc/self/mem", "a\\0b", "", "..", "${path.module}", "***/${x}", "loop"]
)
def test_strange_names_are_not_read(make_context: Callable[..., Any], look: Any, name: str) -> None:
    """Devices, folders, links in a circle: Terraform itself reports what it cannot read."""
    context = make_context({"iam.tf": f'locals {{\n  a = file("{name}")\n}}\n'})
    (context.project.path / "loop").symlink_to("loop")

    assert look(CHECK, context) == []


def test_an_unreadable_configuration_file_is_a_finding(
    make_context: Callable[..., Any], look: Any
) -> None:
    """A link to nowhere, and a file that is not text."""
    top = make_context({"main.tf": ""}).project.path
    (top / "a.tf").write_bytes(b"\xff")
    (top / "b.tf").symlink_to("missing")

    found = look(CHECK, make_context({}))

    assert [item.location for item in found] == ["a.tf:1", "b.tf:1"]
    assert "unreadable file: No such file" in found[1].message
