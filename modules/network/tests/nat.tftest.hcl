# NAT and internet egress.

mock_provider "aws" {
  mock_resource "aws_eip" {
    override_during = plan
    defaults        = {}
  }

  mock_resource "aws_nat_gateway" {
    override_during = plan
    defaults        = {}
  }

  mock_resource "aws_route_table" {
    override_during = plan
    defaults        = {}
  }

  mock_resource "aws_security_group" {
    override_during = plan
    defaults = {
      owner_id = "123456789012"
    }
  }

  mock_resource "aws_subnet" {
    override_during = plan
    defaults        = {}
  }

  mock_resource "aws_vpc" {
    override_during = plan
    defaults        = {}
  }

  mock_resource "aws_vpc_endpoint" {
    override_during = plan
    defaults = {
      prefix_list_id = "pl-0123456789abcdef0"
    }
  }
}

variables {
  name               = "test-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "one_gateway_serves_all_zones" {
  command = plan

  variables {
    nat = "single"
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["ap-northeast-2a"] && aws_nat_gateway.this["ap-northeast-2a"].subnet_id == aws_subnet.public["ap-northeast-2a"].id
    error_message = "The NAT gateway is in the public subnet of the first zone."
  }

  assert {
    condition     = aws_eip.nat["ap-northeast-2a"].domain == "vpc" && output.nat_public_ips == [aws_eip.nat["ap-northeast-2a"].public_ip]
    error_message = "The NAT gateway has a fixed address."
  }

  assert {
    condition     = keys(aws_route.nat) == ["all"] && aws_route.nat["all"].nat_gateway_id == aws_nat_gateway.this["ap-northeast-2a"].id
    error_message = "All private subnets share one route table."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.internet) == 0
    error_message = "NAT alone grants no internet egress."
  }
}

run "a_gateway_in_each_zone" {
  command = plan

  variables {
    nat = "per_zone"
  }

  assert {
    condition = alltrue([
      for zone in var.availability_zones :
      aws_nat_gateway.this[zone].subnet_id == aws_subnet.public[zone].id &&
      aws_route.nat[zone].nat_gateway_id == aws_nat_gateway.this[zone].id &&
      aws_route.nat[zone].route_table_id == aws_route_table.private[zone].id &&
      aws_route_table_association.private[zone].route_table_id == aws_route_table.private[zone].id
    ])
    error_message = "Each zone routes through its own NAT gateway."
  }

  assert {
    condition     = output.private_route_table_ids == tolist([for zone in var.availability_zones : aws_route_table.private[zone].id]) && length(output.nat_public_ips) == 2
    error_message = "There is one route table and one address per zone."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].route_table_ids == toset(output.private_route_table_ids)
    error_message = "S3 traffic bypasses NAT in every zone."
  }
}

run "internet_egress_is_granted_by_role" {
  command = plan

  variables {
    nat                   = "single"
    internet_egress_roles = ["worker"]
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.internet) == ["worker"]
    error_message = "Only the given role has internet egress."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.internet["worker"].cidr_ipv4 == "0.0.0.0/0" &&
      aws_vpc_security_group_egress_rule.internet["worker"].from_port == 443 &&
      aws_vpc_security_group_egress_rule.internet["worker"].to_port == 443
    )
    error_message = "Internet egress is limited to port 443."
  }
}

run "refuses_an_unknown_nat_mode" {
  command = plan

  variables {
    nat = "instance"
  }

  expect_failures = [var.nat]
}

run "refuses_internet_egress_without_nat" {
  command = plan

  variables {
    internet_egress_roles = ["worker"]
  }

  expect_failures = [var.internet_egress_roles]
}

run "refuses_internet_egress_of_the_database" {
  command = plan

  variables {
    nat                   = "single"
    internet_egress_roles = ["database"]
  }

  expect_failures = [var.internet_egress_roles]
}
