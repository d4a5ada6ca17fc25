locals {
  prefix      = var.environment_name == null ? "grading" : "${var.environment_name}-grading"
  environment = coalesce(var.environment_name, "ENV") # placeholder used in docs/runbook.md

  kinds = [
    "api_errors", "api_latency", "api_unhealthy", "broker_cpu", "broker_cpu_credits", "broker_memory", "broker_storage", "database_connections", "database_cpu",
    "database_storage", "dead_letters", "no_consumer", "no_running_task", "oldest_message", "queue_size", "task_restarts",
  ]

  # Alarms by key: kind, name, description, metrics by ID, metric math (null: the single metric itself),
  # and condition.
  alarms = {
    for key, alarm in merge(local.queue_alarms, local.api_alarms, local.broker_alarms, local.worker_alarms, local.database_alarms) :
    key => alarm if !contains(var.disabled_alarms, alarm.kind)
  }

  actions = concat(values(aws_sns_topic.this)[*].arn, var.alarm_action_arns)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = each.value.name
  alarm_description   = each.value.description
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  treat_missing_data  = lookup(each.value, "missing", "notBreaching") # in general: nothing was sent, or the part is unused

  # a single metric
  namespace   = each.value.expression == null ? one(values(each.value.metrics)).namespace : null
  metric_name = each.value.expression == null ? one(values(each.value.metrics)).metric_name : null
  dimensions  = each.value.expression == null ? one(values(each.value.metrics)).dimensions : null
  statistic   = each.value.expression == null ? each.value.statistic : null
  period      = each.value.expression == null ? each.value.period : null

  # metric math over several metrics
  dynamic "metric_query" {
    for_each = each.value.expression == null ? {} : each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric_name
        dimensions  = metric_query.value.dimensions
        stat        = each.value.statistic
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = each.value.expression == null ? [] : [each.value.expression]

    content {
      id          = "result"
      label       = each.value.name
      expression  = metric_query.value
      return_data = true
    }
  }

  alarm_actions = local.actions
  ok_actions    = local.actions
}
