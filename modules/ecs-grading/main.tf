locals {
  name           = "${var.environment_name}-grading"
  container_name = "grading-worker"
  on_fargate     = var.ec2_capacity == null

  # capacity providers of the service; empty means the launch type FARGATE
  placement = (
    !local.on_fargate ? { (local.name) = { base = 0, weight = 1 } } :
    var.capacity.spot == null ? {} : {
      FARGATE      = { base = var.capacity.spot.fargate_base, weight = var.capacity.spot.fargate_weight }
      FARGATE_SPOT = { base = 0, weight = var.capacity.spot.spot_weight }
    }
  )
}

resource "aws_ecs_cluster" "this" {
  # checkov:skip=CKV_AWS_65: enabled with autoscaling, which needs its metrics; billed per metric
  # checkov:skip=CKV_AWS_224: service.execute_command.kms_key_arn sets the key of the session log; the default is the key of CloudWatch Logs
  name = "${local.name}-cluster"

  # Scaling by queue size needs the number of running tasks, which only Container Insights reports.
  setting {
    name  = "containerInsights"
    value = var.enable_autoscaling ? "enabled" : "disabled"
  }

  # Always created: the provider cannot remove it again.
  configuration {
    execute_command_configuration {
      kms_key_id = try(var.service.execute_command.kms_key_arn, null)
      logging    = var.service.execute_command == null ? "DEFAULT" : "OVERRIDE"

      dynamic "log_configuration" {
        for_each = aws_cloudwatch_log_group.sessions

        content {
          cloud_watch_encryption_enabled = var.service.execute_command.kms_key_arn != null
          cloud_watch_log_group_name     = log_configuration.value.name
        }
      }
    }

    dynamic "managed_storage_configuration" {
      for_each = var.task.ephemeral_storage_kms_key_arn[*]

      content {
        fargate_ephemeral_storage_kms_key_id = managed_storage_configuration.value
      }
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  for_each = length(local.placement) == 0 ? {} : { this = keys(local.placement) }

  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = each.value

  depends_on = [aws_ecs_capacity_provider.this]
}
