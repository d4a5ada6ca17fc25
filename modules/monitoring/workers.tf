# Only with a service: alarms for missing and restarting tasks.

locals {
  _service = { for name in ["DesiredTaskCount", "RunningTaskCount"] : lower(name) => {
    namespace   = "ECS/ContainerInsights"
    metric_name = name
    dimensions = {
      ClusterName = try(var.service.cluster_name, "")
      ServiceName = try(var.service.service_name, "")
    }
  } }
  # one per node and queue that workers consume
  _waiting = { for index, metric in concat(values(local.sizes["requests"]), values(local.sizes["priority"])) : "w${index}" => metric }

  counts_tasks = try(var.service.container_insights, false)
  watches_ends = var.service != null && !contains(var.disabled_alarms, "task_restarts")

  always_runs = try(var.service.min_tasks, 0) > 0

  # Container Insights reports nothing about a service without running tasks. So where a task should always run, the
  # absence of the metric is the alarm.
  _absence_alarm = {
    kind        = "no_running_task"
    name        = "${local.prefix}-no-running-task"
    description = "No task of ${try(var.service.service_name, "")} runs. ${local.list_queues}"
    metrics     = { runningtaskcount = local._service["runningtaskcount"] }
    expression  = null
    statistic   = "Maximum"
    comparison  = "LessThanThreshold"
    threshold   = 1
    period      = 60
    periods     = var.thresholds.no_running_task_minutes
    missing     = "breaching"
  }

  # A service that may rest should have a task only while requests wait.
  _running_alarm = {
    kind        = "no_running_task"
    name        = "${local.prefix}-no-running-task"
    description = "No task of ${try(var.service.service_name, "")} runs although one should, or requests wait. ${local.list_queues}"
    metrics     = merge(local._service, local._waiting)
    # skips minutes without reports: see queues.tf
    expression = join("", [
      "IF(", join(" + ", [for id in keys(merge(local._service, local._waiting)) : "FILL(${id} + 1, 0)"]), " > 0, ",
      "IF(FILL(runningtaskcount, 0) < 1 AND (FILL(desiredtaskcount, 0) >= 1 OR (",
      join(" + ", [for id in keys(local._waiting) : "FILL(${id}, 0)"]), ") > 0), 1, 0))",
    ])
    statistic  = "Average"
    comparison = "GreaterThanOrEqualToThreshold"
    threshold  = 1
    period     = 60
    periods    = var.thresholds.no_running_task_minutes
  }

  _restart_alarm = {
    kind        = "task_restarts"
    name        = "${local.prefix}-task-restarts"
    description = "${var.thresholds.task_restarts} or more tasks of ${try(var.service.service_name, "")} ended by themselves within 15 minutes; why is in the log group /aws/events/${local.prefix}-stopped-tasks. Next: gradectl queue list -e ${local.environment}; docs/runbook.md, Tasks end by themselves."
    metrics     = { stopped = { namespace = "gradectl/${local.prefix}", metric_name = "StoppedTasks", dimensions = {} } }
    expression  = null
    statistic   = "Sum"
    comparison  = "GreaterThanOrEqualToThreshold"
    threshold   = var.thresholds.task_restarts
    period      = 900
    periods     = 1
  }

  worker_alarms = merge(
    { for key, alarm in { no_running_task = local._absence_alarm } : key => alarm if local.counts_tasks && local.always_runs },
    { for key, alarm in { no_running_task = local._running_alarm } : key => alarm if local.counts_tasks && !local.always_runs },
    { for key, alarm in { task_restarts = local._restart_alarm } : key => alarm if var.service != null },
  )

  stopped_tasks = local.watches_ends ? { this = var.service } : {}
}

# No metric counts stopped tasks; ECS only emits events. A log group stores them, longer than the hour for
# which ECS keeps the reasons, and a metric filter counts them.

resource "aws_cloudwatch_event_rule" "stopped_tasks" {
  for_each = local.stopped_tasks

  name        = "${local.prefix}-stopped-tasks"
  description = "Tasks of ${each.value.service_name} that ended by themselves or were found unhealthy."
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [{ suffix = ":cluster/${each.value.cluster_name}" }]
      group      = ["service:${each.value.service_name}"]
      lastStatus = ["STOPPED"]
      "$or" = [
        { stopCode = ["EssentialContainerExited", "TaskFailedToStart"] },
        { stoppedReason = [{ prefix = "Task failed" }] }, # health checks of the container or a load balancer
      ]
    }
  })
}

resource "aws_cloudwatch_log_group" "stopped_tasks" {
  # checkov:skip=CKV_AWS_158: service.log_kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: the reasons of stopped tasks matter for weeks, not for a year
  for_each = local.stopped_tasks

  name              = "/aws/events/${local.prefix}-stopped-tasks"
  kms_key_id        = each.value.log_kms_key_arn
  retention_in_days = 30
}

resource "aws_cloudwatch_log_resource_policy" "stopped_tasks" {
  for_each = local.stopped_tasks

  policy_name = "${local.prefix}-stopped-tasks"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "MakeStreams"
        Effect    = "Allow"
        Principal = { Service = ["delivery.logs.amazonaws.com", "events.amazonaws.com"] }
        Action    = "logs:CreateLogStream" # EventBridge passes no rule ARN: a condition would block all events
        Resource  = "${aws_cloudwatch_log_group.stopped_tasks[each.key].arn}:*"
      },
      {
        Sid       = "WriteEvents"
        Effect    = "Allow"
        Principal = { Service = ["delivery.logs.amazonaws.com", "events.amazonaws.com"] }
        Action    = "logs:PutLogEvents"
        Resource  = "${aws_cloudwatch_log_group.stopped_tasks[each.key].arn}:*"
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.stopped_tasks[each.key].arn } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_target" "stopped_tasks" {
  for_each = local.stopped_tasks

  rule = aws_cloudwatch_event_rule.stopped_tasks[each.key].name
  arn  = aws_cloudwatch_log_group.stopped_tasks[each.key].arn

  depends_on = [aws_cloudwatch_log_resource_policy.stopped_tasks]
}

resource "aws_cloudwatch_log_metric_filter" "stopped_tasks" {
  for_each = local.stopped_tasks

  name           = "${local.prefix}-stopped-tasks"
  log_group_name = aws_cloudwatch_log_group.stopped_tasks[each.key].name
  pattern        = "" # every event that passed the rule

  metric_transformation {
    namespace = "gradectl/${local.prefix}"
    name      = "StoppedTasks"
    value     = "1"
  }
}
