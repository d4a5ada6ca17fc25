"""
The checks that ask Terraform, with the real one.

Only what is built into Terraform is used, so nothing is installed; the checks with the AWS provider
are in `test_with_the_aws_provider.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradectl.validation.checks import configuration, fmt, mocked_tests, readmes

pytestmark = pytest.mark.engine
Make = Callable[..., Any]

MODULE = """variable "name" {
  type = string
}

resource "terraform_data" "this" {
  input = var.name
}
"""
RUN = """run "it_takes_the_name" {
  command = plan

  variables {
    name = "x"
  }

  assert {
    condition     = terraform_data.this.input == "%s"
    error_message = "The name is lost."
  }
}
"""
LOCK = {".terraform.lock.hcl": "# nothing is locked\n"}


USES_X = """terraform {
  required_providers {
    x = {
      source = "example/x"
    }
  }
}
"""


def places(found: list[Any]) -> list[str]:
    """Locations of findings."""
    return [item.location for item in found]


def test_formatted_files_pass(make_context: Make, look: Any) -> None:
    """Correct files have no findings."""
    assert look(fmt.CHECK, make_context({"main.tf": MODULE})) == []


def test_each_unformatted_line_is_found(make_context: Make, look: Any) -> None:
    """Also in tfvars and test files."""
    text = "locals {\n  a = 1\n  bb = 2\n}\n\n\nlocals {\n c = 3\n}\n"

    found = look(fmt.CHECK, make_context({"main.tf": text, "dev/x.tfvars": "a =   1\n"}))

    assert places(found) == ["dev/x.tfvars:1", "main.tf:2", "main.tf:8"]


def test_a_broken_and_an_unformatted_file_are_both_found(make_context: Make, look: Any) -> None:
    """Terraform stops at the broken one; the other is still reported."""
    found = look(fmt.CHECK, make_context({"a.tf": "\nx {\n", "b.tf": "a =   1\n"}))

    assert places(found) == ["a.tf:2", "b.tf:1"]
    assert [item.blocks for item in found] == [True, False]
    assert found[0].message.startswith("Unclosed configuration block. There is no closing brace")


def test_a_file_that_is_not_text_is_found(make_context: Make, look: Any) -> None:
    """It stops no other check."""
    top = make_context({"main.tf": MODULE}).project.path
    (top / "a.tf").write_bytes(b"\xff")

    (found,) = look(fmt.CHECK, make_context({}))

    assert (found.location, found.message) == ("a.tf:1", "unreadable file: not a text in UTF-8")


def test_examples_are_checked_for_format_and_variables(make_context: Make, look: Any) -> None:
    """Line numbers refer to the README."""
    call = '```hcl\nmodule "a" {\n  source = "./modules/a"\n  %s\n}\n```\n'
    readme = "# a\n\n" + call % 'nmae = "x"' + call % 'name = "x"'

    found = look(
        readmes.CHECK, make_context({"modules/a/main.tf": MODULE, "modules/a/README.md": readme})
    )

    assert places(found) == [
        "modules/a/README.md:6",
        "modules/a/README.md:4",
        "modules/a/README.md:12",
    ]
    assert "terraform fmt" in found[-1].message


def test_a_root_without_a_lock_file_is_found(make_context: Make, look: Any) -> None:
    """The next run could install other provider versions."""
    (found,) = look(configuration.INIT, make_context({"main.tf": MODULE}))

    assert found.location == ".terraform.lock.hcl:1"


def test_modules_and_examples_need_no_lock_file(make_context: Make) -> None:
    """They are not deployed."""
    context = make_context({"modules/a/main.tf": MODULE, "examples/b/main.tf": ""})

    assert configuration.INIT.jobs(context) == []


def test_invalid_configuration_is_found_with_its_location(make_context: Make, look: Any) -> None:
    """In a root and in its module; the message is Terraform's."""
    call = 'module "a" {\n  source = "./modules/a"\n  nmae   = "x"\n}\n'
    context = make_context(
        {"main.tf": call, "modules/a/main.tf": MODULE + "locals {\n  a = b.c\n}\n"}
    )

    found = look(configuration.VALIDATE, context)

    assert set(places(found)) == {"main.tf:1", "main.tf:3", "modules/a/main.tf:9"}
    assert any("nmae" in item.message for item in found)


def test_what_keeps_terraform_from_looking_is_marked(make_context: Make, look: Any) -> None:
    """A baseline never hides that a folder was not checked; other errors it may."""
    context = make_context(
        {
            "a/main.tf": "locals {\n  a = b.c\n}\n",
            "b/main.tf": 'module "x" {\n  source = "./no"\n}\n',
            "c/main.tf": "locals {\n",
        }
    )

    found = look(configuration.VALIDATE, context)

    assert {finding.path: finding.blocks for finding in found} == {
        "a/main.tf": False,
        "b/main.tf": True,
        "c/main.tf": True,
    }


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ('module "x" {\n  source = "./no"\n}\n', True),
        ("locals {\n", True),
        (USES_X, False),
    ],
    ids=["module", "syntax", "lock file"],
)
def test_the_lock_file_was_compared_or_the_error_is_marked(
    make_context: Make, look: Any, fake_provider: dict[str, str], text: str, blocks: bool
) -> None:
    """A baseline may only list that the lock file does not fit."""
    found = look(configuration.INIT, make_context({"main.tf": text, **LOCK}, **fake_provider))

    assert {(item.severity, item.blocks) for item in found} == {("error", blocks)}, found


def test_a_warning_of_terraform_does_not_fail_the_check(make_context: Make, look: Any) -> None:
    """Only errors fail a check."""
    ignored = "  lifecycle {\n    ignore_changes = [output]\n  }\n}\n"
    text = MODULE.removesuffix("}\n") + ignored

    (found,) = look(configuration.VALIDATE, make_context({"main.tf": text}))

    assert (found.path, found.severity) == ("main.tf", "warning")


def test_nothing_is_written_into_the_project(make_context: Make, look: Any) -> None:
    """No data directory and no lock file, also with local modules."""
    context = make_context(
        {"main.tf": 'module "a" {\n  source = "./a"\n}\n', "a/main.tf": "\n", **LOCK}
    )

    assert look(configuration.INIT, context) == look(configuration.VALIDATE, context) == []

    found = {
        str(path.relative_to(context.project.path)) for path in context.project.path.rglob("*")
    }
    assert found == {"main.tf", "a", "a/main.tf", *LOCK}
    assert (context.project.path / ".terraform.lock.hcl").read_text() in LOCK.values()


def test_a_test_that_passes_finds_nothing(make_context: Make, look: Any) -> None:
    """The next test shows that it runs."""
    context = make_context({"main.tf": MODULE, "tests/a.tftest.hcl": RUN % "x"})

    assert look(mocked_tests.CHECK, context) == []


def test_a_test_that_fails_is_found_at_its_condition(make_context: Make, look: Any) -> None:
    """With its error message."""
    context = make_context({"modules/a/main.tf": MODULE, "modules/a/tests/a.tftest.hcl": RUN % "y"})

    (found,) = look(mocked_tests.CHECK, context)

    assert found.location == "modules/a/tests/a.tftest.hcl:9"
    assert "The name is lost." in found.message


def test_a_test_file_without_a_run_is_found(make_context: Make, look: Any) -> None:
    """It tests nothing."""
    files = {"main.tf": MODULE, "tests/a.tftest.hcl": 'variables {\n  name = "x"\n}\n'}

    assert places(look(mocked_tests.CHECK, make_context(files))) == ["tests/a.tftest.hcl:1"]


def test_a_test_that_needs_an_account_is_reported_and_not_run(
    make_context: Make, look: Any
) -> None:
    """A check must never create resources."""
    files = {"main.tf": 'resource "aws_vpc" "this" {}\n', "tests/a.tftest.hcl": 'run "x" {}\n'}

    (found,) = look(mocked_tests.CHECK, make_context(files))

    assert (found.severity, found.location) == ("note", "tests/a.tftest.hcl:1")
    assert "mock_provider for aws" in found.message


def test_a_broken_test_file_is_found(make_context: Make, look: Any) -> None:
    """With Terraform's location."""
    found = look(mocked_tests.CHECK, make_context({"main.tf": MODULE, "a.tftest.hcl": "run {\n"}))

    assert "a.tftest.hcl:1" in places(found)


def test_credentials_and_variables_of_the_user_have_no_effect(
    make_context: Make, look: Any
) -> None:
    """The result is the same on every machine."""
    context = make_context(
        {"main.tf": MODULE, "tests/a.tftest.hcl": RUN % "x"},
        TF_VAR_name="y",
        TF_CLI_ARGS_test="-nonsense",
        AWS_PROFILE="production",
    )

    assert look(mocked_tests.CHECK, context) == []
    assert "AWS_PROFILE" not in context.tools.environ


def test_modules_that_call_each_other_are_one_error(make_context: Make, look: Any) -> None:
    """Terraform would install them until a path is too long."""
    call = 'module "m" {\n  source = "%s"\n}\n'
    files = {"main.tf": call % "./a", "a/main.tf": call % "../b", "b/main.tf": call % "../a"}
    context = make_context({**files, **LOCK})

    found = [*look(configuration.INIT, context), *look(configuration.VALIDATE, context)]

    assert {item.message.partition(": ")[0] for item in found} == {
        "Modules call each other in a cycle"
    }
    assert "a/main.tf:1" in places(found)
