"""What Terraform itself says about the files: their form, their validity, their mocked tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.name for path in (ROOT / "modules").iterdir())

pytestmark = pytest.mark.engine
Folder = Any  # the TerraformFolder of conftest
Maker = Callable[..., Folder]


def test_files_have_the_canonical_form(terraform_folder: Maker) -> None:
    """`terraform fmt` would change nothing."""
    folder = terraform_folder(".")

    done = folder.attempt("fmt", "-check", "-recursive", "-diff")

    assert done.returncode == 0, done.stdout


def test_the_root_is_valid_with_the_locked_provider(terraform_folder: Maker) -> None:
    """The root needs no account to be checked, and the lock file fits its constraints."""
    root = terraform_folder("environments")

    root.run("init", "-no-color", "-input=false", "-backend=false", "-lockfile=readonly")

    assert "valid" in root.run("validate", "-no-color")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_passes_its_own_tests(mocked_folder: Maker, module: str) -> None:
    """Defaults, toggles and refusals of a module, with a mocked provider and no network."""
    folder = mocked_folder(f"modules/{module}")

    done = folder.attempt("test", "-no-color")

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Success! [1-9][0-9]* passed, 0 failed", done.stdout), done.stdout


def test_the_root_passes_its_own_tests(mocked_folder: Maker) -> None:
    """How the root wires the modules, and which values it refuses."""
    tests = {path.name: path.read_text() for path in Path(__file__).parent.glob("*.tftest.hcl")}
    root = mocked_folder("environments", tests)

    done = root.attempt("test", "-no-color")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed, 0 failed" in done.stdout
