"""The module that calls others: it passes on what they take, and a root can change to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import worker_variables
from terraform_modules import Sources

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "modules" / "grading-system"
#: Variables whose type is a part of that of the same variable of the module ecs-grading.
SHARED = ("capacity", "scaling", "task")
#: Variables that take the outputs of a module, and the members that are no outputs of it.
OUTPUTS: dict[str, tuple[str, set[str]]] = {
    "broker": ("messaging", {"cidr_blocks", "password_version", "sqs", "username"}),
    "database": ("database", {"cidr_blocks", "password_version"}),
    "network": ("network", {"endpoints", "internet_egress", "s3_prefix_list_id"}),
    "storage": ("storage", set()),
}
SINGLE = """
variable "passwords" {
  ephemeral = true
}

module "parameters" {
  source           = "../../../modules/parameters"
  environment_name = "exams"
  part             = "worker"
  kms_key_arn      = local.key
  secret_versions  = { db-password = 1, mq-password = 1 }
  secret_values    = { db-password = var.passwords.database, mq-password = var.passwords.broker }
  values = {
    db-endpoint = "db.example.com:3306"
    db-name     = "judge"
    db-username = "grader"
    mq-endpoint = "stomp+ssl://mq.example.com:61614"
    mq-username = "worker"
  }
}

module "ecs_grading" {
  source             = "../../../modules/ecs-grading"
  environment_name   = "exams"
  region             = "ap-northeast-2"
  image              = "example.com/grading-worker:1.0"
  subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  security_group_ids = [module.network.security_group_ids["worker"]]
  queue              = { broker_node_names = ["shared-1"] }
  task_policies      = { bucket = local.policy, parameters = module.parameters.reader_policy_json }
  environment = merge(
    { AWS_REGION = "ap-northeast-2", ENVIRONMENT = "exams", GRADING_BUCKET = "exams-files" },
    { for key, name in module.parameters.names : "${upper(replace(key, "-", "_"))}_PARAM" => name },
  )
  service = { ignore_task_definition_changes = true, log = { kms_key_arn = local.key } }
  task    = merge(local.task, { ephemeral_storage_kms_key_arn = local.key })
}

module "monitoring" {
  source           = "../../../modules/monitoring"
  environment_name = "exams"
  broker           = { node_names = ["shared-1"], instance_type = "mq.t3.micro" }
  service = {
    cluster_name    = module.ecs_grading.cluster_name
    log_kms_key_arn = local.key
    service_name    = module.ecs_grading.service_name
    min_tasks       = module.ecs_grading.min_tasks
  }
}

module "network" {
  source = "../../../modules/network"
  name   = "exams-grading"
  region = "ap-northeast-2"
  existing = {
    vpc_id             = "vpc-0123456789abcdef0"
    vpc_cidr_block     = "10.20.0.0/16"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    s3_prefix_list_id  = "pl-78a54011"
    broker             = { security_group_ids = ["sg-0123456789abcdef0"] }
    database           = { security_group_ids = ["sg-0123456789abcdef1"] }
    endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
    web                = { security_group_ids = ["sg-0123456789abcdef3"] }
  }
}
"""
COMMON = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

locals {
  policy = jsonencode({
    Version = "2012-10-17", Statement = [{ Resource = "arn:aws:s3:::exams-files/*" }]
  })
  key = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
  task = {
    repository_credentials_arn = "${local.secrets}:registry-AbCdEf"
    secret_arns                = { HANDLER_TOKEN = "${local.secrets}:handler-GhIjKl" }
    secret_kms_key_arns        = [local.key]
  }
  secrets = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret"
}
"""
COMPOSITE = """
variable "passwords" {
  ephemeral = true
}

module "grading_system" {
  source           = "../../../modules/grading-system"
  environment_name = "exams"
  region           = "ap-northeast-2"
  image            = "example.com/grading-worker:1.0"
  kms_key_arn      = local.key
  passwords        = var.passwords
  service          = { ignore_task_definition_changes = true }
  task             = local.task
  alarms           = { queue_size_alarm_name = "grading-queue-size-high" }
  storage          = { bucket_name = "exams-files", worker_policy_json = local.policy }
  network = {
    vpc_id             = "vpc-0123456789abcdef0"
    vpc_cidr_block     = "10.20.0.0/16"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    s3_prefix_list_id  = "pl-78a54011"
    endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
  }
  broker = {
    instance_type      = "mq.t3.micro"
    node_names         = ["shared-1"]
    stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
  database = {
    database_name      = "judge"
    endpoint           = "db.example.com:3306"
    security_group_ids = ["sg-0123456789abcdef1"]
  }
}
"""
#: Both roots on one state, as if the second were the next version of the first.
CHANGE = """
variables {
  passwords = { broker = "a-Password-for-tests-1", database = "a-Password-for-tests-2" }
}

run "single" {
  state_key = "root"
  module {
    source = "./single"
  }
}

run "composite" {
  command   = plan
  state_key = "root"
  module {
    source = "./composite"
  }
}
"""


def options(module: str) -> dict[str, tuple[str | None, ...]]:
    """Members of the shared variables by path: type, default and comment."""
    return {
        leaf.path: (leaf.member.type.short, leaf.member.default, variable.comments.get(leaf.path))
        for variable in Sources.of(ROOT / "modules" / module).variables
        if variable.name in SHARED
        for leaf in variable.members
    }


def test_its_options_are_those_of_the_module_that_they_reach() -> None:
    """They have the same names, defaults and explanations, and `scaling` and `capacity` all."""
    own, workers = options("grading-system"), options("ecs-grading")

    assert own.items() <= workers.items()
    assert {path for path in workers.keys() - own.keys() if not path.startswith("task.")} == set()


@pytest.mark.parametrize("name", OUTPUTS)
def test_it_takes_the_outputs_of_another_module_as_they_are(name: str) -> None:
    """A member that is no output of the module would silently have its default."""
    module, others = OUTPUTS[name]
    outputs = {output.name for output in Sources.of(ROOT / "modules" / module).outputs}
    own = next(each for each in Sources.of(MODULE).variables if each.name == name)

    taken = {leaf.path.split(".")[1] for leaf in own.members}
    assert taken - outputs == others


def test_it_sets_what_a_worker_requires() -> None:
    """The variables without a default, and the region; the rest is up to `settings`."""
    text = (MODULE / "main.tf").read_text()
    listed = re.findall(r"parameter_keys = \[(.*?)\]|variable_names = concat\(\[(.*?)\]", text)
    keys, names = (re.findall(r'"([\w-]+)"', "".join(found)) for found in listed)

    given = {f"{key.replace('-', '_').upper()}_PARAM" for key in keys} | set(names)
    assert given - {"AWS_REGION"} == worker_variables.required()


@pytest.mark.engine
def test_a_root_of_the_single_modules_changes_to_it_without_replacing_anything(
    mocked_folder: Callable[..., Any],
) -> None:
    """With the `moved` blocks of its README, every resource stays the one that it was."""
    readme = (MODULE / "README.md").read_text().split("\n## From the single modules\n")[1]
    mocks = (MODULE / "tests/mocks/aws.tfmock.hcl").read_text()
    mocks = mocks.replace("  override_during = plan\n", "")  # an apply gives values of its own
    folder = mocked_folder(
        "own/change",
        {
            "main.tf": "",
            "single/main.tf": SINGLE + COMMON,
            "composite/main.tf": COMPOSITE + COMMON,
            "composite/moved.tf": readme.split("```terraform\n")[1].split("```")[0],
            "change.tftest.hcl": f'mock_provider "aws" {{\n{mocks}\n}}\n{CHANGE}',
        },
    )

    told = folder.attempt("test", "-json", "-verbose")
    events = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    plans = [event["test_plan"] for event in events if event["type"] == "test_plan"]

    assert len(plans) == 1, told.stdout + told.stderr
    changes = plans[0]["resource_changes"]
    moved = [change for change in changes if change.get("previous_address")]
    assert len(moved) == len(changes) > 0
    assert {change["address"]: change["change"]["actions"] for change in changes} == {
        change["address"]: ["no-op"] for change in changes
    }
