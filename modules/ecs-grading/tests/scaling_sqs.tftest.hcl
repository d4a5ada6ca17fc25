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
  queue              = { sqs_queue_names = ["test-grading-requests", "test-grading-priority"] }
}

run "scales_by_messages_that_are_visible" {
  command = plan

  assert {
    condition = one([
      for each in aws_appautoscaling_policy.queue_depth[0].target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : each.expression if each.return_data
    ]) == "IF(FILL(visible0 + 1, 0) + FILL(visible1 + 1, 0) > 0, (FILL(visible0, 0) + FILL(visible1, 0)) / IF(running > 0, running, 1))"
    error_message = "Messages of both queues that no worker has, for each running task; minutes without reports are skipped."
  }

  assert {
    condition = local.size_metrics == {
      visible0 = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "test-grading-requests" } }
      visible1 = { namespace = "AWS/SQS", name = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = "test-grading-priority" } }
    }
    error_message = "Metrics of SQS have the queue as dimension."
  }

  assert {
    condition     = output.min_tasks == 1 && length(aws_cloudwatch_metric_alarm.rest) == 0
    error_message = "With a minimum of 1 there are no alarms for zero tasks."
  }
}

run "scales_to_zero_and_back" {
  command = plan

  variables {
    capacity = { min = 0, desired = 0, max = 5 }
  }

  assert {
    condition     = output.scaling_bounds == { min = 0, max = 5 } && output.scaling_alarm_names == ["test-grading-idle", "test-grading-wake-up"] && output.min_tasks == 0
    error_message = "The minimum is 0, and two alarms scale the service to and from it."
  }

  assert {
    condition = one([for each in aws_cloudwatch_metric_alarm.rest["wake-up"].metric_query : each.expression if each.return_data]) == join("", [
      "IF(FILL(visible0 + 1, 0) + FILL(visible1 + 1, 0) > 0, ",
      "IF(FILL(empty0 + 1, 0) + FILL(empty1 + 1, 0) + FILL(received0 + 1, 0) + FILL(received1 + 1, 0) > 0, ",
      "IF((FILL(desired, 0) < 1) AND (FILL(empty0, 0) + FILL(empty1, 0) + FILL(inflight0, 0) + FILL(inflight1, 0) + FILL(received0, 0) + FILL(received1, 0) < 1), ",
      "FILL(visible0, 0) + FILL(visible1, 0), 0)))",
    ])
    error_message = "One message wakes the service up, only at a desired count of 0 and while nothing is received or in flight."
  }

  assert {
    condition = one([for each in aws_cloudwatch_metric_alarm.rest["idle"].metric_query : each.expression if each.return_data]) == join("", [
      "IF(FILL(visible0 + 1, 0) + FILL(visible1 + 1, 0) > 0, ",
      "IF(FILL(empty0, 0) + FILL(empty1, 0) + FILL(received0, 0) + FILL(received1, 0) >= 1, ",
      "FILL(inflight0, 0) + FILL(inflight1, 0) + FILL(visible0, 0) + FILL(visible1, 0), 1))",
    ])
    error_message = "Workers that receive are idle if no message waits or is in flight."
  }

  assert {
    condition     = alltrue([for each in aws_cloudwatch_metric_alarm.rest : length([for query in each.metric_query : query if !query.return_data]) <= 9])
    error_message = "An alarm has at most ten metrics and expressions."
  }
}

run "both_count_while_the_transport_changes" {
  command = plan

  variables {
    capacity = { min = 0, desired = 0, max = 5 }
    queue    = { broker_node_names = ["test-grading-mq-1", "test-grading-mq-2"], sqs_queue_names = ["test-grading-requests", "test-grading-priority"] }
  }

  assert {
    condition     = keys(local.size_metrics) == ["size0", "size1", "size2", "size3", "visible0", "visible1"]
    error_message = "Waiting messages of both are summed."
  }

  assert {
    condition     = output.scaling_bounds == { min = 1, max = 5 } && output.min_tasks == 1 && length(aws_cloudwatch_metric_alarm.rest) == 0
    error_message = "One task remains to drain both; no alarm of ten metrics could watch them."
  }
}
