"""The check of unused declarations looks at each folder on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.validation.checks.unused import CHECK


def test_each_folder_is_judged_on_its_own(make_context: Callable[..., Any], look: Any) -> None:
    """A use in another file of the folder counts, one in another folder does not."""
    files = {
        "main.tf": 'variable "a" {}\nlocals {\n  b = 1\n}\n',
        "outputs.tf": "output o { value = var.a }\n",
        "modules/m/main.tf": "output o { value = local.b }\n",
    }

    (found,) = look(CHECK, make_context(files))

    assert (found.location, found.rule, found.severity) == ("main.tf:3", "local", "error")
    assert "'b' is not used" in found.message


def test_tests_and_json_files_are_read(make_context: Callable[..., Any], look: Any) -> None:
    """A broken test file is the business of another check."""
    files = {
        "main.tf": 'variable "a" {}\nlocals {\n  b = 1\n}\n',
        "more.tf.json": '{"output": {"o": {"value": "${var.a}"}}}',
        "tests/a.tftest.hcl": "run a {\n  assert {\n    condition = local.b > 0\n  }\n}\n",
        "tests/b.tftest.hcl": "run {",
    }

    assert look(CHECK, make_context(files)) == []


def test_a_broken_file_is_found_instead_of_what_it_may_use(
    make_context: Callable[..., Any], look: Any
) -> None:
    """No false alarms about the other files."""
    files = {"a.tf": 'variable "a" {}\n', "b.tf": "output o {\n"}

    (found,) = look(CHECK, make_context(files))

    assert (found.location, found.blocks) == ("b.tf:1", True)
