# Only with application.service: the role with which ECS starts a task, and that of the application in it.

locals {
  _assume_task_role = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })

  _read_credentials_policies = { for key, service in local.services : key => jsonencode({
    Version = "2012-10-17"
    Statement = [for statement in [
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [service.repository_credentials_arn]
      },
      {
        Sid       = "DecryptSecrets"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = service.secret_kms_key_arns
        Condition = { StringLike = { "kms:ViaService" = "secretsmanager.*.amazonaws.com" } } # not for other data of the key
      },
    ] : statement if length(statement.Resource) > 0]
  }) if service.repository_credentials_arn != null }

  execution_policies = local.runs_on_instances ? {} : merge(
    { logs = local.logs_policy },
    local.ecr_registry == null ? {} : { pull = local.pull_policy },
    { for policy in values(local._read_credentials_policies) : "credentials" => policy },
  )
}

resource "aws_iam_role" "execution" {
  for_each = local.services

  name               = "${local.service_name}-execution"
  assume_role_policy = local._assume_task_role
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.execution_policies

  name   = each.key
  role   = aws_iam_role.execution["this"].id
  policy = each.value
}

resource "aws_iam_role" "task" {
  for_each = local.services

  name               = "${local.service_name}-task"
  assume_role_policy = local._assume_task_role
}

resource "aws_iam_role_policy" "task" {
  for_each = local.runs_on_instances ? {} : var.policies

  name   = each.key
  role   = aws_iam_role.task["this"].id
  policy = each.value
}
