"""The checks with the AWS provider, shared by all commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gradectl.adapters.terraform.locate import locate
from gradectl.validation.checks import (
    broker_xml,
    configuration,
    mocked_tests,
    module_versions,
    plan,
)
from gradectl.validation.session import open_context

pytestmark = pytest.mark.engine
REPOSITORY = Path(__file__).resolve().parents[5]
MESSAGING = REPOSITORY / "modules" / "messaging"
SECONDS = 60  # a limit for a hung test
VPC = """terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "VERSION"
    }
  }
}

resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
}
"""
VPC_TEST = """mock_provider "aws" {}

run "fails" {
  command = plan
  assert {
    condition     = aws_vpc.this.cidr_block == "10.1.0.0/16"
    error_message = "the address is another one"
  }
}
"""
FOREIGN = """terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.88"
    }
  }

  backend "s3" {}
}

provider "aws" {
  region              = "eu-west-1"
  allowed_account_ids = ["210987654321"]
}

provider "aws" {
  alias  = "global"
  region = "us-east-1"
}

data "aws_caller_identity" "current" {}

data "aws_subnets" "private" {
  tags = { Tier = "private" }
}

data "aws_iam_policy_document" "extra" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::files-${data.aws_caller_identity.current.account_id}/x"]
  }
}

import {
  to = aws_s3_bucket.existing
  id = "files"
}

resource "aws_s3_bucket" "existing" {
  provider = aws.global
  bucket   = "files"
}

module "workers" {
  source             = "git::https://git.example.com/platform/gradectl.git//modules/ecs-grading?ref=v1.0.0"
  environment_name   = "exams"
  region             = "eu-west-1"
  image              = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/worker:1.0"
  subnet_ids         = data.aws_subnets.private.ids
  security_group_ids = ["sg-0123456789abcdef0"]
  queue              = { broker_node_names = ["mq-1"] }
  task_policies      = { extra = data.aws_iam_policy_document.extra.json }
  environment        = { ENVIRONMENT = "exams" }
  task               = { cpu = 256, memory = MEMORY }
}
"""


@pytest.fixture(scope="module")
def messaging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The messaging module of this repository."""
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with open_context(MESSAGING, environ, REPOSITORY) as context:
        yield context


def providers_of(context: Any) -> list[psutil.Process]:
    """The provider processes of a run."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if str(context.scratch) in command_line(process)
    ]


def command_line(process: psutil.Process) -> str:
    """Empty for a process that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_the_xml_of_this_repository_is_kept_by_amazon_mq(messaging: Any, look: Any) -> None:
    """Rendered by Terraform with the values of the module's tests."""
    assert look(broker_xml.CHECK, messaging) == []


def test_xml_that_amazon_mq_removes_is_found_in_the_template(
    make_context: Callable[..., Any], look: Any, tmp_path: Path
) -> None:
    """At the line in the template."""
    copy = tmp_path / "project" / "modules" / "messaging"
    shutil.copytree(MESSAGING, copy)
    (template,) = (copy / "templates").glob("*.xml.tftpl")
    text = template.read_text().replace("<destinations>", "<sslContext/>\n<destinations>", 1)
    template.write_text(text)
    line = next(at for at, one in enumerate(text.splitlines(), 1) if "<sslContext/>" in one)

    (found,) = look(broker_xml.CHECK, make_context({}))

    assert found.location == f"modules/messaging/templates/{template.name}:{line}"
    assert "broker/sslContext" in found.message


@pytest.fixture(scope="module")
def workers_from_git(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables by which git finds our module where the foreign root says that it is."""
    top = tmp_path_factory.mktemp("server")
    shutil.copytree(REPOSITORY / "modules" / "ecs-grading", top / "w" / "modules" / "ecs-grading")
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    for words in (
        ["init", "-q"],
        ["add", "."],
        [*who, "-c", "commit.gpgsign=false", "commit", "-qm", "Release"],
        ["tag", "v1.0.0"],
    ):
        subprocess.run(["git", *words], cwd=top / "w", check=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{top / 'w'}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example.com/platform/gradectl.git",
    }


def test_a_foreign_root_is_planned_without_credentials(
    make_context: Callable[..., Any], look: Any, workers_from_git: dict[str, str]
) -> None:
    """It has a module from git, two regions, data sources, an import and a backend."""
    files = {"right/main.tf": FOREIGN.replace("MEMORY", "1024")}
    files["wrong/main.tf"] = FOREIGN.replace("MEMORY", "4096")
    line = (
        files["wrong/main.tf"]
        .splitlines()
        .index("  task               = { cpu = 256, memory = 4096 }")
    )

    context = make_context(files, **workers_from_git)

    assert look(module_versions.CHECK, context) == []
    (found,) = look(plan.CHECK, context)
    assert (found.severity, found.location) == ("error", f"wrong/main.tf:{line + 1}")
    assert "with cpu 256, memory must be one of 512, 1024, 2048" in found.message


def test_a_module_is_checked_without_a_lock_file_or_a_second_provider(
    tmp_path: Path, look: Any
) -> None:
    """One process serves all commands, and ends with the run; the folder is not changed."""
    folder = tmp_path / "modules" / "a"
    (folder / "tests").mkdir(parents=True)
    (folder / "main.tf").write_text(VPC.replace("VERSION", ">= 5.88"))
    (folder / "tests" / "vpc.tftest.hcl").write_text(VPC_TEST)
    before = sorted(folder.rglob("*"))
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with open_context(tmp_path, environ, tmp_path) as context:
        assert look(configuration.VALIDATE, context) == []
        (found,) = look(mocked_tests.CHECK, context)
        running = providers_of(context)

    assert "the address is another one" in found.message
    assert len(running) == 1
    assert sorted(folder.rglob("*")) == before
    assert not psutil.wait_procs(running, timeout=SECONDS)[1]
    assert not context.scratch.exists()


def test_unavailable_provider_versions_are_found_at_their_requirement(
    make_context: Callable[..., Any], look: Any
) -> None:
    """Every check that needs the provider reports the same message."""
    versions = {"a": ">= 5.88", "b": "< 2.0"}
    files = {f"modules/{name}/main.tf": VPC.replace("VERSION", versions[name]) for name in "ab"}

    found = look(configuration.VALIDATE, make_context(files))

    assert len(set(found)) == 1
    assert found[0].path == "modules/a/main.tf"
    assert "hashicorp/aws" in found[0].message
    assert "Next: " in found[0].message


def test_the_reattach_variable_names_the_provider_by_its_address(messaging: Any) -> None:
    """Terraform and OpenTofu use different registries."""
    place = messaging.workspace.ready(messaging.project.folders[0])

    (address,) = json.loads(place.variables["TF_REATTACH_PROVIDERS"])

    host = "registry.opentofu.org" if "tofu" in locate(os.environ).command[0] else "registry"
    assert address.startswith(host)
    assert address.endswith("/hashicorp/aws")
