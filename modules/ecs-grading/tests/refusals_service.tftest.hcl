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

run "refuses_a_deployment_that_cannot_replace_tasks" {
  command = plan

  variables {
    service = { deployment = { maximum_percent = 100, minimum_healthy_percent = 100 } }
  }

  expect_failures = [var.service]
}

run "refuses_an_unsupported_log_retention" {
  command = plan

  variables {
    service = { log = { retention_days = 42 } }
  }

  expect_failures = [var.service]
}

run "refuses_an_unsupported_retention_of_sessions" {
  command = plan

  variables {
    service = { execute_command = { log_retention_days = 42 } }
  }

  expect_failures = [var.service]
}

run "refuses_an_unknown_log_mode" {
  command = plan

  variables {
    service = { log = { mode = "lossy" } }
  }

  expect_failures = [var.service]
}

run "refuses_a_log_key_without_an_arn" {
  command = plan

  variables {
    service = { log = { kms_key_arn = "alias/logs" } }
  }

  expect_failures = [var.service]
}

run "refuses_an_invalid_target_group" {
  command = plan

  variables {
    environment = { HEALTH_HOST = "0.0.0.0" }
    service     = { load_balancer = { target_group_arn = "workers" } }
  }

  expect_failures = [var.service]
}

run "refuses_a_grace_period_below_zero" {
  command = plan

  variables {
    environment = { HEALTH_HOST = "0.0.0.0" }
    service     = { load_balancer = { target_group_arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/test-grading/0123456789abcdef", health_check_grace_seconds = -1 } }
  }

  expect_failures = [var.service]
}

run "refuses_a_load_balancer_that_cannot_reach_the_worker" {
  command = plan

  variables {
    service = { load_balancer = { target_group_arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/test-grading/0123456789abcdef" } }
  }

  expect_failures = [var.service]
}

run "refuses_an_environment_variable_in_lower_case" {
  command = plan

  variables {
    environment = { environment = "test" }
  }

  expect_failures = [var.environment]
}

run "refuses_an_invalid_policy" {
  command = plan

  variables {
    task_policies = { bucket = "everything" }
  }

  expect_failures = [var.task_policies]
}

run "refuses_a_policy_with_a_reserved_name" {
  command = plan

  variables {
    task_policies = { task-protection = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  expect_failures = [var.task_policies]
}
