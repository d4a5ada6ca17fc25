resource "aws_ecs_task_definition" "this" {
  family                   = "${local.name}-task"
  cpu                      = var.task.cpu
  memory                   = var.task.memory
  network_mode             = "awsvpc"
  requires_compatibilities = [local.on_fargate ? "FARGATE" : "EC2"]
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode(concat([local.container], local.sidecars))
  skip_destroy             = true # the circuit breaker rolls back to the previous revision, which must stay registered

  runtime_platform {
    cpu_architecture        = var.task.architecture
    operating_system_family = "LINUX"
  }

  dynamic "ephemeral_storage" {
    for_each = var.task.ephemeral_storage_gib[*]

    content {
      size_in_gib = ephemeral_storage.value
    }
  }

  # Ephemeral volumes of the task. VOLUME in the image sets owner and mode of the path.
  dynamic "volume" {
    for_each = toset(concat(keys(local.writable_paths), flatten([
      for each in values(var.task.sidecars) : keys(each.writable_paths)
    ])))

    content {
      name = volume.value
    }
  }
}

locals {
  health_port = 8080

  # Docker's default capabilities, except those that the launcher needs (docs/sandbox.md): CHOWN, DAC_OVERRIDE,
  # FOWNER, FSETID, KILL, SETGID, SETUID. The launcher is setuid root, so no-new-privileges must not be set.
  dropped_capabilities = ["AUDIT_WRITE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"]

  # A worker stops its drain before it is killed, so that it can give back the jobs that are not done.
  environment = merge(
    { DRAIN_SECONDS = tostring(max(var.task.stop_timeout_seconds - 20, floor(var.task.stop_timeout_seconds / 2))) },
    var.service.allow_task_protection ? {} : { TASK_PROTECTION = "false" },
    var.environment,
  )

  writable_paths = merge(var.task.writable_paths, var.service.execute_command == null || !var.task.read_only_root ? {} : {
    # paths that the agent of ECS Exec writes
    exec-agent = "/managed-agents"
    exec-log   = "/var/log/amazon/ssm"
    exec-state = "/var/lib/amazon/ssm"
  })

  # By container: what ECS reads to start it. The task definition contains the ARNs only.
  repository_credentials = merge(
    { for name, each in var.task.sidecars : name => each.repository_credentials_arn },
    { (local.container_name) = var.task.repository_credentials_arn },
  )
  secret_arns = merge(
    { for name, each in var.task.sidecars : name => each.secret_arns },
    { (local.container_name) = var.task.secret_arns },
  )
  credentials = {
    for container, arns in local.secret_arns : container => merge(
      local.repository_credentials[container] == null ? {} : { repositoryCredentials = { credentialsParameter = local.repository_credentials[container] } },
      length(arns) == 0 ? {} : { secrets = [for name, arn in arns : { name = name, valueFrom = arn }] },
    )
  }

  # Defaults that ECS would add are written out, and maps are iterated in the order of their keys, so that the
  # plan stays empty after an apply.
  container = merge(
    {
      name      = local.container_name
      image     = var.image
      essential = true
      command   = ["grader", "worker"]

      environment            = [for key, value in local.environment : { name = key, value = value }]
      mountPoints            = [for volume, path in local.writable_paths : { sourceVolume = volume, containerPath = path, readOnly = false }]
      readonlyRootFilesystem = var.task.read_only_root

      healthCheck = {
        command     = ["CMD", "grader", "health"] # requests http://127.0.0.1:8080/health
        interval    = 30
        timeout     = 5
        startPeriod = 60
        retries     = 3
      }

      linuxParameters = {
        capabilities       = { drop = local.dropped_capabilities }
        initProcessEnabled = true
      }

      portMappings     = [{ containerPort = local.health_port, hostPort = local.health_port, protocol = "tcp" }]
      stopTimeout      = var.task.stop_timeout_seconds
      logConfiguration = merge(local.log_configuration, { options = merge(local.log_configuration.options, { awslogs-stream-prefix = local.container_name }) })
    },
    length(local.started_first) == 0 ? {} : { dependsOn = local.started_first },
    local.credentials[local.container_name],
  )

  started_first = [
    for name, each in var.task.sidecars : { containerName = name, condition = "START" } if each.start_before_worker
  ]

  sidecars = [
    for name, each in var.task.sidecars : merge(local.credentials[name], {
      for key, value in {
        name      = name
        image     = each.image
        essential = each.essential
        command   = each.command
        cpu       = each.cpu
        memory    = each.memory
        user      = each.user

        environment            = [for key, value in each.environment : { name = key, value = value }]
        linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = true }
        logConfiguration       = merge(local.log_configuration, { options = merge(local.log_configuration.options, { awslogs-stream-prefix = name }) })
        mountPoints            = [for volume, path in each.writable_paths : { sourceVolume = volume, containerPath = path, readOnly = false }]
        readonlyRootFilesystem = true
      } : key => value if value != null
    })
  ]

  log_configuration = {
    logDriver = "awslogs"
    options = merge(
      {
        awslogs-group  = aws_cloudwatch_log_group.this.name
        awslogs-region = var.region
        mode           = var.service.log.mode
      },
      var.service.log.mode == "blocking" ? {} : { max-buffer-size = "${var.service.log.max_buffer_mb}m" },
    )
  }
}
