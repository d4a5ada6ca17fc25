mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/ecs/test-grading"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/test"
    }
  }

  mock_resource "aws_iam_instance_profile" {
    defaults = {
      arn = "arn:aws:iam::123456789012:instance-profile/test"
    }
  }

  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 1
    }
  }

  mock_resource "aws_autoscaling_group" {
    defaults = {
      arn = "arn:aws:autoscaling:ap-northeast-2:123456789012:autoScalingGroup:u:autoScalingGroupName/test"
    }
  }

  mock_resource "aws_service_discovery_service" {
    defaults = {
      arn = "arn:aws:servicediscovery:ap-northeast-2:123456789012:service/srv-test"
    }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = {
      arn = "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/test-grading-task:1"
    }
  }
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
  assert {
    condition = (
      aws_ecs_task_definition.this.family == "test-grading-task" &&
      aws_ecs_task_definition.this.cpu == "512" &&
      aws_ecs_task_definition.this.memory == "1024" &&
      aws_ecs_task_definition.this.network_mode == "awsvpc" &&
      aws_ecs_task_definition.this.requires_compatibilities == toset(["FARGATE"])
    )
    error_message = "Family, size and network are those of the contract."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment == [
      { name = "ENVIRONMENT", value = "test" }, { name = "QUEUE_NAME", value = "grading-requests" },
    ]
    error_message = "The environment is sorted."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck == { command = ["CMD", "grader", "health"], interval = 30, timeout = 5, startPeriod = 60, retries = 3 }
    error_message = "The health check is the one of the contract."
  }

  assert {
    condition     = output.log_group_name == "/ecs/test-grading" && output.container_name == "grading-worker"
    error_message = "Operators find the log and the container where they always were."
  }
}

run "roles_may_do_what_is_needed_only" {
  assert {
    condition     = keys(aws_iam_role_policy.task) == ["bucket", "logs"]
    error_message = "The worker has its log and what was handed in."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement :
      statement.Resource != "*" || statement.Action == "ecr:GetAuthorizationToken"
    ])
    error_message = "Only the registry's log-in, which knows no resource, has a wildcard."
  }

  assert {
    condition = contains(
      flatten(jsondecode(aws_iam_role_policy.execution.policy).Statement[*].Resource),
      "arn:aws:ecr:ap-northeast-2:123456789012:repository/test-grading-worker",
    )
    error_message = "ECS may pull from the image's own repository."
  }
}

run "scales_by_cpu_memory_and_queue" {
  assert {
    condition     = keys(aws_appautoscaling_policy.resource) == ["cpu", "memory"] && length(aws_appautoscaling_policy.queue_depth) == 1
    error_message = "There are three policies."
  }

  assert {
    condition     = output.scaling_bounds == { min = 1, max = 10 }
    error_message = "The bounds are those given."
  }
}

run "an_image_from_elsewhere_gets_no_leave_to_pull" {
  variables {
    image = "registry.example.com/grading-worker:1.0"
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.execution.policy).Statement) == 1
    error_message = "Without ECR only the log is left."
  }
}

run "without_autoscaling_the_desired_count_is_held" {
  variables {
    enable_autoscaling = false
    capacity           = { desired = 4 }
  }

  assert {
    condition     = output.scaling_bounds == { min = 4, max = 4 } && length(aws_appautoscaling_policy.resource) == 0
    error_message = "Both bounds are the desired count, and no policy moves it."
  }
}

run "runs_on_instances_instead_of_fargate" {
  variables {
    ec2_capacity = { instance_type = "m6i.xlarge", max_instances = 3 }
    task         = { cpu = 700, memory = 900 }
  }

  assert {
    condition     = one(aws_ecs_service.this.capacity_provider_strategy).capacity_provider == "test-grading"
    error_message = "The service uses the capacity provider."
  }

  assert {
    condition     = aws_autoscaling_group.this["this"].max_size == 3 && aws_launch_template.this["this"].metadata_options[0].http_tokens == "required"
    error_message = "The instances are bounded and use IMDSv2."
  }
}

run "has_a_dns_name_when_wanted" {
  variables {
    service_discovery = { vpc_id = "vpc-1" }
  }

  assert {
    condition     = length(aws_ecs_service.this.service_registries) == 1
    error_message = "The service registers itself."
  }
}

run "refuses_a_size_that_fargate_does_not_offer" {
  command = plan

  variables {
    task = { cpu = 512, memory = 8192 }
  }

  expect_failures = [var.task]
}

run "refuses_bounds_the_wrong_way_round" {
  command = plan

  variables {
    capacity = { min = 5, max = 3, desired = 4 }
  }

  expect_failures = [var.capacity]
}

run "refuses_a_target_over_100_percent" {
  command = plan

  variables {
    scaling = { cpu_target = 120 }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_retention_that_cloudwatch_does_not_know" {
  command = plan

  variables {
    service = { log = { retention_days = 42 } }
  }

  expect_failures = [var.service]
}
