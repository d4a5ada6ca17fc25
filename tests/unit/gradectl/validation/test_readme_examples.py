"""An example in a README is one that works with the module as it is."""

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
    """What is wrong with a call of a module that begins on line 6 of a page."""
    body = f'  source = "{source}"\n{arguments}'
    page = f'# x\n\nText.\n\n```hcl\nmodule "x" {{\n{body}\n}}\n```\n'
    (example,) = examples(page)
    return [(item.line, item.what) for item in mistakes(example, MODULES)]


def test_only_blocks_of_terraform_are_examples() -> None:
    """Commands and output are something else."""
    (example,) = examples(PAGE)

    assert example.line == 6
    assert example.text.startswith('module "storage"')


def test_a_variable_without_a_default_is_required() -> None:
    """Also where its default could be null."""
    blocks = parse('variable "a" {}\nvariable "b" {\n  default = null\n}\n')

    assert variables(blocks) == Variables(frozenset("ab"), frozenset("a"))


def test_an_example_that_fits_has_no_mistake() -> None:
    """What every module block may have is no variable."""
    assert wrong('  name = "x"\n  days = 1\n  providers = {}\n  count = 1') == []


def test_a_variable_that_does_not_exist_is_found_on_its_line() -> None:
    """It was renamed, and the README was forgotten."""
    assert wrong('  name = "x"\n  dais = 1') == [(9, "storage has no variable 'dais'")]


def test_a_missing_variable_is_found_at_the_block() -> None:
    """Whoever copies the example would be refused."""
    assert wrong("") == [(6, "the variable 'name' of storage is required")]


def test_a_module_that_does_not_exist_is_found() -> None:
    """The folder was renamed."""
    assert wrong("", "./modules/storag") == [(7, "there is no module 'storag'")]


def test_a_module_of_another_repository_may_have_any_name() -> None:
    """A team's README may call ours beside its own."""
    assert wrong("", "git::https://host/repository.git//modules/other?ref=v1.2.3") == []


def test_a_source_with_a_version_is_held_against_the_module_here() -> None:
    """That is how teams call it, and the next version is what is here."""
    source = "git::https://host/repository.git//modules/storage?ref=v1.2.3"

    assert wrong('  nam = "x"\n  name = "y"', source) == [(8, "storage has no variable 'nam'")]


def test_modules_of_others_are_theirs() -> None:
    """A registry's module is not in this repository."""
    assert wrong("  anything = 1", "terraform-aws-modules/vpc/aws") == []


def test_an_example_that_is_no_terraform_is_found_on_its_line() -> None:
    """A brace was lost in editing."""
    (example,) = examples("```hcl\na {\n```\n")

    assert [item.line for item in mistakes(example, {})] == [2]
