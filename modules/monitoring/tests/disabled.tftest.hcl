# Each alarm can be omitted by itself.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name    = "test"
  broker              = { node_names = ["test-grading-mq-1"], instance_type = "mq.t3.micro" }
  service             = { cluster_name = "test-grading-cluster", service_name = "test-grading-service" }
  database_identifier = "test-grading"
}

run "all_alarms_exist_by_default" {
  command = plan

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["broker_cpu_1", "broker_cpu_credits_1", "broker_memory_1", "broker_storage_1", "database_connections", "database_cpu", "database_storage", "dead_letters", "no_consumer", "no_running_task", "oldest_message_priority", "oldest_message_requests", "queue_size", "task_restarts"]
    error_message = "Fourteen alarms of thirteen kinds."
  }
}

run "omits_one_half" {
  command = plan

  variables {
    disabled_alarms = [
      "broker_cpu",
      "broker_memory",
      "database_connections",
      "database_storage",
      "no_consumer",
      "oldest_message",
      "task_restarts",
    ]
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["broker_cpu_credits_1", "broker_storage_1", "database_cpu", "dead_letters", "no_running_task", "queue_size"]
    error_message = "Only the named alarms are omitted."
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.stopped_tasks) + length(aws_cloudwatch_log_group.stopped_tasks) == 0
    error_message = "Stopped tasks are logged only if they are counted."
  }
}

run "omits_the_other_half" {
  command = plan

  variables {
    disabled_alarms = [
      "broker_cpu_credits",
      "broker_storage",
      "database_cpu",
      "dead_letters",
      "no_running_task",
      "queue_size",
    ]
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["broker_cpu_1", "broker_memory_1", "database_connections", "database_storage", "no_consumer", "oldest_message_priority", "oldest_message_requests", "task_restarts"]
    error_message = "Only the named alarms are omitted."
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.stopped_tasks) + length(aws_cloudwatch_log_group.stopped_tasks) == 2
    error_message = "Stopped tasks are logged only if they are counted."
  }
}
