# Only with ec2_capacity: instances that the service runs on instead of Fargate.

locals {
  ec2 = local.on_fargate ? {} : { this = var.ec2_capacity }
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

resource "aws_iam_role_policy_attachment" "instance" {
  for_each = local.ec2

  role       = aws_iam_role.instance[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "this" {
  for_each = local.ec2

  name = "${local.name}-instance"
  role = aws_iam_role.instance[each.key].name
}

resource "aws_launch_template" "this" {
  for_each = local.ec2

  name_prefix            = "${local.name}-"
  image_id               = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
  instance_type          = each.value.instance_type
  update_default_version = true
  vpc_security_group_ids = var.security_group_ids
  user_data              = base64encode("#!/bin/sh\necho ECS_CLUSTER=${aws_ecs_cluster.this.name} >> /etc/ecs/ecs.config\n")

  iam_instance_profile {
    arn = aws_iam_instance_profile.this[each.key].arn
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # a container cannot reach the instance's credentials
  }
}

resource "aws_autoscaling_group" "this" {
  for_each = local.ec2

  name_prefix         = "${local.name}-"
  min_size            = each.value.min_instances
  max_size            = each.value.max_instances
  vpc_zone_identifier = var.subnet_ids

  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }

  # ECS sets this tag itself; written here so that it is no difference.
  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }

  lifecycle {
    ignore_changes = [desired_capacity] # the capacity provider decides
  }
}

resource "aws_ecs_capacity_provider" "this" {
  for_each = local.ec2

  name = local.name

  auto_scaling_group_provider {
    auto_scaling_group_arn = aws_autoscaling_group.this[each.key].arn

    managed_scaling {
      status          = "ENABLED"
      target_capacity = 100
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  for_each = local.ec2

  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = [aws_ecs_capacity_provider.this[each.key].name]
}
