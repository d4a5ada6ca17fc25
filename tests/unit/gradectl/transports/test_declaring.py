"""Tests for `gradectl.transports.declaring`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gradectl.deploy.rendering import check_fresh
from gradectl.environment import load
from gradectl.errors import ConfigurationError
from gradectl.transports.declaring import by_hand, declare
from gradectl.transports.state import Declared
from grader.contract.names import TransportName

REPOSITORY = Path(__file__).resolve().parents[4]
NAMES = ("environment_name", "aws_region", "aws_account_id", "ecs_desired_count")
SWITCHES = ("use_sqs_queue", "drain_other_transport")
FILE = """\
# Our environment.
schema_version: 1
name: dev
account_id: "123456789012"
region: eu-west-1
variables:
  ecs_desired_count: 2  # two
"""
BOTH = Declared(TransportName.SQS, drains=True)


def project(folder: Path, names: tuple[str, ...] = NAMES + SWITCHES, file: str = FILE) -> Path:
    """A project with a few variables and the real templates, rendered."""
    (folder / "environments" / "dev").mkdir(parents=True)
    lines = "".join(f'variable "{name}" {{}}\n' for name in names)
    (folder / "environments" / "variables.tf").write_text(lines)
    (folder / "environments" / "dev" / "environment.yaml").write_text(file)
    shutil.copytree(REPOSITORY / "templates", folder / "templates")
    return folder


def test_the_files_declare_the_transport_and_are_rendered(tmp_path: Path) -> None:
    """The next apply needs no further command; all other lines stay."""
    root = project(tmp_path)
    change = declare(root, "dev", BOTH)
    before = change.names
    change.write()

    assert before[0] == "environments/dev/environment.yaml"
    assert "environments/dev/terraform.tfvars" in before
    environment = load(root, "dev")
    check_fresh(root, environment)
    assert Declared.of(environment.variables) == BOTH
    text = (root / "environments" / "dev" / "environment.yaml").read_text()
    assert text == FILE + "  use_sqs_queue: true\n  drain_other_transport: true\n"


def test_the_changed_lines_are_shown_with_their_file(tmp_path: Path) -> None:
    """Before they are written."""
    lines = declare(project(tmp_path), "dev", BOTH).diff()

    assert lines[0].startswith("--- environments/dev/environment.yaml")
    assert "+  use_sqs_queue: true" in lines


def test_files_that_declare_it_already_are_not_written(tmp_path: Path) -> None:
    """The command resumes with them."""
    root = project(tmp_path)
    declare(root, "dev", BOTH).write()

    assert not declare(root, "dev", BOTH).texts


def test_a_rendering_that_was_interrupted_is_made_up(tmp_path: Path) -> None:
    """environment.yaml is written first."""
    root = project(tmp_path)
    declare(root, "dev", BOTH).write()
    (root / "environments" / "dev" / "terraform.tfvars").unlink()

    assert declare(root, "dev", BOTH).names == ["environments/dev/terraform.tfvars"]


def test_lines_that_cannot_be_edited_are_left_to_the_user(tmp_path: Path) -> None:
    """The error has the two lines; nothing is written."""
    file = FILE.replace("variables:\n  ecs_desired_count: 2  # two", "variables: {}\nstate: null")
    braces = file.replace("variables: {}", "variables: {ecs_desired_count: 2}")
    root = project(tmp_path, file=braces)

    with pytest.raises(ConfigurationError, match="could not be edited") as caught:
        declare(root, "dev", BOTH)

    assert "set use_sqs_queue: true and drain_other_transport: true" in caught.value.next_step


def test_a_root_without_the_variables_is_named(tmp_path: Path) -> None:
    """It is of an older version."""
    root = project(tmp_path, names=NAMES)

    with pytest.raises(ConfigurationError, match="unknown variable 'use_sqs_queue'"):
        declare(root, "dev", BOTH)


def test_the_lines_are_those_of_the_file() -> None:
    """A user can copy them."""
    assert by_hand(Declared(TransportName.SQS)) == (
        "use_sqs_queue: true and drain_other_transport: false"
    )
