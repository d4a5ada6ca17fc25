"""Examples in READMEs match the variables of the modules."""

from __future__ import annotations

from gradectl.validation.hcl import parse
from gradectl.validation.readme_examples import Variables, examples, mistakes, variables

PAGE = """# storage

Text.

```hcl
module "storage" {
  source = "./modules/storage"
  name   = "x"
}
```

```sh
terraform init
```
"""
MODULES = {"storage": Variables(frozenset({"name", "days"}), frozenset({"name"}))}


def wrong(arguments: str, source: str = "./modules/storage") -> list[tuple[int, str]]:
    """The mistakes in a module call that begins on line 6 of a page."""
    body = f'  source = "{source}"\n{arguments}'
    page = f'# x\n\nText.\n\n```hcl\nmodule "x" {{\n{body}\n}}\n```\n'
    (example,) = examples(page)
    return [(item.line, item.what) for item in mistakes(example, MODULES)]


def test_only_blocks_of_terraform_are_examples() -> None:
    """Commands and their output are not checked."""
    (example,) = examples(PAGE)

    assert example.line == 6
    assert example.text.startswith('module "storage"')


def test_a_variable_without_a_default_is_required() -> None:
    """A default of null makes it optional."""
    blocks = parse('variable "a" {}\nvariable "b" {\n  default = null\n}\n')

    assert variables(blocks) == Variables(frozenset("ab"), frozenset("a"))


def test_an_example_that_fits_has_no_mistake() -> None:
    """Meta-arguments of module blocks are not variables."""
    assert wrong('  name = "x"\n  days = 1\n  providers = {}\n  count = 1') == []


def test_a_variable_that_does_not_exist_is_found_on_its_line() -> None:
    """For example after a variable was renamed."""
    assert wrong('  name = "x"\n  dais = 1') == [(9, "module storage has no variable 'dais'")]


def test_a_missing_variable_is_found_at_the_block() -> None:
    """Terraform would reject a copy of the example."""
    assert wrong("") == [(6, "required variable 'name' of module storage is missing")]


def test_a_module_that_does_not_exist_is_found() -> None:
    """For example after the folder was renamed."""
    assert wrong("", "./modules/storag") == [(7, "module 'storag' not found")]


def test_a_module_of_another_repository_may_have_any_name() -> None:
    """A README may also call modules of other repositories."""
    assert wrong("", "git::https://host/repository.git//modules/other?ref=v1.2.3") == []


def test_a_source_with_a_version_is_compared_with_the_local_module() -> None:
    """Examples name the module by git; the local folder is what they will get."""
    source = "git::https://host/repository.git//modules/storage?ref=v1.2.3"

    assert wrong('  nam = "x"\n  name = "y"', source) == [
        (8, "module storage has no variable 'nam'")
    ]


def test_modules_of_a_registry_are_not_checked() -> None:
    """Their variables are not known here."""
    assert wrong("  anything = 1", "terraform-aws-modules/vpc/aws") == []


def test_invalid_hcl_is_found_on_its_line() -> None:
    """For example a missing brace."""
    (example,) = examples("```hcl\na {\n```\n")

    assert [item.line for item in mistakes(example, {})] == [2]
