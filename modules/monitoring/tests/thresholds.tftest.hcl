# Each threshold is used by its alarm.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name    = "test"
  broker              = { node_names = ["test-grading-mq-1"], instance_type = "mq.t3.micro" }
  service             = { cluster_name = "test-grading-cluster", service_name = "test-grading-service" }
  database_identifier = "test-grading"
}

run "every_threshold_can_be_set" {
  command = plan

  variables {
    thresholds = {
      broker_cpu_credits      = 11
      broker_cpu_percent      = 12
      broker_memory_percent   = 13
      broker_storage_percent  = 14
      database_connections    = 15
      database_cpu_percent    = 16
      database_free_gb        = 17
      dead_letters            = 18
      no_consumer_minutes     = 19
      no_running_task_minutes = 20
      oldest_message_minutes  = 21
      queue_size              = 22
      task_restarts           = 23
    }
  }

  assert {
    condition = (
      { for key in [
        "broker_cpu_1", "broker_cpu_credits_1", "broker_memory_1", "broker_storage_1", "database_connections", "database_cpu",
        "database_storage", "dead_letters", "queue_size", "task_restarts",
        ] : key => aws_cloudwatch_metric_alarm.this[key].threshold } == {
        broker_cpu_1 = 12, broker_cpu_credits_1 = 11, broker_memory_1 = 13, broker_storage_1 = 14, database_connections = 15,
        database_cpu = 16, database_storage = 17 * 1024 * 1024 * 1024, dead_letters = 18, queue_size = 22, task_restarts = 23,
      }
    )
    error_message = "The metric is compared with the given threshold."
  }

  assert {
    condition = (
      { for key in ["no_consumer", "no_running_task", "oldest_message_priority", "oldest_message_requests"] : key => aws_cloudwatch_metric_alarm.this[key].evaluation_periods } ==
      { no_consumer = 19, no_running_task = 20, oldest_message_priority = 21, oldest_message_requests = 21 }
    )
    error_message = "The alarm has one period per minute."
  }
}
