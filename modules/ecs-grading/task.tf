resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: encrypted with the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: how long is for the environment to choose
  name              = "/ecs/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${local.name}-task"
  cpu                      = var.task.cpu
  memory                   = var.task.memory
  network_mode             = "awsvpc"
  requires_compatibilities = [local.on_fargate ? "FARGATE" : "EC2"]
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.container])
}

locals {
  # Everything ECS would add by itself is written out or left away, so that the plan settles.
  container = {
    name      = local.container_name
    image     = var.image
    essential = true
    command   = ["grader", "worker"]

    # a map is walked in the order of its keys, so this list is sorted
    environment = [for key, value in var.environment : { name = key, value = value }]

    healthCheck = {
      command     = ["CMD", "grader", "health"] # asks http://127.0.0.1:8080/health
      interval    = 30
      timeout     = 5
      startPeriod = 60
      retries     = 3
    }

    linuxParameters = { initProcessEnabled = true }
    stopTimeout     = 120 # the longest that Fargate grants to finish a job

    portMappings = [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = local.container_name
      }
    }
  }
}
