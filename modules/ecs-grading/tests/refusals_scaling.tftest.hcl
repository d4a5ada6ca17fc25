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

run "refuses_a_target_over_100_percent" {
  command = plan

  variables {
    scaling = { cpu_target = 120 }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_target_of_zero_messages" {
  command = plan

  variables {
    scaling = { messages_per_task = 0 }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_cooldown_of_a_day" {
  command = plan

  variables {
    scaling = { in_cooldown_seconds = 86400 }
  }

  expect_failures = [var.scaling]
}

run "refuses_an_idle_time_of_a_minute" {
  command = plan

  variables {
    scaling = { idle_minutes = 1 }
  }

  expect_failures = [var.scaling]
}

run "refuses_to_wake_up_more_than_the_maximum" {
  command = plan

  variables {
    capacity = { min = 0, max = 3 }
    scaling  = { wake_up_tasks = 4 }
  }

  expect_failures = [var.scaling]
}

run "refuses_an_invalid_schedule_name" {
  command = plan

  variables {
    scaling = { schedules = { "Exam begins" = { schedule = "cron(30 8 ? * MON-FRI *)", min = 5 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_cron_of_five_fields" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "cron(30 8 * * MON-FRI)", min = 5 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_cron_with_both_days" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "cron(30 8 15 6 MON *)", min = 5 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_cron_without_a_day" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "cron(30 8 ? 6 ? *)", min = 5 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_an_invalid_time" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "at(2026-02-30T08:30:00)", min = 5 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_rate_expression" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "rate(1 day)", min = 5 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_an_unknown_time_zone" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "cron(30 8 ? * MON-FRI *)", min = 5, timezone = "KST+9" } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_schedule_that_changes_nothing" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "cron(30 8 ? * MON-FRI *)" } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_a_schedule_with_min_above_max" {
  command = plan

  variables {
    scaling = { schedules = { exam = { schedule = "cron(30 8 ? * MON-FRI *)", min = 20 } } }
  }

  expect_failures = [var.scaling]
}

run "refuses_more_metrics_than_a_policy_supports" {
  command = plan

  variables {
    queue = { broker_node_names = ["a-1", "a-2", "a-3"], names = ["a", "b", "c"] }
  }

  expect_failures = [var.queue]
}

run "refuses_more_metrics_than_an_alarm_supports" {
  command = plan

  variables {
    capacity = { min = 0 }
    queue    = { broker_node_names = ["a-1", "a-2"], names = ["a", "b", "c"] }
  }

  expect_failures = [var.queue]
}

run "refuses_an_engine_without_metrics" {
  command = plan

  variables {
    queue = { broker_node_names = ["a-1"], engine_type = "Kafka" }
  }

  expect_failures = [var.queue]
}

run "refuses_a_service_without_a_queue" {
  command = plan

  variables {
    queue = {}
  }

  expect_failures = [var.queue]
}

run "refuses_more_metrics_of_sqs_than_an_alarm_supports" {
  command = plan

  variables {
    capacity = { min = 0 }
    queue    = { sqs_queue_names = ["a", "b", "c"] }
  }

  expect_failures = [var.queue]
}
