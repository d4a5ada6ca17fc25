# Defaults with only the required variables.

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

run "a_closed_network_in_two_zones" {
  command = plan

  assert {
    condition     = length(aws_subnet.private) == 2 && length(aws_subnet.public) == 2
    error_message = "Each zone has one private and one public subnet."
  }

  assert {
    condition = { for name, subnet in aws_subnet.private : name => subnet.cidr_block } == {
      ap-northeast-2a = "10.0.0.0/20", ap-northeast-2c = "10.0.16.0/20"
    }
    error_message = "The private subnets have the first parts of the range."
  }

  assert {
    condition = { for name, subnet in aws_subnet.public : name => subnet.cidr_block } == {
      ap-northeast-2a = "10.0.128.0/20", ap-northeast-2c = "10.0.144.0/20"
    }
    error_message = "The public subnets have the ninth and tenth part of the range."
  }

  assert {
    condition     = output.vpc_cidr_block == "10.0.0.0/16" && aws_vpc.this[0].cidr_block == "10.0.0.0/16"
    error_message = "The default range is 10.0.0.0/16."
  }

  assert {
    condition     = alltrue([for subnet in values(aws_subnet.public) : subnet.map_public_ip_on_launch != true])
    error_message = "Public subnets assign no public addresses."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.nat) == 0 && length(output.nat_public_ips) == 0
    error_message = "There is no NAT."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.internet) == 0
    error_message = "No role has internet egress."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.ssh) == 0 && length(aws_vpc_security_group_ingress_rule.load_balancer) == 0
    error_message = "No address range has ingress."
  }

  assert {
    condition     = length(aws_default_security_group.this) == 1
    error_message = "The default security group has no rules."
  }

  assert {
    condition     = length(aws_flow_log.this) == 0 && length(aws_cloudwatch_log_group.flow_logs) == 0 && length(aws_iam_role.flow_logs) == 0
    error_message = "There are no flow logs by default."
  }

  assert {
    condition = toset([for endpoint in values(aws_vpc_endpoint.interface) : endpoint.service_name]) == toset([
      "com.amazonaws.ap-northeast-2.ecr.api",
      "com.amazonaws.ap-northeast-2.ecr.dkr",
      "com.amazonaws.ap-northeast-2.logs",
      "com.amazonaws.ap-northeast-2.ssm",
    ])
    error_message = "Interface endpoints are ECR, logs and SSM."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3[0].service_name == "com.amazonaws.ap-northeast-2.s3"
    error_message = "S3 is reached through a gateway endpoint."
  }
}

run "roles_connect_only_by_the_rules" {
  command = plan

  assert {
    condition     = keys(aws_security_group.this) == ["broker", "database", "endpoints", "load_balancer", "web", "worker"]
    error_message = "There is one group for each role."
  }

  assert {
    condition = keys(aws_vpc_security_group_ingress_rule.role) == [
      "web-to-broker-61614", "web-to-broker-61617", "web-to-database-3306", "web-to-endpoints-443",
      "worker-to-broker-61614", "worker-to-database-3306", "worker-to-endpoints-443",
    ]
    error_message = "Only these connections are allowed."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.role) == keys(aws_vpc_security_group_egress_rule.role)
    error_message = "Each egress rule has an ingress rule."
  }

  assert {
    condition = alltrue([
      for name, rule in aws_vpc_security_group_ingress_rule.role :
      rule.cidr_ipv4 == null && rule.ip_protocol == "tcp" && rule.from_port == rule.to_port && endswith(name, "-${rule.to_port}")
    ])
    error_message = "Rules reference roles and one port, not addresses."
  }

  assert {
    condition = alltrue([
      for rule in values(aws_vpc_security_group_egress_rule.role) :
      rule.cidr_ipv4 == null && rule.ip_protocol == "tcp" && rule.from_port == rule.to_port
    ])
    error_message = "Egress rules have the same form."
  }

  assert {
    condition = keys(aws_vpc_security_group_egress_rule.s3) == ["web", "worker"] && alltrue([
      for rule in values(aws_vpc_security_group_egress_rule.s3) :
      rule.prefix_list_id == "pl-0123456789abcdef0" && rule.to_port == 443
    ])
    error_message = "The web tier and the workers reach S3 by the prefix list of its endpoint."
  }

  assert {
    condition     = keys(output.security_group_ids) == ["broker", "database", "endpoints", "load_balancer", "web", "worker"]
    error_message = "The output lists the groups by role."
  }

  assert {
    condition = (
      output.private_subnet_ids == tolist([for zone in var.availability_zones : aws_subnet.private[zone].id]) &&
      output.public_subnet_ids == tolist([for zone in var.availability_zones : aws_subnet.public[zone].id]) &&
      output.private_route_table_ids == tolist([aws_route_table.private["all"].id]) &&
      output.vpc_id == aws_vpc.this[0].id
    )
    error_message = "The outputs are in the order of the zones."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].route_table_ids == toset([aws_route_table.private["all"].id])
    error_message = "The gateway endpoint is in the route table of the private subnets."
  }

  assert {
    condition     = alltrue([for endpoint in values(aws_vpc_endpoint.interface) : endpoint.security_group_ids == toset([aws_security_group.this["endpoints"].id])])
    error_message = "Interface endpoints have the security group of their role."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.role["worker-to-broker-61614"].security_group_id == aws_security_group.this["broker"].id && aws_vpc_security_group_ingress_rule.role["worker-to-broker-61614"].referenced_security_group_id == aws_security_group.this["worker"].id
    error_message = "Each connection has an ingress rule."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.role["worker-to-broker-61614"].security_group_id == aws_security_group.this["worker"].id && aws_vpc_security_group_egress_rule.role["worker-to-broker-61614"].referenced_security_group_id == aws_security_group.this["broker"].id
    error_message = "Each connection has an egress rule."
  }
}
