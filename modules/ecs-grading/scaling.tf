# Always there: without autoscaling it holds the service at its desired count, so that the count can
# be changed by a variable although the service itself ignores it.
resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.enable_autoscaling ? var.capacity.min : var.capacity.desired
  max_capacity       = var.enable_autoscaling ? var.capacity.max : var.capacity.desired

  lifecycle {
    # A replaced service loses its target without a word.
    replace_triggered_by = [aws_ecs_service.this.id]
  }
}

locals {
  resource_targets = var.enable_autoscaling ? {
    cpu    = { metric = "ECSServiceAverageCPUUtilization", target = var.scaling.cpu_target }
    memory = { metric = "ECSServiceAverageMemoryUtilization", target = var.scaling.memory_target }
  } : {}

  # one metric for each node of the broker and each queue; the idle node of a pair reports nothing
  queue_metrics = {
    for index, pair in setproduct(var.queue.broker_node_names, var.queue.names) :
    "size${index}" => { node = pair[0], queue = pair[1] }
  }
  waiting_expression = join(" + ", [for id in keys(local.queue_metrics) : "FILL(${id}, 0)"])
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
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
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
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    customized_metric_specification {
      dynamic "metrics" {
        for_each = local.queue_metrics

        content {
          id          = metrics.key
          return_data = false

          metric_stat {
            stat = "Average"

            metric {
              namespace   = "AWS/AmazonMQ"
              metric_name = "QueueSize"

              dimensions {
                name  = "Broker"
                value = metrics.value.node
              }

              dimensions {
                name  = "Queue"
                value = metrics.value.queue
              }
            }
          }
        }
      }

      metrics {
        id          = "running"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = aws_ecs_cluster.this.name
            }

            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.this.name
            }
          }
        }
      }

      metrics {
        id          = "waiting_per_task"
        label       = "Messages that wait for each running task"
        expression  = "(${local.waiting_expression}) / IF(FILL(running, 0) > 0, running, 1)"
        return_data = true
      }
    }
  }
}
