# Alarms of the workers' tasks, and notifications.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name    = "test"
  broker              = { node_names = ["test-grading-mq-1"], instance_type = "mq.t3.micro" }
  service             = { cluster_name = "test-grading-cluster", service_name = "test-grading-service" }
  database_identifier = "test-grading"
}

run "a_service_without_tasks_fires_by_the_absence_of_its_metric" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["no_running_task"].metric_name == "RunningTaskCount" && aws_cloudwatch_metric_alarm.this["no_running_task"].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.this["no_running_task"].threshold == 1 && aws_cloudwatch_metric_alarm.this["no_running_task"].treat_missing_data == "breaching"
    )
    error_message = "Container Insights reports nothing while no task runs."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["no_running_task"].dimensions == tomap({ ClusterName = "test-grading-cluster", ServiceName = "test-grading-service" })
    error_message = "The alarm monitors the given service."
  }
}

run "a_service_that_may_rest_fires_while_messages_wait" {
  command = plan

  variables {
    service = { cluster_name = "test-grading-cluster", service_name = "test-grading-service", min_tasks = 0 }
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.this["no_running_task"].metric_query : query.expression if query.id == "result"]) ==
      join("", [
        "IF(FILL(desiredtaskcount + 1, 0) + FILL(runningtaskcount + 1, 0) + FILL(w0 + 1, 0) + FILL(w1 + 1, 0) > 0, ",
        "IF(FILL(runningtaskcount, 0) < 1 AND (FILL(desiredtaskcount, 0) >= 1 OR (FILL(w0, 0) + FILL(w1, 0)) > 0), 1, 0))",
      ])
    )
    error_message = "No task runs although one should, or messages wait."
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.this["no_running_task"].metric_query : query.metric[0].dimensions if query.id == "runningtaskcount"]) ==
      tomap({ ClusterName = "test-grading-cluster", ServiceName = "test-grading-service" })
    )
    error_message = "The alarm monitors the given service."
  }

  assert {
    condition = (
      [for query in aws_cloudwatch_metric_alarm.this["no_running_task"].metric_query : query.metric[0].dimensions["Queue"] if startswith(query.id, "w")] ==
      ["grading-requests", "grading-priority"]
    )
    error_message = "Both queues of the workers are included."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["no_running_task"].metric_query) <= 10
    error_message = "CloudWatch allows at most ten metrics."
  }
}

run "a_pair_stays_below_ten_metrics" {
  command = plan

  variables {
    broker  = { node_names = ["test-grading-mq-1", "test-grading-mq-2"] }
    service = { cluster_name = "test-grading-cluster", service_name = "test-grading-service", min_tasks = 0 }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this["no_running_task"].metric_query) == 7
    error_message = "Four queue metrics, two sums, one result."
  }
}

run "tasks_that_stop_by_themselves_are_counted_and_logged" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["task_restarts"].namespace == "gradectl/test-grading" && aws_cloudwatch_metric_alarm.this["task_restarts"].metric_name == "StoppedTasks" &&
      aws_cloudwatch_metric_alarm.this["task_restarts"].statistic == "Sum" && aws_cloudwatch_metric_alarm.this["task_restarts"].threshold == 3 && aws_cloudwatch_metric_alarm.this["task_restarts"].period == 900
    )
    error_message = "Three within fifteen minutes."
  }

  assert {
    condition = (
      aws_cloudwatch_log_metric_filter.stopped_tasks["this"].metric_transformation[0].namespace == "gradectl/test-grading" &&
      aws_cloudwatch_log_metric_filter.stopped_tasks["this"].metric_transformation[0].name == "StoppedTasks" &&
      output.stopped_tasks_log_group_name == "/aws/events/test-grading-stopped-tasks"
    )
    error_message = "A metric filter of the log group counts them."
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.stopped_tasks["this"].event_pattern).detail == {
        clusterArn = [{ suffix = ":cluster/test-grading-cluster" }]
        group      = ["service:test-grading-service"]
        lastStatus = ["STOPPED"]
        "$or"      = [{ stopCode = ["EssentialContainerExited", "TaskFailedToStart"] }, { stoppedReason = [{ prefix = "Task failed" }] }]
      }
    )
    error_message = "The rule selects tasks of this service that neither scaling nor a deployment stopped."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_cloudwatch_log_resource_policy.stopped_tasks["this"].policy_document).Statement :
      statement.Action => [statement.Resource, lookup(statement, "Condition", null)]
      } == {
      "logs:CreateLogStream" = ["arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/events/test-grading-stopped-tasks:*", null]
      "logs:PutLogEvents" = [
        "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/events/test-grading-stopped-tasks:*",
        { ArnEquals = { "aws:SourceArn" = "arn:aws:events:ap-northeast-2:123456789012:rule/test-grading-stopped-tasks" } },
      ]
    }
    error_message = "Only this rule may write events; creating streams has no rule condition."
  }
}

run "without_container_insights_there_is_no_task_alarm" {
  command = plan

  variables {
    service = { cluster_name = "test-grading-cluster", service_name = "test-grading-service", container_insights = false }
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "no_running_task") && contains(keys(aws_cloudwatch_metric_alarm.this), "task_restarts")
    error_message = "Without Container Insights the alarm for task restarts still exists."
  }
}

run "notifies_by_email_and_https" {
  command = plan

  variables {
    topic = {
      email_addresses = ["on-call@example.com"]
      https_endpoints = ["https://pager.example.com/hook"]
    }
  }

  assert {
    condition = (
      aws_sns_topic_subscription.email["on-call@example.com"].protocol == "email" &&
      aws_sns_topic_subscription.https["https://pager.example.com/hook"].protocol == "https"
    )
    error_message = "Subscriptions use e-mail and HTTPS."
  }
}

run "uses_the_given_key" {
  command = plan

  variables {
    topic = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-1111-1111-1111-111111111111" }
  }

  assert {
    condition = (
      aws_sns_topic.this["this"].kms_master_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-1111-1111-1111-111111111111" &&
      length(aws_kms_key.topic) == 0
    )
    error_message = "No key is created."
  }
}

run "notifies_existing_topics" {
  command = plan

  variables {
    topic             = null
    alarm_action_arns = ["arn:aws:sns:ap-northeast-2:123456789012:on-call"]
  }

  assert {
    condition     = length(aws_sns_topic.this) == 0 && length(aws_kms_key.topic) == 0 && output.topic_arn == null
    error_message = "There is no topic."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.this) : alarm.alarm_actions == toset(["arn:aws:sns:ap-northeast-2:123456789012:on-call"])])
    error_message = "The given topics are notified."
  }
}

run "refuses_an_address_without_a_host" {
  command = plan

  variables {
    topic = { email_addresses = ["on-call"] }
  }

  expect_failures = [var.topic]
}

run "refuses_a_pager_without_tls" {
  command = plan

  variables {
    topic = { https_endpoints = ["http://pager.example.com/hook"] }
  }

  expect_failures = [var.topic]
}

run "refuses_a_key_that_cloudwatch_may_not_use" {
  command = plan

  variables {
    topic = { kms_key_arn = "alias/aws/sns" }
  }

  expect_failures = [var.topic]
}

run "the_log_of_stopped_tasks_is_encrypted_with_the_given_key" {
  command = plan

  variables {
    service = {
      cluster_name    = "test-grading-cluster"
      service_name    = "test-grading-service"
      log_kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    }
  }

  assert {
    condition     = aws_cloudwatch_log_group.stopped_tasks["this"].kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    error_message = "Reasons of stopped tasks name images, hosts and parameters."
  }
}
