# Alarms of SQS, alone and in addition to those of a broker.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  sqs_queue_names  = { dead_letter = "test-grading-dlq", priority = "test-grading-priority", requests = "test-grading-requests" }
}

run "queues_of_sqs_have_alarms_without_a_broker" {
  command = plan

  assert {
    condition = output.alarm_names == [
      "test-grading-dlq-not-empty", "test-grading-no-consumer", "test-grading-oldest-message-priority",
      "test-grading-oldest-message-requests", "grading-queue-size-high",
    ]
    error_message = "Alarms have the names that they have with a broker."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["queue_size"].namespace == "AWS/SQS" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].metric_name == "ApproximateNumberOfMessagesVisible" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].dimensions == tomap({ QueueName = "test-grading-requests" }) &&
      aws_cloudwatch_metric_alarm.this["queue_size"].threshold == 100 &&
      aws_cloudwatch_metric_alarm.this["dead_letters"].dimensions == tomap({ QueueName = "test-grading-dlq" })
    )
    error_message = "Waiting messages are those that no worker has."
  }

  assert {
    condition = { for purpose in ["priority", "requests"] : purpose => [
      aws_cloudwatch_metric_alarm.this["oldest_message_${purpose}"].metric_name, aws_cloudwatch_metric_alarm.this["oldest_message_${purpose}"].dimensions["QueueName"],
      tostring(aws_cloudwatch_metric_alarm.this["oldest_message_${purpose}"].threshold),
    ] } == { for purpose in ["priority", "requests"] : purpose => ["ApproximateAgeOfOldestMessage", "test-grading-${purpose}", "900"] }
    error_message = "SQS reports the age of the oldest message in seconds."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.this["dead_letters"].alarm_description, "gradectl queue inspect -e test grading-dlq;")
    error_message = "Commands name the queues as gradectl does."
  }
}

run "a_queue_for_urgent_requests_may_be_missing" {
  command = plan

  variables {
    sqs_queue_names = { dead_letter = "test-grading-dlq", requests = "test-grading-requests" }
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "oldest_message_priority") && contains(keys(aws_cloudwatch_metric_alarm.this), "oldest_message_requests")
    error_message = "A queue that does not exist has no alarm."
  }
}

run "both_are_watched_while_the_transport_changes" {
  command = plan

  variables {
    broker = { node_names = ["test-grading-mq-1"] }
  }

  assert {
    condition = output.alarm_names == [
      "test-grading-broker-1-cpu-high", "test-grading-broker-1-memory-high", "test-grading-broker-1-storage-high",
      "test-grading-dlq-not-empty", "test-grading-no-consumer", "test-grading-oldest-message-priority",
      "test-grading-oldest-message-priority-sqs", "test-grading-oldest-message-requests", "test-grading-oldest-message-requests-sqs",
      "grading-queue-size-high",
    ]
    error_message = "One alarm has the sum of both; only the age is of one queue."
  }
}
