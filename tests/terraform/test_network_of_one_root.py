"""The module network for a VPC of the same root: its IDs are unknown in the first plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.engine

ROOT = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

resource "aws_vpc" "own" {
  cidr_block = "172.20.0.0/16"
}

resource "aws_subnet" "own" {
  count = 2

  vpc_id     = aws_vpc.own.id
  cidr_block = cidrsubnet(aws_vpc.own.cidr_block, 8, count.index)
}

resource "aws_route_table" "own" {
  vpc_id = aws_vpc.own.id
}

resource "aws_security_group" "own" {
  for_each = toset(["broker", "database", "endpoints", "web"])

  vpc_id = aws_vpc.own.id
}

module "network" {
  source = "../modules/network"

  name                = "own-grading"
  region              = "ap-northeast-2"
  interface_endpoints = ["ssm"]
  existing = {
    vpc_id                  = aws_vpc.own.id
    vpc_cidr_block          = aws_vpc.own.cidr_block
    private_subnet_ids      = aws_subnet.own[*].id
    private_route_table_ids = [aws_route_table.own.id]
    broker                  = { security_group_ids = [aws_security_group.own["broker"].id] }
    database                = { security_group_ids = [aws_security_group.own["database"].id] }
    endpoints               = { security_group_ids = [aws_security_group.own["endpoints"].id] }
    web                     = { security_group_ids = [aws_security_group.own["web"].id] }
  }
}
"""


def test_one_apply_creates_a_vpc_and_the_network_of_the_workers_in_it(
    mocked_folder: Callable[..., Any],
) -> None:
    """What the module creates depends on what is given, not on IDs."""
    changes = mocked_folder("own", {"main.tf": ROOT}).plan()["resource_changes"]

    addresses = {each["address"] for each in changes}
    rule = "module.network.aws_vpc_security_group_egress_rule.role"
    assert {
        f'{rule}["worker-to-broker-61614-group-1"]',
        f'{rule}["worker-to-database-3306-group-1"]',
        f'{rule}["worker-to-endpoints-443-group-1"]',
    } <= addresses
    assert not [each for each in addresses if each.startswith("module.network.aws_vpc.")]
