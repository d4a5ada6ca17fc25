"""What Terraform itself says about the files: their form, and the root's validity and tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine
Folder = Any  # the TerraformFolder of conftest
Maker = Callable[..., Folder]


def test_files_have_the_canonical_form(terraform_folder: Maker) -> None:
    """`terraform fmt` would change nothing."""
    folder = terraform_folder(".")

    done = folder.attempt("fmt", "-check", "-recursive", "-diff")

    assert done.returncode == 0, done.stdout


def test_the_root_is_valid_with_the_locked_provider(locked_root: Folder) -> None:
    """The root needs no account to be checked, and the lock file fits its constraints."""
    assert "valid" in locked_root.run("validate", "-no-color")


def test_the_root_passes_its_own_tests(mocked_folder: Maker) -> None:
    """How the root wires the modules, and which values it refuses."""
    tests = {path.name: path.read_text() for path in Path(__file__).parent.glob("*.tftest.hcl")}
    root = mocked_folder("environments", tests)

    done = root.attempt("test", "-no-color")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed, 0 failed" in done.stdout
