# Rejected values.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name    = "test"
  broker              = { node_names = ["test-grading-mq-1"], instance_type = "mq.t3.micro" }
  service             = { cluster_name = "test-grading-cluster", service_name = "test-grading-service" }
  database_identifier = "test-grading"
}

run "refuses_an_action_without_an_arn" {
  command = plan

  variables {
    alarm_action_arns = ["me@example.com"]
  }

  expect_failures = [var.alarm_action_arns]
}

run "refuses_an_unknown_engine" {
  command = plan

  variables {
    broker = { node_names = ["test-1"], engine_type = "Kafka" }
  }

  expect_failures = [var.broker]
}

run "refuses_a_broker_name_without_its_node" {
  command = plan

  variables {
    broker = { node_names = ["test-grading-mq"] }
  }

  expect_failures = [var.broker]
}

run "refuses_three_nodes" {
  command = plan

  variables {
    broker = { node_names = ["test-1", "test-2", "test-1"] }
  }

  expect_failures = [var.broker]
}

run "refuses_an_instance_type_of_ec2" {
  command = plan

  variables {
    broker = { node_names = ["test-1"], instance_type = "t3.micro" }
  }

  expect_failures = [var.broker]
}

run "refuses_a_database_by_its_arn" {
  command = plan

  variables {
    database_identifier = "arn:aws:rds:ap-northeast-2:123456789012:db:test"
  }

  expect_failures = [var.database_identifier]
}

run "refuses_an_unknown_kind_of_alarm" {
  command = plan

  variables {
    disabled_alarms = ["disk_full"]
  }

  expect_failures = [var.disabled_alarms]
}

run "refuses_an_environment_in_capitals" {
  command = plan

  variables {
    environment_name = "Production"
  }

  expect_failures = [var.environment_name]
}

run "refuses_an_alarm_name_with_spaces" {
  command = plan

  variables {
    queue_size_alarm_name = "queue size"
  }

  expect_failures = [var.queue_size_alarm_name]
}

run "refuses_a_queue_name_with_wildcards" {
  command = plan

  variables {
    queues = { requests = "grading.>" }
  }

  expect_failures = [var.queues]
}

run "refuses_a_service_by_its_arn" {
  command = plan

  variables {
    service = { cluster_name = "arn:aws:ecs:ap-northeast-2:123456789012:cluster/x", service_name = "x" }
  }

  expect_failures = [var.service]
}

run "refuses_half_a_task" {
  command = plan

  variables {
    service = { cluster_name = "x", service_name = "x", min_tasks = 0.5 }
  }

  expect_failures = [var.service]
}

run "refuses_an_alias_as_key_of_the_log" {
  command = plan

  variables {
    service = { cluster_name = "x", service_name = "x", log_kms_key_arn = "alias/logs" }
  }

  expect_failures = [var.service]
}

run "refuses_more_than_all_of_the_cpu" {
  command = plan

  variables {
    thresholds = { broker_cpu_percent = 100 }
  }

  expect_failures = [var.thresholds]
}

run "refuses_more_than_a_day" {
  command = plan

  variables {
    thresholds = { oldest_message_minutes = 1441 }
  }

  expect_failures = [var.thresholds]
}

run "refuses_a_threshold_that_always_fires" {
  command = plan

  variables {
    thresholds = { queue_size = 0 }
  }

  expect_failures = [var.thresholds]
}

run "refuses_half_a_restart" {
  command = plan

  variables {
    thresholds = { task_restarts = 0.5 }
  }

  expect_failures = [var.thresholds]
}

run "refuses_no_free_storage" {
  command = plan

  variables {
    thresholds = { database_free_gb = 0 }
  }

  expect_failures = [var.thresholds]
}

run "refuses_to_watch_no_queue" {
  command = plan

  variables {
    broker = null
  }

  expect_failures = [var.broker]
}

run "refuses_the_url_of_a_queue" {
  command = plan

  variables {
    sqs_queue_names = { dead_letter = "dlq", requests = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/requests" }
  }

  expect_failures = [var.sqs_queue_names]
}
