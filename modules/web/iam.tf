locals {
  # <account>.dkr.ecr.<region>.amazonaws.com/<repository>@<digest>; null for other registries
  _ecr_image     = try(regex("^(([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.com)/([^:@]+)", var.application.image), null)
  ecr_registry   = local._ecr_image == null ? null : local._ecr_image[0]
  ecr_region     = local._ecr_image == null ? null : local._ecr_image[2]
  repository_arn = local._ecr_image == null ? null : "arn:${local.partition}:ecr:${local._ecr_image[2]}:${local._ecr_image[1]}:repository/${local._ecr_image[3]}"

  # Minimal permissions of Session Manager's agent. The managed policy AmazonSSMManagedInstanceCore
  # would also allow reading every parameter of the account, including the broker's passwords.
  session_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "OpenSession"
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      Resource = "*" # channels have no resource level, and the agent reports before its instance has a name
    }]
  })

  logs_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this.arn}:*"
    }]
  })

  pull_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
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
        Resource = local.repository_arn
      },
    ]
  })

  own_policies = merge(
    { logs = local.logs_policy, session = local.session_policy },
    local.ecr_registry == null ? {} : { pull = local.pull_policy },
  )
}

# --- role of the instances and of the application on them; that of a task is in service-iam.tf ---

resource "aws_iam_role" "instance" {
  count = local.runs_on_instances ? 1 : 0

  name = "${local.name}-instance"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "instance" {
  for_each = local.runs_on_instances ? merge(local.own_policies, var.policies) : {}

  name   = each.key
  role   = aws_iam_role.instance[0].id
  policy = each.value
}

resource "aws_iam_instance_profile" "this" {
  count = local.runs_on_instances ? 1 : 0

  name = "${local.name}-instance"
  role = aws_iam_role.instance[0].name

  # An instance without permissions fails to pull its image.
  depends_on = [aws_iam_role_policy.instance]
}
