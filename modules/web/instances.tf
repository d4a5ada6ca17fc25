locals {
  # Graviton types have a g after the generation: t4g, m7g, c7gn, im4gn
  architecture = can(regex("^(a1|[a-z]+[0-9]+g[a-z]*)\\.", var.instances.type)) ? "arm64/" : ""
  image_id     = coalesce(var.instances.image_id, "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/${local.architecture}recommended/image_id")

  scales     = var.scaling.cpu_percent != null || var.scaling.requests_per_target != null
  min_size   = local.scales ? var.instances.min : var.instances.desired
  max_size   = local.scales ? var.instances.max : var.instances.desired
  cpu_target = var.scaling.cpu_percent == null ? {} : { cpu = var.scaling.cpu_percent }
  requests   = var.scaling.requests_per_target == null ? {} : { requests = var.scaling.requests_per_target }
}

resource "aws_launch_template" "this" {
  count = local.runs_on_instances ? 1 : 0

  name                   = local.name
  image_id               = local.image_id
  instance_type          = var.instances.type
  key_name               = var.ssh == null ? null : var.ssh.key_name
  update_default_version = true
  user_data              = base64encode(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.this[0].arn
  }

  network_interfaces {
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [var.security_group_ids.web]
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.instances.volume_gb
      encrypted             = true
      kms_key_id            = var.instances.kms_key_arn
      delete_on_termination = true
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1 # the container shares the instance's network, so one hop is enough
  }

  monitoring {
    enabled = true # metrics per minute, so that scaling reacts to short peaks
  }

  lifecycle {
    precondition {
      condition     = length(local.user_data) <= 16384
      error_message = "environment and application.command result in ${length(local.user_data)} bytes of user data; EC2 allows at most 16384. Store long values in SSM parameters and pass their names."
    }
  }
}

resource "aws_autoscaling_group" "this" {
  count = local.runs_on_instances ? 1 : 0

  name                      = local.name
  min_size                  = local.min_size
  max_size                  = local.max_size
  desired_capacity          = var.instances.desired
  vpc_zone_identifier       = var.subnet_ids.private
  target_group_arns         = [aws_lb_target_group.this.arn]
  health_check_type         = "ELB"
  health_check_grace_period = 300
  default_instance_warmup   = 120

  launch_template {
    id      = aws_launch_template.this[0].id
    version = aws_launch_template.this[0].latest_version
  }

  # A new version of the launch template replaces the instances one by one.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 90
    }
  }

  # Default tags of the provider do not reach instances; copied for cost allocation.
  dynamic "tag" {
    for_each = merge(aws_launch_template.this[0].tags_all, { Name = local.name })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    ignore_changes = [desired_capacity] # managed by scaling; without scaling, min and max fix it
  }
}

resource "aws_autoscaling_policy" "cpu" {
  for_each = local.runs_on_instances ? local.cpu_target : {}

  name                   = "${local.name}-cpu"
  autoscaling_group_name = aws_autoscaling_group.this[0].name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = each.value

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_autoscaling_policy" "requests" {
  for_each = local.runs_on_instances ? local.requests : {}

  name                   = "${local.name}-requests"
  autoscaling_group_name = aws_autoscaling_group.this[0].name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = each.value

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${aws_lb.this.arn_suffix}/${aws_lb_target_group.this.arn_suffix}"
    }
  }

  # The resource label is valid only after a listener connects the two.
  depends_on = [aws_lb_listener.https]
}
