"""The tables of the Terraform reference match the files."""

from __future__ import annotations

import pytest
from terraform_modules import Sources
from terraform_tables import BEGIN, END, grouped, module_reference, page, prose, root_reference

VARIABLES = """
variable "tasks" {
  description = "How many tasks there are, by <name>."
  type = object({
    max   = optional(number, 10) # most that are started
    names = optional(list(string), ["a", "b"])
    spot  = object({ share = optional(number) })
  })
  default  = {}
  nullable = false
}

variable "password" {
  description = "Password."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "users" {
  description = "Users | by name."
  type        = map(object({ groups = set(string) }))
  default = {
    admin = { groups = ["a"] }
  }
}
"""
OUTPUTS = """
output "secret" {
  description = "A secret."
  value       = var.password
  sensitive   = true
}
"""
VERSIONS = """
terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.88, < 7.0"
    }
  }
}
"""
SOURCES = Sources({"outputs.tf": OUTPUTS, "variables.tf": VARIABLES, "versions.tf": VERSIONS})


def rows(text: str) -> list[str]:
    """All rows of all tables."""
    return [line for line in text.splitlines() if line.startswith("| `")]


def test_variables_and_members_of_objects_have_rows() -> None:
    """Types stay short; optional members show their defaults."""
    assert rows(module_reference(SOURCES)) == [
        "| `password` | `string` | **required** | Password. *Sensitive, ephemeral.* |",
        "| `tasks` | `object` | `{}` | How many tasks there are, by \\<name>. |",
        "| `tasks.max` | `number` | `10` | most that are started |",
        '| `tasks.names` | `list(string)` | `["a", "b"]` | |',
        "| `tasks.spot` | `object` | **required** | |",
        "| `tasks.spot.share` | `number` | `null` | |",
        '| `users` | `map(object)` | `{ admin = { groups = ["a"] } }` | Users \\| by name. |',
        "| `users.<key>.groups` | `set(string)` | **required** | |",
        "| `secret` | A secret. *Sensitive.* |",
    ]


def test_the_reference_begins_with_the_requirements() -> None:
    """Versions of Terraform and the provider come first."""
    first = module_reference(SOURCES).splitlines()[0]

    assert first == "Terraform or OpenTofu `>= 1.11`, provider `hashicorp/aws` `>= 5.88, < 7.0`."


def test_variables_of_the_root_are_grouped_as_in_the_contract() -> None:
    """A variable is in the first group that matches it, in the order of the contract."""
    names = ["use_fargate", "environment_name", "mq_new", "ecs_task_cpu", "colour"]
    text = "".join(f'variable "{name}" {{\n}}\n' for name in names)

    groups = grouped(Sources({"variables.tf": text}).variables)

    assert {title: [item.name for item in items] for title, items in groups.items()} == {
        "Basics": ["environment_name", "use_fargate"],
        "Performance": ["ecs_task_cpu"],
        "Others: the broker": ["mq_new"],
        "Others": ["colour"],
    }


def test_the_reference_of_the_root_links_the_modules() -> None:
    """The table of module calls links to their READMEs."""
    call = 'module "mq_parameters" {\n  source = "../modules/parameters"\n}\n'

    text = root_reference(Sources({"main.tf": call, "versions.tf": VERSIONS}))

    assert "| [`../modules/parameters`](../modules/parameters/README.md) |" in text


def test_text_outside_the_reference_is_kept() -> None:
    """Only the text between the marks is replaced; a page without marks gets them."""
    first = page("# x\n\nPurpose.\n", "old")
    second = page(f"{first}\nMore.\n", "new")

    assert first == f"# x\n\nPurpose.\n\n## Reference\n\n{BEGIN}\nold\n\n{END}"
    assert second == f"{first}\nMore.\n".replace("old", "new")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("temp/* of <name>", "temp/\\* of \\<name>"),
        ("mq_admin and _this_", "mq_admin and \\_this\\_"),
        ("as `a_*` says", "as `a_*` says"),
    ],
)
def test_markup_in_descriptions_is_escaped(text: str, shown: str) -> None:
    """Tags and emphasis are shown literally."""
    assert prose(text) == shown
