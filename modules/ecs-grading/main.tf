locals {
  name           = "${var.environment_name}-grading"
  container_name = "grading-worker"
  on_fargate     = var.ec2_capacity == null
}

resource "aws_ecs_cluster" "this" {
  # checkov:skip=CKV_AWS_65: on whenever autoscaling needs its numbers; it is billed by metric
  name = "${local.name}-cluster"

  # Scaling on the queue divides by the number of running tasks, which only Container Insights counts.
  setting {
    name  = "containerInsights"
    value = var.enable_autoscaling ? "enabled" : "disabled"
  }
}

resource "aws_ecs_service" "this" {
  name            = "${local.name}-service"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.capacity.desired
  launch_type     = local.on_fargate ? "FARGATE" : null

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = false
  }

  dynamic "capacity_provider_strategy" {
    for_each = aws_ecs_capacity_provider.this

    content {
      capacity_provider = capacity_provider_strategy.value.name
      weight            = 1
    }
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this

    content {
      registry_arn = service_registries.value.arn
    }
  }

  lifecycle {
    ignore_changes = [
      desired_count,                 # it belongs to Application Auto Scaling from the first minute on
      availability_zone_rebalancing, # off unless asked for; not every API answers with it
    ]
  }

  # A task that starts before its permissions fails its first read.
  depends_on = [
    aws_ecs_cluster_capacity_providers.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
  ]
}
