# Only if a minimum is 0. Target tracking can neither leave zero, where utilization is undefined, nor reach it, because
# the last task always uses some memory. So two alarms scale the service between zero and the first task.

locals {
  # a schedule may set a minimum of 0 too
  smallest = min(concat([var.capacity.min], [for each in values(var.scaling.schedules) : each.min if each.min != null])...)
  may_rest = var.enable_autoscaling && local.smallest == 0 && !(local.has_broker && local.has_sqs)

  rest = local.may_rest ? {
    # Only from zero. ECS reports the desired count only while a task runs, so its absence also means that wanted tasks
    # do not start, as in a shortage of Spot capacity. The policy therefore sets a number: repeated, it adds nothing. It
    # cannot stop a worker either, because the broker must report that no consumer is connected, or SQS that nothing is
    # received or in flight; but it may lower the number of tasks that have not started. Target tracking raises it again
    # once one is connected.
    wake-up = {
      description = "Messages wait and no worker is there."
      expression  = "IF(${local.reported}, IF(${local.consumers_reported}, IF((FILL(desired, 0) < 1) AND (${local.busy_or_not} < 1), ${local.waiting}, 0)))"
      metrics     = merge(local.work_metrics, local.consumer_metrics, { desired = local.task_metrics.desired })
      comparison  = "GreaterThanOrEqualToThreshold"
      minutes     = 2
      adjustment  = { type = "ExactCapacity", tasks = var.scaling.wake_up_tasks, lower = 0, upper = null }
      cooldown    = 300 # longer than the delay of the task metrics
    }

    # Only while a worker is connected or receives, so that the alarm stays OK at zero tasks and without metrics.
    idle = {
      description = "Workers are there, and no message waited or was in work for ${var.scaling.idle_minutes} minutes."
      expression  = "IF(${local.reported}, IF(${local.consumers} >= 1, ${local.in_work}, 1))"
      metrics     = merge(local.work_metrics, local.consumer_metrics)
      comparison  = "LessThanThreshold"
      minutes     = var.scaling.idle_minutes
      adjustment  = { type = "ExactCapacity", tasks = 0, lower = null, upper = 0 }
      cooldown    = 60
    }
  } : {}
}

resource "aws_appautoscaling_policy" "rest" {
  for_each = local.rest

  name               = "${local.name}-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  step_scaling_policy_configuration {
    adjustment_type         = each.value.adjustment.type
    cooldown                = each.value.cooldown
    metric_aggregation_type = "Maximum"

    step_adjustment {
      metric_interval_lower_bound = each.value.adjustment.lower
      metric_interval_upper_bound = each.value.adjustment.upper
      scaling_adjustment          = each.value.adjustment.tasks
    }
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this.id]
  }
}

resource "aws_cloudwatch_metric_alarm" "rest" {
  for_each = local.rest

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.description} It moves the service between zero and the first task; nothing is wrong."
  comparison_operator = each.value.comparison
  threshold           = 1
  evaluation_periods  = each.value.minutes
  datapoints_to_alarm = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = [aws_appautoscaling_policy.rest[each.key].arn]

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        period      = 60
        stat        = "Maximum"
      }
    }
  }

  metric_query {
    id          = "answer"
    label       = each.value.description
    expression  = each.value.expression
    return_data = true
  }
}
