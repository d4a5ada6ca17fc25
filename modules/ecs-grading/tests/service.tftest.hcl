mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  environment        = { ENVIRONMENT = "test" }
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  queue              = { broker_node_names = ["test-grading-mq-1"] }
}

run "deploys_with_the_given_percentages" {
  command = plan

  variables {
    service = { deployment = { maximum_percent = 100, minimum_healthy_percent = 50, rollback = false } }
  }

  assert {
    condition = (
      aws_ecs_service.this[0].deployment_maximum_percent == 100 && aws_ecs_service.this[0].deployment_minimum_healthy_percent == 50 &&
      one(aws_ecs_service.this[0].deployment_circuit_breaker).enable && !one(aws_ecs_service.this[0].deployment_circuit_breaker).rollback
    )
    error_message = "Half of the workers are replaced at a time, without rollback."
  }
}

run "operators_may_open_a_shell_that_is_logged" {
  command = plan

  variables {
    service = { execute_command = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/0123", log_retention_days = 365 } }
  }

  assert {
    condition     = aws_ecs_service.this[0].enable_execute_command
    error_message = "ECS Exec is on."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.sessions["this"].name == "/ecs/test-grading/sessions" &&
      aws_cloudwatch_log_group.sessions["this"].retention_in_days == 365 &&
      aws_cloudwatch_log_group.sessions["this"].kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/0123" &&
      one(one(aws_ecs_cluster.this.configuration).execute_command_configuration).logging == "OVERRIDE" &&
      one(one(one(aws_ecs_cluster.this.configuration).execute_command_configuration).log_configuration).cloud_watch_encryption_enabled
    )
    error_message = "Sessions are logged to a separate log group with the key."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.task["execute-command"].policy).Statement[*].Sid == [
      "OpenChannels", "FindLogGroup", "WriteSessionLog", "EncryptSession",
    ]
    error_message = "The task may open the channel, write its log and use the key."
  }

  assert {
    condition = [
      for each in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints : each.containerPath if startswith(each.sourceVolume, "exec-")
    ] == ["/managed-agents", "/var/log/amazon/ssm", "/var/lib/amazon/ssm"]
    error_message = "The agent of ECS Exec has writable volumes."
  }
}

run "a_shell_without_a_key_or_a_read_only_root" {
  command = plan

  variables {
    service = { execute_command = {} }
    task    = { read_only_root = false }
  }

  assert {
    condition = (
      !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem &&
      toset(aws_ecs_task_definition.this.volume[*].name) == toset(["boxes", "tmp"]) &&
      !contains(jsondecode(aws_iam_role_policy.task["execute-command"].policy).Statement[*].Sid, "EncryptSession") &&
      aws_cloudwatch_log_group.sessions["this"].retention_in_days == 90
    )
    error_message = "The root is writable, and there is no KMS permission."
  }
}

run "a_load_balancer_may_check_health" {
  command = plan

  variables {
    environment = { HEALTH_HOST = "0.0.0.0" }
    service = {
      load_balancer = {
        target_group_arn           = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/test-grading/0123456789abcdef"
        health_check_grace_seconds = 90
      }
    }
  }

  assert {
    condition = (
      one(aws_ecs_service.this[0].load_balancer).container_name == "grading-worker" && one(aws_ecs_service.this[0].load_balancer).container_port == 8080 &&
      one(aws_ecs_service.this[0].load_balancer).target_group_arn == "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/test-grading/0123456789abcdef" &&
      aws_ecs_service.this[0].health_check_grace_period_seconds == 90
    )
    error_message = "The workers register with the target group, and have time to start."
  }
}

run "uses_the_log_options" {
  command = plan

  variables {
    service = { log = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/0123", mode = "blocking", retention_days = 365 } }
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.this.retention_in_days == 365 &&
      aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    )
    error_message = "The log has the given retention and key."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options == {
      awslogs-group = "/ecs/test-grading", awslogs-region = "ap-northeast-2", awslogs-stream-prefix = "grading-worker", mode = "blocking"
    }
    error_message = "The log driver is blocking."
  }
}

run "work_continues_without_cloudwatch_logs" {
  command = plan

  variables {
    service = { log = { max_buffer_mb = 64 } }
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.mode == "non-blocking" &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.max-buffer-size == "64m" &&
      aws_cloudwatch_log_group.this.retention_in_days == 30
    )
    error_message = "The log buffer has the given size."
  }
}

run "a_worker_may_protect_itself_from_scale_in" {
  command = plan

  variables {
    service = { allow_task_protection = true }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.task["task-protection"].policy).Statement[0] == {
      Sid      = "ProtectTasksOfThisCluster"
      Effect   = "Allow"
      Action   = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
      Resource = "arn:aws:ecs:ap-northeast-2:123456789012:task/test-grading-cluster/*"
    }
    error_message = "The permission covers only tasks of its cluster."
  }

  assert {
    condition     = !strcontains(aws_ecs_task_definition.this.container_definitions, "TASK_PROTECTION")
    error_message = "The worker uses it by default."
  }
}

run "has_a_dns_name_with_service_discovery" {
  command = plan

  variables {
    service_discovery = { vpc_id = "vpc-1" }
  }

  assert {
    condition = (
      length(aws_ecs_service.this[0].service_registries) == 1 &&
      aws_service_discovery_private_dns_namespace.this[0].name == "test-grading.internal" && aws_service_discovery_private_dns_namespace.this[0].vpc == "vpc-1"
    )
    error_message = "The service registers itself."
  }

  assert {
    condition     = aws_service_discovery_service.this[0].force_destroy
    error_message = "Remaining addresses of ECS do not prevent deletion."
  }
}

run "policies_name_the_partition_of_the_account" {
  command = plan

  override_resource {
    target          = aws_cloudwatch_log_group.this
    override_during = plan
    values          = { arn = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/ecs/test-grading" }
  }

  variables {
    region       = "us-gov-west-1"
    image        = "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/test-grading-worker:1.0"
    ec2_capacity = {}
    service      = { allow_task_protection = true }
  }

  assert {
    condition = alltrue([
      for policy in concat([aws_iam_role_policy.execution.policy, aws_iam_role_policy.instance["this"].policy], values(aws_iam_role_policy.task)[*].policy) :
      strcontains(policy, "arn:aws-us-gov:") && !strcontains(policy, "arn:aws:")
    ])
    error_message = "ARNs of the commercial partition allow nothing in GovCloud."
  }
}
