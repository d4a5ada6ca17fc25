"""environment.yaml is rendered to Terraform's files, or rejected with one error."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.rendering import check_fresh, declared_variables, outdated, rendered
from gradectl.environment import Environment, load
from gradectl.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[4]
VARIABLES = """
variable "environment_name" {}
variable "aws_region" {}
variable "aws_account_id" {}
variable "emulated" {}
variable "ecs_desired_count" {}
variable "mq_admin_password" {}
# variable "not_this_one" {}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a few variables and the real templates."""
    (tmp_path / "environments" / "dev").mkdir(parents=True)
    (tmp_path / "environments" / "variables.tf").write_text(VARIABLES)
    shutil.copytree(REPOSITORY / "templates", tmp_path / "templates")
    return tmp_path


def environment(**changes: Any) -> Environment:
    return Environment(
        **{
            "schema_version": 1,
            "name": "dev",
            "account_id": "123456789012",
            "region": "eu-west-1",
            **changes,
        }
    )


def contents(root: Path, found: Environment) -> dict[str, str]:
    return {path.name: text for path, text in rendered(root, found).items()}


def test_the_keys_become_variables(root: Path) -> None:
    """Name, account, region and emulation are passed to Terraform."""
    text = contents(root, environment(variables={"ecs_desired_count": 3}))["terraform.tfvars"]

    assert text.splitlines()[1:] == [
        'aws_account_id    = "123456789012"',
        'aws_region        = "eu-west-1"',
        "ecs_desired_count = 3",
        "emulated          = false",
        'environment_name  = "dev"',
    ]


def test_the_backend_locks_by_a_file_in_the_bucket(root: Path) -> None:
    """DynamoDB locking is deprecated."""
    text = contents(root, environment())["backend.hcl"]

    assert "use_lockfile = true" in text
    assert '"dev-gradectl-state-123456789012"' in text
    assert "path_style" not in text


def test_an_emulated_backend_checks_no_credentials(root: Path) -> None:
    """The emulator cannot check them."""
    text = contents(root, environment(emulated=True))["backend.hcl"]

    assert "skip_credentials_validation = true" in text


@pytest.mark.parametrize(
    ("name", "words", "next_step"),
    [
        ("ecs_desired_cont", "unknown variable", "did you mean 'ecs_desired_count'?"),
        ("not_this_one", "unknown variable", "see environments/variables*.tf"),
        ("aws_region", "is set by the key 'region'", "remove it from variables"),
        ("mq_admin_password", "is a secret", "TF_VAR_mq_admin_password"),
    ],
)
def test_a_variable_that_cannot_be_set_is_refused(
    root: Path, name: str, words: str, next_step: str
) -> None:
    """Before Terraform starts, with the file and the next step."""
    with pytest.raises(ConfigurationError) as caught:
        rendered(root, environment(variables={name: "x"}))

    assert words in caught.value.what
    assert next_step in caught.value.next_step
    assert "environments/dev/environment.yaml" in caught.value.where


def test_a_changed_file_is_out_of_date_until_it_is_rendered(root: Path) -> None:
    """Terraform must not use outdated files."""
    files = rendered(root, environment())
    assert outdated(files) == list(files)
    for path, text in files.items():
        path.write_text(text)
    check_fresh(root, environment())

    with pytest.raises(ConfigurationError) as caught:
        check_fresh(root, environment(region="eu-west-2"))
    assert caught.value.next_step == "gradectl render dev"


def test_a_project_without_variables_is_an_error(tmp_path: Path) -> None:
    """It is probably the wrong folder."""
    with pytest.raises(ConfigurationError) as caught:
        rendered(tmp_path, environment())

    assert "declare no variables" in caught.value.what


def test_what_is_committed_is_what_renders() -> None:
    """The rendered files in this repository are up to date."""
    for path in (REPOSITORY / "environments").glob("*/environment.yaml"):
        found = load(REPOSITORY, path.parent.name)
        assert outdated(rendered(REPOSITORY, found)) == []


def test_commented_variables_do_not_count(root: Path) -> None:
    """Only declarations at the start of a line do."""
    assert "not_this_one" not in declared_variables(root)
