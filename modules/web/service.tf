# Only with application.service: tasks on Fargate, in the cluster given.

locals {
  container_name = try(var.application.service.name, "grading-api")
  service_name   = "${var.environment_name}-${local.container_name}"
  _log_options = {
    awslogs-group         = local.log_group_name
    awslogs-region        = var.region
    awslogs-stream-prefix = local.container_name
    max-buffer-size       = "25m"
    mode                  = "non-blocking" # a slow log must not delay requests
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.services

  family                   = "${local.service_name}-task"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn
  skip_destroy             = true # the circuit breaker rolls back to the previous revision, which must stay registered

  # Defaults that ECS would add are written out, so that the plan stays empty after an apply.
  container_definitions = jsonencode([merge({
    name      = local.container_name
    image     = var.application.image
    essential = true

    environment            = [for name, value in var.environment : { name = name, value = value }]
    linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = true }
    logConfiguration       = { logDriver = "awslogs", options = local._log_options }
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    portMappings           = [{ containerPort = var.application.port, hostPort = var.application.port, protocol = "tcp" }]
    readonlyRootFilesystem = var.application.read_only
    stopTimeout            = each.value.stop_timeout_seconds
    },
    length(var.application.command) == 0 ? {} : { command = var.application.command },
    each.value.repository_credentials_arn == null ? {} : { repositoryCredentials = { credentialsParameter = each.value.repository_credentials_arn } },
  )])

  runtime_platform {
    cpu_architecture        = each.value.architecture
    operating_system_family = "LINUX"
  }

  volume {
    name = "tmp"
  }
}

resource "aws_ecs_service" "this" {
  for_each = local.services

  name                              = local.service_name
  cluster                           = each.value.cluster_name
  task_definition                   = aws_ecs_task_definition.this[each.key].arn
  desired_count                     = each.value.desired
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = 60
  availability_zone_rebalancing     = "ENABLED"
  enable_ecs_managed_tags           = true
  propagate_tags                    = "SERVICE"

  deployment_maximum_percent         = 200
  deployment_minimum_healthy_percent = 100

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = local.container_name
    container_port   = var.application.port
  }

  network_configuration {
    subnets          = var.subnet_ids.private
    security_groups  = [var.security_group_ids.web]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count] # Application Auto Scaling changes it
  }

  # ECS accepts a target group only once a listener uses it; a task without permissions fails at its first read.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task, aws_lb_listener.https]
}

# --- scaling ---

# Always created: without scaling it holds the service at the desired number, so that the variable can change the
# number although the service ignores it.
resource "aws_appautoscaling_target" "this" {
  for_each = local.services

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${each.value.cluster_name}/${aws_ecs_service.this[each.key].name}"
  min_capacity       = local.scales ? each.value.min : each.value.desired
  max_capacity       = local.scales ? each.value.max : each.value.desired

  # Replacing the service deletes its target, and the plan would not show it.
  lifecycle {
    replace_triggered_by = [aws_ecs_service.this[each.key].id]
  }
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.runs_on_instances ? {} : {
    for name, target in { cpu = var.scaling.cpu_percent, requests = var.scaling.requests_per_target } : name => target if target != null
  }

  name               = "${local.service_name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this["this"].service_namespace
  scalable_dimension = aws_appautoscaling_target.this["this"].scalable_dimension
  resource_id        = aws_appautoscaling_target.this["this"].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = each.key == "cpu" ? "ECSServiceAverageCPUUtilization" : "ALBRequestCountPerTarget"
      resource_label         = each.key == "cpu" ? null : "${aws_lb.this.arn_suffix}/${aws_lb_target_group.this.arn_suffix}"
    }
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this["this"].id]
  }
}
