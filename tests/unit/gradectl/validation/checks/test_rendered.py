"""The check of rendered files reports the first line that differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.rendering import rendered
from gradectl.environment import load
from gradectl.validation.checks.rendered import CHECK

REPOSITORY = Path(__file__).resolve().parents[5]
YAML = "schema_version: 1\nname: dev\naccount_id: '123456789012'\nregion: eu-west-1\n"
VARIABLES = "".join(
    f'variable "{name}" {{}}\n' for name in ("aws_account_id", "aws_region", "environment_name")
)


@pytest.fixture
def context(make_context: Callable[..., Any]) -> Any:
    """A project with one rendered environment."""
    found = make_context(
        {"environments/variables.tf": VARIABLES, "environments/dev/environment.yaml": YAML}
    )
    top = found.project.path
    shutil.copytree(REPOSITORY / "templates", top / "templates")
    for path, text in rendered(top, load(top, "dev")).items():
        path.write_text(text)
    return found


def test_files_that_are_up_to_date_pass(context: Any, look: Any) -> None:
    """They match environment.yaml."""
    assert look(CHECK, context) == []


def test_a_file_that_was_edited_is_found_at_its_line(context: Any, look: Any) -> None:
    """The next step is gradectl render."""
    path = context.project.path / "environments" / "dev" / "terraform.tfvars"
    text = path.read_text()
    path.write_text(text.replace("eu-west-1", "eu-west-2"))
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "eu-west-1" in one)

    (found,) = look(CHECK, context)

    assert found.location == f"environments/dev/terraform.tfvars:{line}"
    assert "gradectl render dev" in found.message


def test_a_file_that_is_missing_is_found(context: Any, look: Any) -> None:
    """It was never rendered, or never committed."""
    (context.project.path / "environments" / "dev" / "backend.hcl").unlink()

    assert [found.location for found in look(CHECK, context)] == ["environments/dev/backend.hcl:1"]


def test_an_environment_that_is_wrong_is_found(context: Any, look: Any) -> None:
    """The error has the next step."""
    path = context.project.path / "environments" / "dev" / "environment.yaml"
    path.write_text(YAML + "regoin: x\n")

    (found,) = look(CHECK, context)

    assert found.path == "environments/dev/environment.yaml"
    assert "regoin" in found.message


def test_an_environment_with_terraform_of_its_own_has_no_rendered_files(
    context: Any, look: Any
) -> None:
    """They would be of no use, so none is missing."""
    folder = context.project.path / "environments" / "dev"
    (folder / "backend.hcl").unlink()
    (folder / "environment.yaml").write_text(YAML + "terraform: external\n")

    assert look(CHECK, context) == []
