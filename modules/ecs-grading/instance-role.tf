# Only with ec2_capacity: role of the instances. Images, logs and grading use the roles of the task.

locals {
  cluster_arn_form = "arn:${local.partition}:ecs:${var.region}:${local.account_id}"

  instance_statements = [
    {
      Sid      = "FindTheClusterAgent"
      Effect   = "Allow"
      Action   = "ecs:DiscoverPollEndpoint"
      Resource = "*" # this action has no resource level
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
      Resource = "${local.cluster_arn_form}:container-instance/${local.name}-cluster/*" # instances of this cluster; their IDs are unknown in advance
    },
  ]

  session_statements = [
    {
      Sid      = "OpenSessions"
      Effect   = "Allow"
      Action   = concat(["ssm:UpdateInstanceInformation"], local.session_channel_actions)
      Resource = "*" # these actions have no resource level
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

  # An instance without permissions cannot join the cluster, and its agent does not retry.
  depends_on = [aws_iam_role_policy.instance]
}
