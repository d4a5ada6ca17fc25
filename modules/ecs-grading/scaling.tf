locals {
  bounds = {
    max = var.enable_autoscaling ? var.capacity.max : var.capacity.desired
    min = var.enable_autoscaling ? max(var.capacity.min, local.has_broker && local.has_sqs ? 1 : 0) : var.capacity.desired
  }
  _schedules = var.enable_autoscaling ? values(var.scaling.schedules) : []
}

# The bounds that no schedule moves. A change of these replaces the target, because Terraform ignores a bound either
# always or never: an apply in exam hours would otherwise reset what a schedule has set.
# `rests`: the alarms of zero.tf come and go with a minimum of 0, and one that remained without them could leave no task.
resource "terraform_data" "bounds" {
  input = merge(
    { for name, bound in local.bounds : name => bound if alltrue([for each in local._schedules : each[name] == null]) },
    local.may_rest ? { rests = 1 } : {},
  )
}

# Replacing the service deletes its target without an error. This is a resource of its own, because one that an upgrade
# adds replaces nothing, whereas a trigger added to `bounds` would, also in exam hours.
resource "terraform_data" "service" {
  triggers_replace = local.service.id
}

# Always created: without autoscaling it holds the service at the desired count, so that the variable can
# change the count although the service ignores it.
resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${local.service.name}"
  min_capacity       = local.bounds.min
  max_capacity       = local.bounds.max

  lifecycle {
    ignore_changes       = [max_capacity, min_capacity] # schedules set them
    replace_triggered_by = [terraform_data.bounds, terraform_data.service]
  }
}

# AWS deletes policies and actions together with their target, and the plan would not show it: replace them with it.

locals {
  resource_targets = var.enable_autoscaling ? {
    cpu    = { metric = "ECSServiceAverageCPUUtilization", target = var.scaling.cpu_target }
    memory = { metric = "ECSServiceAverageMemoryUtilization", target = var.scaling.memory_target }
  } : {}
}

resource "aws_appautoscaling_policy" "resource" {
  for_each = local.resource_targets

  name               = "${local.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_in_cooldown  = var.scaling.in_cooldown_seconds
    scale_out_cooldown = var.scaling.out_cooldown_seconds

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this.id]
  }
}

resource "aws_appautoscaling_policy" "queue_depth" {
  count = var.enable_autoscaling ? 1 : 0

  name               = "${local.name}-queue-depth"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.messages_per_task
    scale_in_cooldown  = var.scaling.in_cooldown_seconds
    scale_out_cooldown = var.scaling.out_cooldown_seconds

    customized_metric_specification {
      dynamic "metrics" {
        for_each = merge(local.size_metrics, { running = local.task_metrics.running })

        content {
          id          = metrics.key
          return_data = false

          metric_stat {
            stat = "Average"

            metric {
              namespace   = metrics.value.namespace
              metric_name = metrics.value.name

              dynamic "dimensions" {
                for_each = metrics.value.dimensions

                content {
                  name  = dimensions.key
                  value = dimensions.value
                }
              }
            }
          }
        }
      }

      metrics {
        id          = "waiting_per_task"
        label       = "Messages that wait for each running task"
        expression  = "IF(${local.reported}, (${local.waiting}) / IF(running > 0, running, 1))"
        return_data = true
      }
    }
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this.id]
  }
}

# --- schedules ---

resource "aws_appautoscaling_scheduled_action" "this" {
  for_each = { for name, each in var.scaling.schedules : name => each if var.enable_autoscaling }

  name               = "${local.name}-${each.key}"
  schedule           = each.value.schedule
  timezone           = each.value.timezone
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  scalable_target_action {
    max_capacity = each.value.max
    min_capacity = each.value.min
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this.id]
  }
}
