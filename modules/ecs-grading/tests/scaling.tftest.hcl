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
  queue              = { broker_node_names = ["test-grading-mq-1", "test-grading-mq-2"] }
}

run "scales_by_cpu_memory_and_queue" {
  command = plan

  assert {
    condition     = keys(aws_appautoscaling_policy.resource) == ["cpu", "memory"] && length(aws_appautoscaling_policy.queue_depth) == 1
    error_message = "There are three policies."
  }

  assert {
    condition     = output.scaling_bounds == { min = 1, max = 10 } && output.min_tasks == 1
    error_message = "The given bounds are used."
  }

  assert {
    condition     = length(aws_appautoscaling_policy.rest) == 0 && length(aws_cloudwatch_metric_alarm.rest) == 0 && output.scaling_alarm_names == []
    error_message = "With a minimum of 1 there are no alarms for zero tasks."
  }

  assert {
    condition = one([
      for each in aws_appautoscaling_policy.queue_depth[0].target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : each.expression if each.return_data
    ]) == "IF(FILL(size0 + 1, 0) + FILL(size1 + 1, 0) + FILL(size2 + 1, 0) + FILL(size3 + 1, 0) > 0, (FILL(size0, 0) + FILL(size1, 0) + FILL(size2, 0) + FILL(size3, 0)) / IF(running > 0, running, 1))"
    error_message = "Both queues on both nodes are summed; minutes without reports are skipped."
  }

  assert {
    condition = alltrue([
      for each in local.size_metrics : each.name == "QueueSize" && toset(keys(each.dimensions)) == toset(["Broker", "Queue"])
    ])
    error_message = "Metrics of ActiveMQ queues have the dimensions broker and name."
  }
}

run "uses_the_given_targets_and_cooldowns" {
  command = plan

  variables {
    scaling = { cpu_target = 50, memory_target = 65, messages_per_task = 4, in_cooldown_seconds = 600, out_cooldown_seconds = 30 }
    queue   = { broker_node_names = ["test-grading-mq-1"], names = ["grading-requests"] }
  }

  assert {
    condition = (
      aws_appautoscaling_policy.resource["cpu"].target_tracking_scaling_policy_configuration[0].target_value == 50 &&
      aws_appautoscaling_policy.resource["memory"].target_tracking_scaling_policy_configuration[0].target_value == 65 &&
      aws_appautoscaling_policy.queue_depth[0].target_tracking_scaling_policy_configuration[0].target_value == 4
    )
    error_message = "The given targets are used."
  }

  assert {
    condition = alltrue([
      for each in [aws_appautoscaling_policy.resource["cpu"], aws_appautoscaling_policy.resource["memory"], aws_appautoscaling_policy.queue_depth[0]] :
      each.target_tracking_scaling_policy_configuration[0].scale_in_cooldown == 600 && each.target_tracking_scaling_policy_configuration[0].scale_out_cooldown == 30
    ])
    error_message = "The given cooldowns are used."
  }
}

run "counts_messages_of_rabbitmq" {
  command = plan

  variables {
    queue = { broker_node_names = ["test-grading-mq"], engine_type = "RabbitMQ", virtual_host = "grading" }
  }

  assert {
    condition = alltrue([
      for each in local.size_metrics : each.name == "MessageCount" && each.dimensions.VirtualHost == "grading" && each.dimensions.Broker == "test-grading-mq"
    ])
    error_message = "RabbitMQ has a different metric with an additional dimension."
  }
}

run "scales_to_zero_and_back" {
  command = plan

  variables {
    capacity = { min = 0, desired = 0, max = 5 }
    scaling  = { idle_minutes = 20, wake_up_tasks = 2 }
    queue    = { broker_node_names = ["test-grading-mq-1"] }
  }

  assert {
    condition = (
      output.scaling_bounds == { min = 0, max = 5 } &&
      output.scaling_alarm_names == ["test-grading-idle", "test-grading-wake-up"]
    )
    error_message = "The minimum is 0, and two alarms scale the service to and from it."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.rest["wake-up"].comparison_operator == "GreaterThanOrEqualToThreshold" &&
      aws_cloudwatch_metric_alarm.rest["wake-up"].threshold == 1 && aws_cloudwatch_metric_alarm.rest["wake-up"].evaluation_periods == 2 &&
      one([for each in aws_cloudwatch_metric_alarm.rest["wake-up"].metric_query : each.expression if each.return_data]) ==
      "IF(FILL(size0 + 1, 0) + FILL(size1 + 1, 0) > 0, IF(FILL(consumers0 + 1, 0) + FILL(consumers1 + 1, 0) > 0, IF((FILL(desired, 0) < 1) AND (FILL(consumers0, 0) + FILL(consumers1, 0) < 1), FILL(size0, 0) + FILL(size1, 0), 0)))"
    )
    error_message = "One message wakes the service up, only at a desired count of 0 and without consumers."
  }

  assert {
    condition = (
      aws_appautoscaling_policy.rest["wake-up"].step_scaling_policy_configuration[0].adjustment_type == "ExactCapacity" &&
      one(aws_appautoscaling_policy.rest["wake-up"].step_scaling_policy_configuration[0].step_adjustment).scaling_adjustment == 2
    )
    error_message = "The policy sets a number, so that it adds no task each time while none can start."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.rest["idle"].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.rest["idle"].evaluation_periods == 20 && aws_cloudwatch_metric_alarm.rest["idle"].datapoints_to_alarm == 20 &&
      one([for each in aws_cloudwatch_metric_alarm.rest["idle"].metric_query : each.expression if each.return_data]) ==
      "IF(FILL(size0 + 1, 0) + FILL(size1 + 1, 0) > 0, IF(FILL(consumers0, 0) + FILL(consumers1, 0) >= 1, FILL(size0, 0) + FILL(size1, 0), 1))"
    )
    error_message = "The alarm needs twenty minutes without messages and a connected worker."
  }

  assert {
    condition = (
      aws_appautoscaling_policy.rest["idle"].step_scaling_policy_configuration[0].adjustment_type == "ExactCapacity" &&
      one(aws_appautoscaling_policy.rest["idle"].step_scaling_policy_configuration[0].step_adjustment).scaling_adjustment == 0 &&
      tonumber(one(aws_appautoscaling_policy.rest["idle"].step_scaling_policy_configuration[0].step_adjustment).metric_interval_upper_bound) == 0
    )
    error_message = "The policy stops the last tasks."
  }

  assert {
    condition = alltrue(flatten([
      for alarm in values(aws_cloudwatch_metric_alarm.rest) : [
        for each in alarm.metric_query : one(each.metric).period == 60 && one(each.metric).stat == "Maximum" if !each.return_data
      ]
    ])) && length([for each in aws_cloudwatch_metric_alarm.rest["wake-up"].metric_query : each if !each.return_data]) == 5
    error_message = "Both alarms use the maximum of each minute for queues and tasks."
  }
}

run "changes_bounds_by_schedule" {
  command = plan

  variables {
    scaling = {
      schedules = {
        exam-begins = { schedule = "cron(30 8 ? * MON-FRI *)", timezone = "Asia/Seoul", min = 20, max = 60 }
        exam-ends   = { schedule = "cron(0 18 ? * MON-FRI *)", timezone = "Asia/Seoul", min = 1, max = 10 }
        final       = { schedule = "at(2026-06-15T08:30:00)", min = 5 }
      }
    }
  }

  assert {
    condition = (
      aws_appautoscaling_scheduled_action.this["exam-begins"].schedule == "cron(30 8 ? * MON-FRI *)" &&
      aws_appautoscaling_scheduled_action.this["exam-begins"].timezone == "Asia/Seoul" &&
      one(aws_appautoscaling_scheduled_action.this["exam-begins"].scalable_target_action).min_capacity == "20" &&
      one(aws_appautoscaling_scheduled_action.this["exam-begins"].scalable_target_action).max_capacity == "60"
    )
    error_message = "The bounds change when the exam begins, in the given time zone."
  }

  assert {
    condition = (
      aws_appautoscaling_scheduled_action.this["final"].timezone == "UTC" &&
      one(aws_appautoscaling_scheduled_action.this["final"].scalable_target_action).max_capacity == null
    )
    error_message = "An omitted bound is unchanged, and the time zone is UTC."
  }

  assert {
    condition     = length(aws_appautoscaling_policy.rest) == 0
    error_message = "No schedule sets 0."
  }
}

run "a_schedule_may_set_zero" {
  command = plan

  variables {
    scaling = { schedules = { night = { schedule = "cron(0 0 * * ? *)", min = 0 } } }
  }

  assert {
    condition     = keys(aws_appautoscaling_policy.rest) == ["idle", "wake-up"] && output.min_tasks == 0
    error_message = "A message wakes the service up while a schedule sets 0."
  }
}

run "without_autoscaling_there_is_no_schedule" {
  command = plan

  variables {
    enable_autoscaling = false
    scaling            = { schedules = { night = { schedule = "cron(0 0 * * ? *)", min = 0 } } }
  }

  assert {
    condition     = length(aws_appautoscaling_scheduled_action.this) == 0 && length(aws_cloudwatch_metric_alarm.rest) == 0
    error_message = "Without autoscaling the desired count is fixed."
  }
}
