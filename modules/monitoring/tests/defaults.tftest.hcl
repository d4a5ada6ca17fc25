# Defaults with only the broker.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  broker = { node_names = ["test-grading-mq-1"] }
}

run "the_queue_size_alarm_keeps_its_name" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["queue_size"].alarm_name == "grading-queue-size-high"
    error_message = "Its name is grading-queue-size-high."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["queue_size"].namespace == "AWS/AmazonMQ" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].metric_name == "QueueSize" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].statistic == "Average" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].threshold == 100 &&
      aws_cloudwatch_metric_alarm.this["queue_size"].period == 300 &&
      aws_cloudwatch_metric_alarm.this["queue_size"].evaluation_periods == 2
    )
    error_message = "It fires when more than 100 messages wait on average for two periods of 300 seconds."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["queue_size"].dimensions == tomap({ Broker = "test-grading-mq-1", Queue = "grading-requests" })
    error_message = "The alarm monitors grading-requests on the first node."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["queue_size"].metric_query) == 0
    error_message = "The alarm uses a single metric."
  }
}

run "only_the_broker_has_alarms_by_default" {
  command = plan

  assert {
    condition = (
      output.alarm_names == [
        "grading-broker-1-cpu-high", "grading-broker-1-memory-high", "grading-broker-1-storage-high", "grading-dlq-not-empty",
        "grading-no-consumer", "grading-oldest-message-priority", "grading-oldest-message-requests", "grading-queue-size-high",
      ]
    )
    error_message = "Eight alarms need only the broker."
  }

  assert {
    condition     = output.stopped_tasks_log_group_name == null
    error_message = "Without a service there are no task alarms."
  }
}

run "the_topic_is_closed_and_encrypted" {
  assert {
    condition     = aws_sns_topic.this["this"].kms_master_key_id == aws_kms_key.topic["this"].arn && aws_kms_key.topic["this"].enable_key_rotation
    error_message = "The topic has its own key, which rotates."
  }

  assert {
    condition = (
      [for statement in jsondecode(aws_sns_topic_policy.this["this"].policy).Statement : statement if statement.Effect == "Allow"] == [{
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:ap-northeast-2:123456789012:test-grading-alarms"
        Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
      }]
    )
    error_message = "Only CloudWatch may publish, and only for this account."
  }

  assert {
    condition = (
      jsondecode(aws_sns_topic_policy.this["this"].policy).Statement[1].Effect == "Deny" &&
      jsondecode(aws_sns_topic_policy.this["this"].policy).Statement[1].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    )
    error_message = "Publishing requires TLS."
  }

  assert {
    condition = (
      jsondecode(aws_kms_key_policy.topic["this"].policy).Statement[1].Principal == { Service = "cloudwatch.amazonaws.com" } &&
      jsondecode(aws_kms_key_policy.topic["this"].policy).Statement[1].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } } &&
      jsondecode(aws_kms_key_policy.topic["this"].policy).Statement[0].Principal == { AWS = "arn:aws:iam::123456789012:root" }
    )
    error_message = "CloudWatch may use the key for this account, which administers it."
  }

  assert {
    condition = (
      alltrue([for alarm in values(aws_cloudwatch_metric_alarm.this) :
        alarm.alarm_actions == toset([output.topic_arn]) && alarm.ok_actions == toset([output.topic_arn])
      ])
    )
    error_message = "Every alarm notifies the topic when it fires and ends."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) + length(aws_sns_topic_subscription.https) == 0
    error_message = "There are no subscribers by default."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.this) : alarm.treat_missing_data == "notBreaching"])
    error_message = "Missing data is not breaching."
  }
}
