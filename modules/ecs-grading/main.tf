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

resource "aws_ecs_service" "this" {
  name                              = "${local.name}-service"
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.capacity.desired
  launch_type                       = length(local.placement) == 0 ? "FARGATE" : null
  enable_execute_command            = var.service.execute_command != null
  health_check_grace_period_seconds = try(var.service.load_balancer.health_check_grace_seconds, null)

  # ECS changes the placement only with a new deployment, and the provider requires this argument for it. So each
  # change of the service restarts its tasks.
  force_new_deployment = true

  # Rebalancing would stop workers in the middle of a job; consumers of a queue need no balance across zones.
  availability_zone_rebalancing = "DISABLED"

  # tasks carry the tags of the service for cost allocation
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  deployment_maximum_percent         = var.service.deployment.maximum_percent
  deployment_minimum_healthy_percent = var.service.deployment.minimum_healthy_percent

  deployment_circuit_breaker {
    enable   = true
    rollback = var.service.deployment.rollback
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = false
  }

  dynamic "capacity_provider_strategy" {
    for_each = local.placement

    content {
      capacity_provider = capacity_provider_strategy.key
      base              = capacity_provider_strategy.value.base
      weight            = capacity_provider_strategy.value.weight
    }
  }

  dynamic "load_balancer" {
    for_each = var.service.load_balancer[*]

    content {
      target_group_arn = load_balancer.value.target_group_arn
      container_name   = local.container_name
      container_port   = local.health_port
    }
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this

    content {
      registry_arn = service_registries.value.arn
    }
  }

  lifecycle {
    ignore_changes = [desired_count] # managed by Application Auto Scaling
  }

  # A task that starts before its permissions fails at its first read.
  depends_on = [
    aws_ecs_cluster_capacity_providers.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
  ]
}
