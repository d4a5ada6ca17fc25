"""What is there to check is found, with what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError
from gradectl.validation.project import Project

EMPTY = {"main.tf": "\n"}


def project(top: Path, files: Mapping[str, str]) -> Project:
    """A project of these files."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return Project(top)


def kinds(found: Project) -> dict[str, str]:
    """Its folders and what they are."""
    return {str(one.path.relative_to(found.path)): one.kind for one in found.folders}


def test_a_folder_is_a_root_a_module_or_an_example_by_its_place(tmp_path: Path) -> None:
    """Only a root has a state, and so a lock file."""
    names = ("environments", "modules/a", "modules/a/examples/b", "examples/c", "infra/modules/d")

    found = project(tmp_path, {f"{name}/main.tf": "" for name in names})

    assert kinds(found) == {
        "environments": "root",
        "examples/c": "example",
        "infra/modules/d": "module",
        "modules/a": "module",
        "modules/a/examples/b": "example",
    }


def test_the_folder_itself_may_be_a_module(tmp_path: Path) -> None:
    """Whoever works on one module checks that one."""
    assert kinds(project(tmp_path / "modules" / "a", EMPTY)) == {".": "module"}


def test_a_folder_that_another_one_calls_is_a_module_wherever_it_is(tmp_path: Path) -> None:
    """Not every team has a folder of that name."""
    files = {"main.tf": 'module "a" {\n  source = "./parts/a"\n}\n', "parts/a/main.tf": ""}

    assert kinds(project(tmp_path, files)) == {".": "root", "parts/a": "module"}


@pytest.mark.parametrize("name", [".terraform/x", "node_modules/x", "build", "tests/fixtures"])
def test_what_is_installed_built_or_meant_to_be_wrong_is_left_out(
    tmp_path: Path, name: str
) -> None:
    """Nobody here wrote it, or it is a test's own."""
    assert kinds(project(tmp_path, {**EMPTY, f"{name}/main.tf": ""})) == {".": "root"}


def test_a_virtual_environment_of_any_name_is_left_out(tmp_path: Path) -> None:
    """Packages bring Terraform files of their own."""
    files = {**EMPTY, "env/pyvenv.cfg": "", "env/lib/main.tf": ""}

    assert kinds(project(tmp_path, files)) == {".": "root"}


def test_a_folder_without_terraform_is_refused(tmp_path: Path) -> None:
    """It is the wrong folder."""
    with pytest.raises(ConfigurationError, match="no Terraform file"):
        Project(tmp_path)


def test_values_and_tests_have_a_form_too(tmp_path: Path) -> None:
    """Everything that terraform fmt would touch, and nothing of the project's own tests."""
    files = {
        "root/main.tf": "",
        "root/dev/terraform.tfvars": "",
        "root/tests/a.tftest.hcl": "",
        "tests/wrong.tf": "",
    }

    found = project(tmp_path, files).formatted_files

    assert {str(path.relative_to(tmp_path)) for path in found} == set(files) - {"tests/wrong.tf"}


def test_required_providers_are_read_with_their_line(tmp_path: Path) -> None:
    """An error about one leads there."""
    text = (
        "terraform {\n  required_providers {\n"
        '    aws = {\n      source  = "hashicorp/aws"\n      version = ">= 5"\n    }\n'
        '    old = "~> 1"\n  }\n}\n'
    )
    (folder,) = project(tmp_path, {"versions.tf": text}).folders

    found = {item.local_name: item for item in folder.requirements}

    assert (found["aws"].source, found["aws"].constraint, found["aws"].line) == (
        "hashicorp/aws",
        ">= 5",
        3,
    )
    assert (found["old"].source, found["old"].constraint) == ("hashicorp/old", "~> 1")


def test_a_provider_that_is_only_used_is_required_too(tmp_path: Path) -> None:
    """Terraform takes it from HashiCorp; what is built in is no provider."""
    text = 'resource "aws_vpc" "x" {}\nresource "terraform_data" "y" {}\n'
    (folder,) = project(tmp_path, {"main.tf": text}).folders

    assert [item.source for item in folder.requirements] == ["hashicorp/aws"]


def test_local_modules_are_followed(tmp_path: Path) -> None:
    """A change in one concerns all that call it, however indirectly."""
    files = {
        "root/main.tf": 'module "a" {\n  source = "../modules/a"\n}\n',
        "modules/a/main.tf": 'module "b" {\n  source = "../b"\n}\n',
        "modules/b/main.tf": 'module "a" {\n  source = "../a"\n}\n',
    }
    found = project(tmp_path, files)

    (root,) = found.of_kind("root")

    assert root.local_modules == {tmp_path / "modules" / "a", tmp_path / "modules" / "b"}
    assert root.calls_modules


def test_a_test_that_runs_another_module_needs_it_too(tmp_path: Path) -> None:
    """Terraform links it before the tests."""
    run = 'run "x" {\n  module {\n    source = "./tests/setup"\n  }\n}\n'
    (folder,) = project(tmp_path, {**EMPTY, "tests/a.tftest.hcl": run}).folders

    assert folder.calls_modules


def test_a_file_that_cannot_be_read_has_no_blocks(tmp_path: Path) -> None:
    """Terraform itself says what is wrong with it; the others are looked at."""
    (tmp_path / "bytes.tf").write_bytes(b"\xff\xfe")
    found = project(tmp_path, {"broken.tf": "x {", "good.tf": 'provider "aws" {}\n'})

    assert [block.kind for _, block in found.folders[0].blocks] == ["provider"]
