# Terraform can ignore changes of an argument always or never, so the switch chooses between two services that are the
# same but for that: `this` follows the task definition of Terraform, `pipeline` keeps what was deployed elsewhere.

locals {
  service = concat(aws_ecs_service.this, aws_ecs_service.pipeline)[0]
}

resource "aws_ecs_service" "this" {
  count = var.service.ignore_task_definition_changes ? 0 : 1

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
    ignore_changes = [desired_count] # Application Auto Scaling changes it
  }

  # A task that starts before its permissions fails at its first read.
  depends_on = [
    aws_ecs_cluster_capacity_providers.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
  ]
}

resource "aws_ecs_service" "pipeline" {
  count = var.service.ignore_task_definition_changes ? 1 : 0

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
    ignore_changes = [desired_count, task_definition] # a pipeline changes it too
  }

  # A task that starts before its permissions fails at its first read.
  depends_on = [
    aws_ecs_cluster_capacity_providers.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
  ]
}
