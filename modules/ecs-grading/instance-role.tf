# Only with ec2_capacity: what an instance may do. The task's own roles pull its image, write its log and do its work.

locals {
  cluster_arn_form = "arn:aws:ecs:${var.region}:${local.account_id}"

  instance_statements = [
    {
      Sid      = "FindTheClusterAgent"
      Effect   = "Allow"
      Action   = "ecs:DiscoverPollEndpoint"
      Resource = "*" # this action knows no resource
    },
    {
      Sid      = "JoinTheCluster"
      Effect   = "Allow"
      Action   = ["ecs:DeregisterContainerInstance", "ecs:RegisterContainerInstance", "ecs:SubmitAttachmentStateChanges", "ecs:SubmitContainerStateChange", "ecs:SubmitTaskStateChange"]
      Resource = "${local.cluster_arn_form}:cluster/${local.name}-cluster"
    },
    {
      Sid      = "TakeTasks"
      Effect   = "Allow"
      Action   = ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"]
      Resource = "${local.cluster_arn_form}:container-instance/${local.name}-cluster/*" # instances of this cluster, whose ids come later
    },
  ]

  session_statements = [
    {
      Sid      = "OpenSessions"
      Effect   = "Allow"
      Action   = concat(["ssm:UpdateInstanceInformation"], local.session_channel_actions)
      Resource = "*" # these actions know no resource
    },
  ]
}

resource "aws_iam_role" "instance" {
  for_each = local.ec2

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
  for_each = local.ec2

  name = "run-tasks"
  role = aws_iam_role.instance[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.instance_statements, each.value.enable_session ? local.session_statements : [])
  })
}

resource "aws_iam_instance_profile" "this" {
  for_each = local.ec2

  name = "${local.name}-instance"
  role = aws_iam_role.instance[each.key].name

  # An instance that starts before its permissions cannot join the cluster, and its agent does not try again.
  depends_on = [aws_iam_role_policy.instance]
}
