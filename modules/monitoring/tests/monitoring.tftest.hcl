mock_provider "aws" {}

variables {
  broker_node_name = "test-grading-mq-1"
}

run "the_alarm_is_the_one_that_operators_know" {
  assert {
    condition     = output.alarm_names == ["grading-queue-size-high"]
    error_message = "Its name is grading-queue-size-high."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.queue_size_high.namespace == "AWS/AmazonMQ" &&
      aws_cloudwatch_metric_alarm.queue_size_high.metric_name == "QueueSize" &&
      aws_cloudwatch_metric_alarm.queue_size_high.statistic == "Average" &&
      aws_cloudwatch_metric_alarm.queue_size_high.comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.queue_size_high.threshold == 100 &&
      aws_cloudwatch_metric_alarm.queue_size_high.period == 300 &&
      aws_cloudwatch_metric_alarm.queue_size_high.evaluation_periods == 2
    )
    error_message = "It fires when more than 100 messages wait on average for two periods of 300 seconds."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.queue_size_high.dimensions == tomap({ Broker = "test-grading-mq-1", Queue = "grading-requests" })
    error_message = "It watches grading-requests on the first node."
  }
}

run "refuses_a_broker_name_without_its_node" {
  command = plan

  variables {
    broker_node_name = "test-grading-mq"
  }

  expect_failures = [var.broker_node_name]
}

run "refuses_an_action_that_is_no_arn" {
  command = plan

  variables {
    alarm_action_arns = ["me@example.com"]
  }

  expect_failures = [var.alarm_action_arns]
}
