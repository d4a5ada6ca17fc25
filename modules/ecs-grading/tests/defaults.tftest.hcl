mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  environment        = { QUEUE_NAME = "grading-requests", ENVIRONMENT = "test" }
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  queue              = { broker_node_names = ["test-grading-mq-1"] }
  task_policies      = { bucket = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
}

run "the_task_is_the_one_of_the_contract" {
  command = plan

  assert {
    condition = (
      aws_ecs_task_definition.this.family == "test-grading-task" &&
      aws_ecs_task_definition.this.cpu == "512" &&
      aws_ecs_task_definition.this.memory == "1024" &&
      aws_ecs_task_definition.this.network_mode == "awsvpc" &&
      aws_ecs_task_definition.this.requires_compatibilities == toset(["FARGATE"]) &&
      one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "X86_64"
    )
    error_message = "Family, size, network and architecture are those of the contract."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment == [
      { name = "DRAIN_SECONDS", value = "100" }, { name = "ENVIRONMENT", value = "test" }, { name = "QUEUE_NAME", value = "grading-requests" },
      { name = "TASK_PROTECTION", value = "false" },
    ]
    error_message = "The environment is sorted; a worker has 20 of its 120 seconds left after the drain, and does not ask for what it may not do."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck == { command = ["CMD", "grader", "health"], interval = 30, timeout = 5, startPeriod = 60, retries = 3 }
    error_message = "The health check is that of the contract."
  }

  assert {
    condition     = output.log_group_name == "/ecs/test-grading" && output.container_name == "grading-worker"
    error_message = "Log group and container have the names of the contract."
  }

  assert {
    condition     = !strcontains(aws_ecs_task_definition.this.container_definitions, "null")
    error_message = "A null in the definitions would be a difference in every plan."
  }
}

run "a_worker_has_minimal_privileges" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem
    error_message = "The root file system is read-only."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints == [
      { containerPath = "/var/lib/grader/boxes", readOnly = false, sourceVolume = "boxes" },
      { containerPath = "/tmp", readOnly = false, sourceVolume = "tmp" },
    ] && toset(aws_ecs_task_definition.this.volume[*].name) == toset(["boxes", "tmp"])
    error_message = "Only the sandbox boxes and /tmp are writable."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters == {
      capabilities       = { drop = ["AUDIT_WRITE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"] }
      initProcessEnabled = true
    }
    error_message = "Only the capabilities of the launcher remain, and an init process reaps orphans."
  }

  assert {
    condition     = length(setintersection(keys(jsondecode(aws_ecs_task_definition.this.container_definitions)[0]), ["dockerSecurityOptions", "privileged", "user"])) == 0
    error_message = "The setuid launcher excludes no-new-privileges; no container is privileged."
  }

  assert {
    condition = (
      one(aws_ecs_service.this[0].network_configuration).assign_public_ip == false &&
      aws_ecs_service.this[0].enable_execute_command == false && length(aws_cloudwatch_log_group.sessions) == 0 &&
      length(aws_ecs_service.this[0].load_balancer) == 0 && length(aws_ecs_service.this[0].service_registries) == 0
    )
    error_message = "A worker has no public address, shell, load balancer or DNS name."
  }

  assert {
    condition = (
      one(one(aws_ecs_cluster.this.configuration).execute_command_configuration).logging == "DEFAULT" &&
      length(one(one(aws_ecs_cluster.this.configuration).execute_command_configuration).log_configuration) == 0
    )
    error_message = "The cluster has the configuration too, because it cannot be removed later."
  }
}

run "a_deployment_that_fails_is_rolled_back" {
  command = plan

  assert {
    condition = (
      one(aws_ecs_service.this[0].deployment_circuit_breaker).enable && one(aws_ecs_service.this[0].deployment_circuit_breaker).rollback &&
      aws_ecs_service.this[0].deployment_minimum_healthy_percent == 100 && aws_ecs_service.this[0].deployment_maximum_percent == 200 &&
      aws_ecs_task_definition.this.skip_destroy
    )
    error_message = "The circuit breaker rolls back, and old workers run until new ones are healthy."
  }

  assert {
    condition = (
      aws_ecs_service.this[0].enable_ecs_managed_tags && aws_ecs_service.this[0].propagate_tags == "SERVICE" &&
      aws_ecs_service.this[0].availability_zone_rebalancing == "DISABLED"
    )
    error_message = "Tasks have the tags of the service, and rebalancing is off."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 120
    error_message = "A job has the longest time that Fargate grants."
  }
}

run "roles_have_minimal_permissions" {
  command = plan

  assert {
    condition     = keys(aws_iam_role_policy.task) == ["bucket"]
    error_message = "The task role has the given policies, and no right to write logs: the log driver does that with the execution role."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement :
      statement.Resource != "*" || statement.Action == "ecr:GetAuthorizationToken"
    ])
    error_message = "Only the registry login, which has no resource level, has a wildcard."
  }

  assert {
    condition = contains(
      flatten(jsondecode(aws_iam_role_policy.execution.policy).Statement[*].Resource),
      "arn:aws:ecr:ap-northeast-2:123456789012:repository/test-grading-worker",
    )
    error_message = "ECS may pull from the repository of the image."
  }

  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Only ECS of this account may assume the role."
  }
}

run "an_image_outside_ecr_gets_no_pull_permission" {
  command = plan

  variables {
    image = "registry.example.com/grading-worker:1.0"
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.execution.policy).Statement) == 1
    error_message = "Without ECR only the log permissions remain."
  }
}
