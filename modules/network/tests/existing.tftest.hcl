# An existing VPC.

mock_provider "aws" {
  mock_resource "aws_security_group" {
    override_during = plan
    defaults        = { owner_id = "123456789012" }
  }
}

variables {
  name                = "test-grading"
  region              = "ap-northeast-2"
  interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "ssm"]
  existing = {
    vpc_id                  = "vpc-0123456789abcdef0"
    vpc_cidr_block          = "172.20.0.0/16"
    private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    public_subnet_ids       = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
    private_route_table_ids = ["rtb-0123456789abcdef0"]
  }
}

run "creates_only_groups_and_endpoints_in_an_existing_vpc" {
  command = plan

  assert {
    condition = 0 == sum([
      length(aws_vpc.this), length(aws_default_security_group.this), length(aws_subnet.private), length(aws_subnet.public),
      length(aws_internet_gateway.this), length(aws_route_table.public), length(aws_route_table.private), length(aws_route.internet),
      length(aws_route.nat), length(aws_route_table_association.public), length(aws_route_table_association.private),
      length(aws_nat_gateway.this), length(aws_eip.nat), length(aws_flow_log.this),
    ])
    error_message = "The existing VPC and its default security group are unchanged."
  }

  assert {
    condition = alltrue([
      for group in values(aws_security_group.this) : group.vpc_id == "vpc-0123456789abcdef0"
    ]) && keys(aws_security_group.this) == ["broker", "database", "endpoints", "load_balancer", "web", "worker"]
    error_message = "All security groups are in the existing VPC."
  }

  assert {
    condition = alltrue([
      for endpoint in values(aws_vpc_endpoint.interface) :
      endpoint.vpc_id == "vpc-0123456789abcdef0" && endpoint.subnet_ids == toset(["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"])
    ]) && length(aws_vpc_endpoint.interface) == 4
    error_message = "The interface endpoints are in its private subnets."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].route_table_ids == toset(["rtb-0123456789abcdef0"])
    error_message = "The S3 endpoint is in the given route tables."
  }

  assert {
    condition = (
      output.vpc_id == "vpc-0123456789abcdef0" && output.vpc_cidr_block == "172.20.0.0/16" &&
      output.private_subnet_ids == tolist(["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]) &&
      output.public_subnet_ids == tolist(["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]) &&
      output.private_route_table_ids == tolist(["rtb-0123456789abcdef0"]) && length(output.nat_public_ips) == 0
    )
    error_message = "The outputs are the given values."
  }
}

run "creates_no_interface_endpoint_by_default_in_an_existing_vpc" {
  command = plan

  variables {
    interface_endpoints   = null
    internet_egress_roles = ["worker"]
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0 && !contains(keys(aws_security_group.this), "endpoints")
    error_message = "Private DNS of an endpoint would redirect the traffic of other teams."
  }

  assert {
    condition     = [for name in keys(aws_vpc_security_group_egress_rule.role) : name if strcontains(name, "endpoints")] == []
    error_message = "No rule is for endpoints that do not exist."
  }
}

run "interface_endpoints_accept_all_clients_that_their_private_dns_redirects" {
  command = plan

  variables {
    existing = {
      vpc_id                  = "vpc-0123456789abcdef0"
      vpc_cidr_block          = "172.20.0.0/16"
      other_cidr_blocks       = ["172.21.0.0/16"]
      private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      private_route_table_ids = ["rtb-0123456789abcdef0"]
    }
  }

  assert {
    condition = { for name, rule in aws_vpc_security_group_ingress_rule.endpoints : name => [rule.cidr_ipv4, rule.from_port, rule.to_port] } == {
      "172.20.0.0/16" = ["172.20.0.0/16", 443, 443], "172.21.0.0/16" = ["172.21.0.0/16", 443, 443]
    }
    error_message = "All ranges of the VPC reach the endpoints, not only web tier and workers."
  }

  assert {
    condition     = alltrue([for endpoint in values(aws_vpc_endpoint.interface) : endpoint.private_dns_enabled])
    error_message = "The workers find the endpoints by the names of the services."
  }
}

run "private_dns_of_interface_endpoints_is_a_choice" {
  command = plan

  variables {
    existing = {
      vpc_id                  = "vpc-0123456789abcdef0"
      vpc_cidr_block          = "172.20.0.0/16"
      private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      private_route_table_ids = ["rtb-0123456789abcdef0"]
      endpoint_private_dns    = false
    }
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 4 && !anytrue([for endpoint in values(aws_vpc_endpoint.interface) : endpoint.private_dns_enabled])
    error_message = "The names of the services keep their addresses."
  }
}

run "the_s3_endpoint_of_shared_route_tables_allows_what_was_allowed_before" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_vpc_endpoint.s3[0].policy).Statement : [statement.Effect, statement.Principal, statement.Action, statement.Resource, try(statement.Condition, null)]] == [
      ["Allow", "*", "*", "*", null],
    ]
    error_message = "Other teams with these route tables may use buckets of other accounts."
  }
}

run "the_s3_endpoint_of_shared_route_tables_is_restricted_by_choice" {
  command = plan

  variables {
    existing = {
      vpc_id                  = "vpc-0123456789abcdef0"
      vpc_cidr_block          = "172.20.0.0/16"
      private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      private_route_table_ids = ["rtb-0123456789abcdef0"]
      restrict_s3             = true
    }
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.s3[0].policy).Statement[0].Condition == { StringEquals = { "aws:ResourceAccount" = "123456789012" } }
    error_message = "All clients of these route tables may change only buckets of this account."
  }
}

run "keeps_an_existing_s3_endpoint" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
    }
    interface_endpoints   = []
    internet_egress_roles = ["worker"]
  }

  assert {
    condition     = length(aws_vpc_endpoint.s3) == 0 && length(aws_vpc_endpoint.interface) == 0
    error_message = "No S3 endpoint is created if the VPC has one."
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_egress_rule.s3) : rule.prefix_list_id == "pl-78a54011"])
    error_message = "The rules use the given prefix list."
  }
}

run "roles_may_use_the_nat_of_an_existing_vpc" {
  command = plan

  variables {
    internet_egress_roles = ["web", "worker"]
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.internet) == ["web", "worker"]
    error_message = "An existing VPC may have its own NAT."
  }
}

run "refuses_ids_of_the_wrong_kind" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0/16"
      private_subnet_ids = ["vpc-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_one_private_subnet" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0"]
      s3_prefix_list_id  = "pl-78a54011"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_a_subnet_that_is_private_and_public" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      public_subnet_ids  = ["subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_an_invalid_range" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_a_vpc_without_s3_access" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    }
  }

  expect_failures = [var.existing]
}

run "refuses_route_tables_and_a_prefix_list" {
  command = plan

  variables {
    existing = {
      vpc_id                  = "vpc-0123456789abcdef0"
      vpc_cidr_block          = "172.20.0.0/16"
      private_subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      private_route_table_ids = ["rtb-0123456789abcdef0"]
      s3_prefix_list_id       = "pl-78a54011"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_settings_of_a_new_vpc" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
    cidr_block         = "10.0.0.0/16"
    flow_logs          = {}
    nat                = "single"
  }

  expect_failures = [var.availability_zones, var.cidr_block, var.flow_logs, var.nat]
}

run "refuses_subnets_for_it" {
  command = plan

  variables {
    subnets = { per_zone = 2 }
  }

  expect_failures = [var.subnets]
}

run "refuses_existing_parts_without_the_vpc_they_are_in" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
    existing           = { private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] }
  }

  expect_failures = [var.existing]
}

run "refuses_a_policy_for_the_s3_endpoint_of_others" {
  command = plan

  variables {
    existing = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "172.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
      restrict_s3        = true
    }
  }

  expect_failures = [var.existing]
}

run "refuses_workers_without_a_path_to_aws_services" {
  command = plan

  variables {
    interface_endpoints = null
  }

  expect_failures = [var.internet_egress_roles]
}
