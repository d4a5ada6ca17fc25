# Alarms of the broker, by engine, and of the database.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  broker           = { node_names = ["test-grading-mq-1", "test-grading-mq-2"] }
}

run "each_node_has_alarms" {
  command = plan

  assert {
    condition = (
      [for key in ["broker_cpu_2", "broker_memory_2", "broker_storage_2"] : [aws_cloudwatch_metric_alarm.this[key].metric_name, aws_cloudwatch_metric_alarm.this[key].dimensions["Broker"], tostring(aws_cloudwatch_metric_alarm.this[key].threshold)]] == [
        ["CpuUtilization", "test-grading-mq-2", "80"],
        ["HeapUsage", "test-grading-mq-2", "85"],
        ["StorePercentUsage", "test-grading-mq-2", "70"],
      ]
    )
    error_message = "The second node has alarms for CPU, heap and message store."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["broker_cpu_1"].alarm_name == "test-grading-broker-1-cpu-high" && aws_cloudwatch_metric_alarm.this["broker_cpu_1"].evaluation_periods == 3 && aws_cloudwatch_metric_alarm.this["broker_cpu_1"].period == 300
    error_message = "The period is fifteen minutes."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "broker_cpu_credits_1")
    error_message = "Without a burstable instance there is no alarm for credits."
  }
}

run "a_burstable_broker_has_an_alarm_for_credits" {
  command = plan

  variables {
    broker = { node_names = ["test-grading-mq-1"], instance_type = "mq.t3.micro" }
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["broker_cpu_credits_1"].metric_name == "CpuCreditBalance" && aws_cloudwatch_metric_alarm.this["broker_cpu_credits_1"].threshold == 20 &&
      aws_cloudwatch_metric_alarm.this["broker_cpu_credits_1"].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.this["broker_cpu_credits_1"].statistic == "Minimum"
    )
    error_message = "The alarm fires at fewer than 20 credits."
  }
}

run "a_large_broker_has_no_alarm_for_credits" {
  command = plan

  variables {
    broker = { node_names = ["test-grading-mq-1"], instance_type = "mq.m5.large" }
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "broker_cpu_credits_1")
    error_message = "mq.m5.large has no CPU credits."
  }
}

run "rabbitmq_has_metrics_of_its_own" {
  command = plan

  variables {
    broker = { engine_type = "RabbitMQ", node_names = ["test-grading-mq"], instance_type = "mq.t3.micro" }
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["queue_size"].metric_name == "MessageCount" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].dimensions == tomap({ Broker = "test-grading-mq", Queue = "grading-requests", VirtualHost = "/" })
    )
    error_message = "Its queues are in a virtual host."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["broker_cpu_1"].metric_name == "SystemCpuUtilization" && aws_cloudwatch_metric_alarm.this["broker_cpu_1"].alarm_name == "test-grading-broker-cpu-high"
    error_message = "The CPU metric has another name."
  }

  assert {
    condition = (
      [for key in ["broker_memory_1", "broker_storage_1"] : { for query in aws_cloudwatch_metric_alarm.this[key].metric_query : query.id => try(query.metric[0].metric_name, query.expression) }] == [
        { m0 = "RabbitMQMemUsed", m1 = "RabbitMQMemLimit", result = "100 * m0 / m1" },
        { m0 = "RabbitMQDiskFreeLimit", m1 = "RabbitMQDiskFree", result = "100 * m0 / m1" },
      ]
    )
    error_message = "Memory and disk are compared with its limits."
  }

  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.this) : key if strcontains(key, "oldest_message") || strcontains(key, "credits")]) == 0
    error_message = "Metrics that it does not report have no alarm."
  }
}

run "a_database_has_alarms" {
  command = plan

  variables {
    database_identifier = "test-grading"
  }

  assert {
    condition = (
      [for key in ["database_connections", "database_cpu", "database_storage"] : [aws_cloudwatch_metric_alarm.this[key].metric_name, aws_cloudwatch_metric_alarm.this[key].comparison_operator, tostring(aws_cloudwatch_metric_alarm.this[key].threshold)]] == [
        ["DatabaseConnections", "GreaterThanThreshold", "50"],
        ["CPUUtilization", "GreaterThanThreshold", "80"],
        ["FreeStorageSpace", "LessThanThreshold", "2147483648"],
      ]
    )
    error_message = "Connections, CPU, and free storage in bytes."
  }

  assert {
    condition     = alltrue([for key in ["database_connections", "database_cpu", "database_storage"] : aws_cloudwatch_metric_alarm.this[key].dimensions == tomap({ DBInstanceIdentifier = "test-grading" })])
    error_message = "The alarms monitor the given instance."
  }
}
