"""What Terraform itself says about the files: their form, their validity, their mocked tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.name for path in (ROOT / "modules").iterdir())
README_PROVIDER = """
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""

pytestmark = pytest.mark.engine
Folder = Any  # the TerraformFolder of conftest
Maker = Callable[..., Folder]


def readme_examples() -> str:
    """The examples of all READMEs, which make one root together."""
    texts = [(ROOT / "modules" / name / "README.md").read_text() for name in MODULES]
    examples = [code for text in texts for code in re.findall(r"```hcl\n(.*?)```", text, re.DOTALL)]
    return "\n".join(examples).replace("./modules/", "../modules/")


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


def test_the_examples_of_the_readmes_work_together(
    terraform_folder: Maker, moto_server: str
) -> None:
    """Somebody who copies the examples gets a root that plans at the first try."""
    code = readme_examples()
    folder = terraform_folder("example", {"main.tf": code + README_PROVIDER})
    folder.run("init", "-no-color", "-input=false")

    plan = folder.within(AWS_ENDPOINT_URL=moto_server).plan(
        "-var=db_admin_password=a-Password-for-tests-1"
    )

    planned = {name for name in MODULES if f"modules/{name}" in code}
    assert planned == set(MODULES)
    assert {change["change"]["actions"][0] for change in plan["resource_changes"]} == {"create"}
