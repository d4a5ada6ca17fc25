# Existing broker, database, endpoints and web tier.

mock_provider "aws" {
  mock_resource "aws_security_group" {
    override_during = plan
    defaults        = { id = "sg-000000000000000ff" }
  }
}

variables {
  name   = "test-grading"
  region = "ap-northeast-2"
  existing = {
    vpc_id             = "vpc-0123456789abcdef0"
    vpc_cidr_block     = "172.20.0.0/16"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    s3_prefix_list_id  = "pl-78a54011"
    broker             = { security_group_ids = ["sg-0123456789abcdef0"] }
    database           = { security_group_ids = ["sg-0123456789abcdef1"], cidr_blocks = ["10.9.0.0/24"] }
    endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
    web                = { security_group_ids = ["sg-0123456789abcdef3"] }
  }
}

run "workers_reach_existing_groups_and_ranges" {
  command = plan

  assert {
    condition = {
      for name, rule in aws_vpc_security_group_egress_rule.role :
      name => join(" ", [rule.security_group_id, coalesce(rule.referenced_security_group_id, rule.cidr_ipv4), rule.from_port, rule.to_port])
      } == {
      "worker-to-broker-61614-group-1"      = "sg-000000000000000ff sg-0123456789abcdef0 61614 61614"
      "worker-to-database-3306-group-1"     = "sg-000000000000000ff sg-0123456789abcdef1 3306 3306"
      "worker-to-database-3306-10.9.0.0/24" = "sg-000000000000000ff 10.9.0.0/24 3306 3306"
      "worker-to-endpoints-443-group-1"     = "sg-000000000000000ff sg-0123456789abcdef2 443 443"
    }
    error_message = "The rules name what exists, not groups that nothing is in."
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.s3) == ["worker"]
    error_message = "Workers reach S3."
  }
}

run "groups_and_rules_that_nobody_uses_are_not_created" {
  command = plan

  assert {
    condition     = keys(aws_security_group.this) == ["worker"] && keys(output.security_group_ids) == ["worker"]
    error_message = "Broker, database, endpoints and web tier have groups of their own."
  }

  assert {
    condition     = 0 == length(aws_vpc_security_group_ingress_rule.role) + length(aws_vpc_security_group_ingress_rule.endpoints) + length(aws_vpc_endpoint.interface)
    error_message = "Nothing connects to the workers, and groups of others do not change."
  }
}

run "an_existing_web_tier_reaches_what_is_created_here" {
  command = plan

  variables {
    allow_web_to_worker = true
    existing = {
      vpc_id                  = "vpc-0123456789abcdef0"
      vpc_cidr_block          = "172.20.0.0/16"
      private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      private_route_table_ids = ["rtb-0123456789abcdef0"]
      endpoints               = { cidr_blocks = ["172.20.7.0/24"] }
      web                     = { security_group_ids = ["sg-0123456789abcdef3"], cidr_blocks = ["172.20.8.0/24"] }
    }
    interface_endpoints = ["ssm"]
  }

  assert {
    condition = {
      for name, rule in aws_vpc_security_group_ingress_rule.role : name => try(coalesce(rule.cidr_ipv4, rule.referenced_security_group_id), "")
      if startswith(name, "web-")
      } == {
      "web-to-broker-61614-group-1"  = "sg-0123456789abcdef3", "web-to-broker-61614-172.20.8.0/24" = "172.20.8.0/24"
      "web-to-broker-61617-group-1"  = "sg-0123456789abcdef3", "web-to-broker-61617-172.20.8.0/24" = "172.20.8.0/24"
      "web-to-database-3306-group-1" = "sg-0123456789abcdef3", "web-to-database-3306-172.20.8.0/24" = "172.20.8.0/24"
      "web-to-endpoints-443-group-1" = "sg-0123456789abcdef3", "web-to-endpoints-443-172.20.8.0/24" = "172.20.8.0/24"
      "web-to-worker-8080-group-1"   = "sg-0123456789abcdef3", "web-to-worker-8080-172.20.8.0/24" = "172.20.8.0/24"
    }
    error_message = "The groups of broker, database, endpoints and workers accept the existing web tier."
  }

  assert {
    condition     = [for name in keys(aws_vpc_security_group_egress_rule.role) : name if startswith(name, "worker-to-endpoints")] == ["worker-to-endpoints-443", "worker-to-endpoints-443-172.20.7.0/24"]
    error_message = "Workers reach new and existing endpoints."
  }
}

run "a_new_vpc_may_use_an_existing_broker_and_database" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
    existing = {
      broker   = { cidr_blocks = ["172.20.1.10/32", "172.20.2.10/32"] }
      database = { cidr_blocks = ["172.20.1.20/32"] }
    }
  }

  assert {
    condition     = length(aws_vpc.this) == 1 && length(aws_vpc_endpoint.interface) == 4 && keys(aws_security_group.this) == ["endpoints", "load_balancer", "web", "worker"]
    error_message = "The VPC and its endpoints are created."
  }

  assert {
    condition = [for name in keys(aws_vpc_security_group_egress_rule.role) : name if startswith(name, "worker-")] == [
      "worker-to-broker-61614-172.20.1.10/32", "worker-to-broker-61614-172.20.2.10/32",
      "worker-to-database-3306-172.20.1.20/32", "worker-to-endpoints-443",
    ]
    error_message = "Workers reach the addresses of broker and database."
  }
}

run "refuses_an_existing_broker_without_an_address" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
    existing           = { broker = {} }
  }

  expect_failures = [var.existing]
}

run "refuses_a_name_instead_of_a_group_id" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
    existing           = { database = { security_group_ids = ["database"] } }
  }

  expect_failures = [var.existing]
}

run "refuses_all_addresses_as_the_broker" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
    existing           = { broker = { cidr_blocks = ["0.0.0.0/0"] } }
  }

  expect_failures = [var.existing]
}

run "refuses_rules_for_the_groups_of_an_existing_web_tier" {
  command = plan

  variables {
    internet_egress_roles = ["web"]
    ssh_cidr_blocks       = ["10.0.0.0/8"]
  }

  expect_failures = [var.internet_egress_roles, var.ssh_cidr_blocks]
}
