mock_provider "aws" {}

variables {
  name               = "test-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "two_private_and_two_public_subnets_without_overlap" {
  assert {
    condition     = length(output.private_subnet_ids) == 2 && length(output.public_subnet_ids) == 2
    error_message = "Each zone has one private and one public subnet."
  }

  assert {
    condition = toset([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : subnet.cidr_block]) == toset([
      "10.0.0.0/20", "10.0.16.0/20", "10.0.128.0/20", "10.0.144.0/20",
    ])
    error_message = "The four subnets have the four ranges expected."
  }
}

run "only_the_endpoints_that_private_tasks_need" {
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
    condition     = aws_vpc_endpoint.s3[0].vpc_endpoint_type == "Gateway"
    error_message = "S3 is reached through a gateway endpoint, which costs nothing."
  }
}

run "roles_talk_only_along_the_rules" {
  assert {
    condition     = keys(output.security_group_ids) == ["broker", "database", "endpoints", "load_balancer", "web", "worker"]
    error_message = "There is one group for each role."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.role) == keys(aws_vpc_security_group_egress_rule.role)
    error_message = "What one side may send the other may receive."
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_ingress_rule.role) : rule.cidr_ipv4 == null])
    error_message = "Rules name roles, not addresses."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.ssh) == 0
    error_message = "SSH is closed by default."
  }
}

run "web_reaches_the_workers_only_when_allowed" {
  variables {
    allow_web_to_worker = true
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.role["web-to-worker-8080"].from_port == 8080
    error_message = "allow_web_to_worker opens port 8080."
  }
}

run "ssh_opens_for_the_ranges_given" {
  variables {
    ssh_cidr_blocks = ["203.0.113.0/24"]
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.ssh["203.0.113.0/24"].to_port == 22
    error_message = "The range may open SSH."
  }
}

run "refuses_one_zone" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_a_zone_of_another_region" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "us-east-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_a_range_too_small_to_cut" {
  command = plan

  variables {
    cidr_block = "10.0.0.0/26"
  }

  expect_failures = [var.cidr_block]
}

run "refuses_ssh_from_everywhere" {
  command = plan

  variables {
    ssh_cidr_blocks = ["0.0.0.0/0"]
  }

  expect_failures = [var.ssh_cidr_blocks]
}
