# Endpoints of AWS services, and flow logs.

mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    override_during = plan
    defaults        = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/vpc/test-grading" }
  }

  mock_resource "aws_iam_role" {
    override_during = plan
    defaults        = { arn = "arn:aws:iam::123456789012:role/test-grading-flow-logs" }
  }

  mock_resource "aws_security_group" {
    override_during = plan
    defaults        = { owner_id = "123456789012" }
  }

  mock_resource "aws_vpc" {
    override_during = plan
    defaults        = { arn = "arn:aws:ec2:ap-northeast-2:123456789012:vpc/vpc-0123456789abcdef0" }
  }
}

variables {
  name               = "test-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "endpoints_are_chosen_by_a_set" {
  command = plan

  variables {
    interface_endpoints = ["monitoring", "secretsmanager", "ssmmessages", "monitoring"]
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["monitoring", "secretsmanager", "ssmmessages"]
    error_message = "A service named twice has one endpoint."
  }

  assert {
    condition = alltrue([
      for name, endpoint in aws_vpc_endpoint.interface :
      endpoint.private_dns_enabled && endpoint.vpc_endpoint_type == "Interface" && endpoint.service_name == "com.amazonaws.ap-northeast-2.${name}"
    ])
    error_message = "Private DNS of the endpoint is enabled."
  }
}

run "buckets_of_other_accounts_cannot_be_written" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_vpc_endpoint.s3[0].policy).Statement : statement.Action
      if try(statement.Condition.StringEquals["aws:ResourceAccount"], null) != "123456789012"
    ] == ["s3:GetObject"]
    error_message = "In buckets of other accounts, only reading objects is allowed."
  }
}

run "service_names_follow_the_region" {
  command = plan

  variables {
    region             = "us-gov-west-1"
    availability_zones = ["us-gov-west-1a", "us-gov-west-1b"]
  }

  assert {
    condition     = aws_vpc_endpoint.interface["ecr.dkr"].service_name == "com.amazonaws.us-gov-west-1.ecr.dkr"
    error_message = "GovCloud has the same service names."
  }
}

run "flow_logs_have_a_log_group" {
  command = plan

  variables {
    flow_logs = {}
  }

  assert {
    condition     = aws_flow_log.this["this"].traffic_type == "ALL" && aws_flow_log.this["this"].log_destination == "arn:aws:logs:ap-northeast-2:123456789012:log-group:/vpc/test-grading"
    error_message = "All connections are logged."
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow_logs["this"].name == "/vpc/test-grading" && aws_cloudwatch_log_group.flow_logs["this"].retention_in_days == 365
    error_message = "They are kept for a year."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role.flow_logs["this"].assume_role_policy).Statement : [statement.Principal, statement.Condition]] == [[
      { Service = "vpc-flow-logs.amazonaws.com" },
      {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ec2:ap-northeast-2:123456789012:vpc-flow-log/*" }
      },
    ]]
    error_message = "Only flow logs of this account and region may use the role."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.flow_logs["this"].policy).Statement :
      alltrue([for arn in statement.Resource : startswith(arn, "arn:aws:logs:ap-northeast-2:123456789012:log-group:/vpc/test-grading")]) &&
      !contains(statement.Action, "logs:CreateLogGroup")
      if statement.Sid != "FindGroup"
    ])
    error_message = "The role may write only to this log group."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.flow_logs["this"].policy).Statement : [statement.Action, statement.Resource] if statement.Sid == "FindGroup"] == [[
      ["logs:DescribeLogGroups"], ["arn:aws:logs:ap-northeast-2:123456789012:log-group:*"],
    ]]
    error_message = "The role may only describe other log groups of this account and region."
  }
}

run "flow_logs_of_rejected_traffic_with_a_key" {
  command = plan

  variables {
    flow_logs = {
      retention_days = 30
      traffic_type   = "REJECT"
      kms_key_arn    = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = aws_flow_log.this["this"].traffic_type == "REJECT" && aws_cloudwatch_log_group.flow_logs["this"].retention_in_days == 30
    error_message = "The given type and retention are used."
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow_logs["this"].kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    error_message = "The log is encrypted with the given key."
  }
}

run "refuses_an_unsupported_log_retention" {
  command = plan

  variables {
    flow_logs = { retention_days = 31 }
  }

  expect_failures = [var.flow_logs]
}

run "refuses_an_unknown_traffic_type" {
  command = plan

  variables {
    flow_logs = { traffic_type = "DENY" }
  }

  expect_failures = [var.flow_logs]
}

run "refuses_the_alias_of_a_key" {
  command = plan

  variables {
    flow_logs = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:alias/logs" }
  }

  expect_failures = [var.flow_logs]
}

run "refuses_a_whole_service_name" {
  command = plan

  variables {
    interface_endpoints = ["com.amazonaws.ap-northeast-2.ssm"]
  }

  expect_failures = [var.interface_endpoints]
}

run "refuses_an_interface_endpoint_for_s3" {
  command = plan

  variables {
    interface_endpoints = ["ecr.api", "ecr.dkr", "s3"]
  }

  expect_failures = [var.interface_endpoints]
}

run "refuses_one_of_the_two_ecr_endpoints" {
  command = plan

  variables {
    interface_endpoints = ["ecr.api", "logs", "ssm"]
  }

  expect_failures = [var.interface_endpoints]
}

run "accepts_one_ecr_endpoint_with_nat" {
  command = plan

  variables {
    interface_endpoints = ["ecr.api"]
    nat                 = "single"
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["ecr.api"]
    error_message = "With NAT, endpoints are optional."
  }
}
