# Alarms of the queues.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  broker           = { engine_type = "ActiveMQ", node_names = ["test-grading-mq-1"] }
}

run "names_and_texts_follow_the_environment" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["dead_letters"].alarm_name == "test-grading-dlq-not-empty"
    error_message = "The environment is the first part of the name."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["queue_size"].alarm_name == "grading-queue-size-high"
    error_message = "The name of the queue size alarm is fixed."
  }

  assert {
    condition = (
      strcontains(aws_cloudwatch_metric_alarm.this["dead_letters"].alarm_description, "gradectl queue inspect -e test grading-dlq") &&
      strcontains(aws_cloudwatch_metric_alarm.this["queue_size"].alarm_description, "gradectl queue list -e test")
    )
    error_message = "The description contains the next command."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.this) : length(alarm.alarm_description) <= 1024 && strcontains(alarm.alarm_description, "Next: gradectl ")])
    error_message = "Every description contains the next step and fits CloudWatch's limit."
  }
}

run "a_dead_letter_fires_at_once" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["dead_letters"].dimensions == tomap({ Broker = "test-grading-mq-1", Queue = "grading-dlq" }) &&
      aws_cloudwatch_metric_alarm.this["dead_letters"].statistic == "Maximum" && aws_cloudwatch_metric_alarm.this["dead_letters"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.this["dead_letters"].evaluation_periods == 1
    )
    error_message = "One message in one period is enough."
  }
}

run "requests_without_a_consumer_fire" {
  command = plan

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.this["no_consumer"].metric_query : query.expression if query.id == "result"]) ==
      "IF(FILL(s0 + 1, 0) > 0, IF((FILL(s0, 0)) > 0 AND (FILL(c0, 0)) < 1, 1, 0))"
    )
    error_message = "Messages wait and no consumer is connected."
  }

  assert {
    condition = (
      { for query in aws_cloudwatch_metric_alarm.this["no_consumer"].metric_query : query.id => query.metric[0].metric_name if query.id != "result" } ==
      { c0 = "ConsumerCount", s0 = "QueueSize" }
    )
    error_message = "The alarm compares consumers with waiting messages."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["no_consumer"].evaluation_periods == 10
    error_message = "The alarm waits ten minutes, in which a worker may start."
  }
}

run "a_stalled_queue_has_an_old_message" {
  command = plan

  assert {
    condition = (
      alltrue([for purpose in ["requests", "priority"] :
        { for query in aws_cloudwatch_metric_alarm.this["oldest_message_${purpose}"].metric_query : query.id => query.metric[0].dimensions if query.id != "result" } == {
          d0 = tomap({ Broker = "test-grading-mq-1", Queue = "grading-${purpose}" })
          s0 = tomap({ Broker = "test-grading-mq-1", Queue = "grading-${purpose}" })
        }
      ])
    )
    error_message = "Both request queues are monitored."
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.this["oldest_message_requests"].metric_query : query.expression if query.id == "result"]) ==
      "IF(FILL(s0 + 1, 0) > 0, IF((FILL(s0, 0)) > 0 AND (FILL(d0, 0)) < 1, 1, 0))"
    )
    error_message = "Messages wait and none is dequeued."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["oldest_message_requests"].evaluation_periods == 15
    error_message = "The alarm covers fifteen minutes."
  }
}

run "a_pair_of_nodes_is_summed_up" {
  command = plan

  variables {
    broker = { node_names = ["test-grading-mq-1", "test-grading-mq-2"] }
  }

  assert {
    condition = (
      alltrue([for key in ["queue_size", "dead_letters"] :
        one([for query in aws_cloudwatch_metric_alarm.this[key].metric_query : query.expression if query.id == "result"]) == "IF(FILL(s0 + 1, 0) + FILL(s1 + 1, 0) > 0, FILL(s0, 0) + FILL(s1, 0))"
      ])
    )
    error_message = "After a failover the messages are counted on the second node."
  }

  assert {
    condition = (
      [for query in aws_cloudwatch_metric_alarm.this["queue_size"].metric_query : query.metric[0].dimensions["Broker"] if query.id != "result"] ==
      ["test-grading-mq-1", "test-grading-mq-2"]
    )
    error_message = "Each node has its metric."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["queue_size"].alarm_name == "grading-queue-size-high" && aws_cloudwatch_metric_alarm.this["queue_size"].threshold == 100 &&
      aws_cloudwatch_metric_alarm.this["queue_size"].evaluation_periods == 2 &&
      alltrue([for query in aws_cloudwatch_metric_alarm.this["queue_size"].metric_query : query.metric[0].period == 300 && query.metric[0].stat == "Average" if query.id != "result"])
    )
    error_message = "Name and thresholds are unchanged."
  }
}

run "queues_and_the_queue_size_alarm_can_be_renamed" {
  command = plan

  variables {
    queues                = { requests = "exam-requests", priority = "exam-priority", dead_letter = "exam-dlq" }
    queue_size_alarm_name = "exam-queue-size-high"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["queue_size"].alarm_name == "exam-queue-size-high" &&
      aws_cloudwatch_metric_alarm.this["queue_size"].dimensions["Queue"] == "exam-requests" &&
      aws_cloudwatch_metric_alarm.this["dead_letters"].dimensions["Queue"] == "exam-dlq" &&
      strcontains(aws_cloudwatch_metric_alarm.this["dead_letters"].alarm_description, "gradectl queue inspect -e test exam-dlq")
    )
    error_message = "The given queues are used."
  }

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.this["oldest_message_priority"].metric_query : query.metric[0].dimensions["Queue"] if query.id == "s0"]) == "exam-priority"
    error_message = "The priority queue is monitored too."
  }
}
