locals {
  # arn:aws:logs:<region>:<account>:log-group:<name>
  account_id = split(":", aws_cloudwatch_log_group.this.arn)[4]

  # <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>; null for an image from elsewhere
  _ecr_image     = try(regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/([^:@]+)", var.image), null)
  repository_arn = local._ecr_image == null ? null : "arn:aws:ecr:${local._ecr_image[1]}:${local._ecr_image[0]}:repository/${local._ecr_image[2]}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })

  write_logs_statement = {
    Sid      = "WriteLogs"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  pull_image_statements = [for statement in [
    {
      Sid      = "LogInToRegistry"
      Effect   = "Allow"
      Action   = "ecr:GetAuthorizationToken"
      Resource = "*" # this action knows no resource
    },
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = local.repository_arn
    },
  ] : statement if local.repository_arn != null]

  write_logs_policy = jsonencode({ Version = "2012-10-17", Statement = [local.write_logs_statement] })
}

# --- what ECS may do to start the task ---

resource "aws_iam_role" "execution" {
  name               = "${local.name}-execution"
  assume_role_policy = local.assume_role_policy
}

resource "aws_iam_role_policy" "execution" {
  name = "start-task"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.write_logs_statement], local.pull_image_statements)
  })
}

# --- what the worker itself may do ---

resource "aws_iam_role" "task" {
  name               = "${local.name}-task"
  assume_role_policy = local.assume_role_policy
}

resource "aws_iam_role_policy" "task" {
  for_each = merge({ logs = local.write_logs_policy }, var.task_policies)

  name   = each.key
  role   = aws_iam_role.task.id
  policy = each.value
}
