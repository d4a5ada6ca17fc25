"""Folders of a project are found and classified, with their requirements."""

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
    """Its folders and their kinds."""
    return {str(one.path.relative_to(found.path)): one.kind for one in found.folders}


def test_a_folder_is_classified_by_its_path(tmp_path: Path) -> None:
    """Only a root has a state and a lock file."""
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
    """A single module can be checked."""
    assert kinds(project(tmp_path / "modules" / "a", EMPTY)) == {".": "module"}


def test_a_folder_that_another_one_calls_is_a_module_wherever_it_is(tmp_path: Path) -> None:
    """Not every project has a folder modules/."""
    files = {"main.tf": 'module "a" {\n  source = "./parts/a"\n}\n', "parts/a/main.tf": ""}

    assert kinds(project(tmp_path, files)) == {".": "root", "parts/a": "module"}


@pytest.mark.parametrize("name", [".terraform/x", "node_modules/x", "build", "tests/fixtures"])
def test_installed_built_and_test_folders_are_skipped(tmp_path: Path, name: str) -> None:
    """It is generated, installed, or belongs to a test."""
    assert kinds(project(tmp_path, {**EMPTY, f"{name}/main.tf": ""})) == {".": "root"}


def test_virtual_environments_of_any_name_are_skipped(tmp_path: Path) -> None:
    """Packages may contain Terraform files."""
    files = {**EMPTY, "env/pyvenv.cfg": "", "env/lib/main.tf": ""}

    assert kinds(project(tmp_path, files)) == {".": "root"}


def test_a_folder_without_terraform_is_refused(tmp_path: Path) -> None:
    """It is probably the wrong folder."""
    with pytest.raises(ConfigurationError, match="no Terraform file"):
        Project(tmp_path)


def test_tfvars_and_test_files_are_formatted_too(tmp_path: Path) -> None:
    """All files that terraform fmt formats, without the project's own tests."""
    files = {
        "root/main.tf": "",
        "root/dev/terraform.tfvars": "",
        "root/tests/a.tftest.hcl": "",
        "tests/wrong.tf": "",
    }

    found = project(tmp_path, files).formatted_files

    assert {str(path.relative_to(tmp_path)) for path in found} == set(files) - {"tests/wrong.tf"}


def test_required_providers_are_read_with_their_line(tmp_path: Path) -> None:
    """Errors point to this line."""
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
    """Terraform uses HashiCorp's; built-in resources need none."""
    text = 'resource "aws_vpc" "x" {}\nresource "terraform_data" "y" {}\n'
    (folder,) = project(tmp_path, {"main.tf": text}).folders

    assert [item.source for item in folder.requirements] == ["hashicorp/aws"]


def test_local_modules_are_followed(tmp_path: Path) -> None:
    """A change affects all direct and indirect callers."""
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
    """Terraform installs it before the tests."""
    run = 'run "x" {\n  module {\n    source = "./tests/setup"\n  }\n}\n'
    (folder,) = project(tmp_path, {**EMPTY, "tests/a.tftest.hcl": run}).folders

    assert folder.calls_modules


def test_a_file_that_cannot_be_read_has_no_blocks(tmp_path: Path) -> None:
    """Terraform reports the error; other files are still read."""
    (tmp_path / "bytes.tf").write_bytes(b"\xff\xfe")
    found = project(tmp_path, {"broken.tf": "x {", "good.tf": 'provider "aws" {}\n'})

    assert [block.kind for _, block in found.folders[0].blocks] == ["provider"]
