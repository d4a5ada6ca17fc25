locals {
  # arn:<partition>:logs:<region>:<account>:log-group:<name>
  account_id = split(":", aws_cloudwatch_log_group.this.arn)[4]
  partition  = split(":", aws_cloudwatch_log_group.this.arn)[1]

  # <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>; other registries are skipped
  images = distinct(concat([var.image], values(var.task.sidecars)[*].image))
  ecr_images = [
    for image in local.images : regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com/([^:@]+)", image)
    if can(regex(local.ecr_pattern, image))
  ]
  repository_arns = distinct([for image in local.ecr_images : "arn:${local.partition}:ecr:${image[1]}:${image[0]}:repository/${image[2]}"])

  # A secret may be followed by :<json key>:<stage>:<version>, which IAM does not see.
  _read_arns     = concat(compact(values(local.repository_credentials)), flatten([for arns in values(local.secret_arns) : values(arns)]))
  parameter_arns = distinct([for arn in local._read_arns : arn if can(regex(local.parameter_pattern, arn))])
  secret_ids     = distinct([for arn in local._read_arns : regex(local.secret_pattern, arn) if can(regex(local.secret_pattern, arn))])

  session_channel_actions = [
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
  ]

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
    Resource = "${aws_cloudwatch_log_group.this.arn}:*" # its log streams
  }

  pull_image_statements = [for statement in [
    {
      Sid      = "LogInToRegistry"
      Effect   = "Allow"
      Action   = "ecr:GetAuthorizationToken"
      Resource = "*" # this action has no resource level
    },
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = local.repository_arns
    },
  ] : statement if length(local.repository_arns) > 0]

  read_secret_statements = [for statement in [
    {
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = "ssm:GetParameters"
      Resource = local.parameter_arns
    },
    {
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = local.secret_ids
    },
    {
      Sid       = "DecryptSecrets"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.task.secret_kms_key_arns
      Condition = { StringLike = { "kms:ViaService" = ["secretsmanager.*.amazonaws.com", "ssm.*.amazonaws.com"] } } # not for other data of the keys
    },
  ] : statement if length(statement.Resource) > 0]

  protection_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ProtectTasksOfThisCluster"
      Effect   = "Allow"
      Action   = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
      Resource = "arn:${local.partition}:ecs:${var.region}:${local.account_id}:task/${local.name}-cluster/*" # tasks of this cluster; their IDs are unknown in advance
    }]
  })

  session_policies = [for group in values(aws_cloudwatch_log_group.sessions) : jsonencode({
    Version = "2012-10-17"
    Statement = [for statement in [
      {
        Sid      = "OpenChannels"
        Effect   = "Allow"
        Action   = local.session_channel_actions
        Resource = "*" # these actions have no resource level
      },
      {
        Sid      = "FindLogGroup"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "*" # the agent lists log groups to find its own
      },
      {
        Sid      = "WriteSessionLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "${group.arn}:*" # its log streams
      },
      {
        Sid      = "EncryptSession"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.service.execute_command.kms_key_arn
      },
    ] : statement if statement.Resource != null]
  })]
}

# --- execution role: what ECS needs to start the task ---

resource "aws_iam_role" "execution" {
  name               = "${local.name}-execution"
  assume_role_policy = local.assume_role_policy
}

resource "aws_iam_role_policy" "execution" {
  name = "start-task"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.write_logs_statement], local.pull_image_statements, local.read_secret_statements)
  })
}

# --- task role: what the worker needs; the log driver writes its log with the execution role ---

resource "aws_iam_role" "task" {
  name               = "${local.name}-task"
  assume_role_policy = local.assume_role_policy
}

resource "aws_iam_role_policy" "task" {
  for_each = merge(
    var.service.allow_task_protection ? { task-protection = local.protection_policy } : {},
    var.service.execute_command == null ? {} : { execute-command = one(local.session_policies) },
    var.task_policies,
  )

  name   = each.key
  role   = aws_iam_role.task.id
  policy = each.value
}
