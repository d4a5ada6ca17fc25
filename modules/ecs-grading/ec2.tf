# Only with ec2_capacity: EC2 instances instead of Fargate.

locals {
  ec2 = local.on_fargate ? {} : { this = var.ec2_capacity }

  image_parameters = {
    ARM64  = "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
    X86_64 = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
  }

  user_data = <<-EOT
    #!/bin/sh
    cat >> /etc/ecs/ecs.config <<'CONFIG'
    ECS_CLUSTER=${aws_ecs_cluster.this.name}
    ECS_AWSVPC_BLOCK_IMDS=true
    ECS_CONTAINER_STOP_TIMEOUT=${var.task.stop_timeout_seconds}s
    ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true
    ECS_ENABLE_TASK_IAM_ROLE=true
    CONFIG
  EOT
}

resource "aws_launch_template" "this" {
  for_each = local.ec2

  name_prefix            = "${local.name}-"
  image_id               = coalesce(each.value.image_id, "resolve:ssm:${local.image_parameters[var.task.architecture]}")
  instance_type          = each.value.instance_type
  update_default_version = true
  vpc_security_group_ids = var.security_group_ids
  user_data              = base64encode(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.this[each.key].arn
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      delete_on_termination = true
      encrypted             = true
      kms_key_id            = each.value.volume_kms_key_arn
      volume_size           = each.value.volume_gib
      volume_type           = "gp3"
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1 # containers cannot reach the instance's credentials
    http_tokens                 = "required"
  }

  # Default tags of the provider do not reach instances and disks; copied for cost allocation.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(aws_ecs_cluster.this.tags_all, { Name = local.name })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  for_each = local.ec2

  name_prefix           = "${local.name}-"
  min_size              = each.value.min_instances
  max_size              = each.value.max_instances
  vpc_zone_identifier   = var.subnet_ids
  max_instance_lifetime = each.value.max_lifetime_days * 24 * 60 * 60

  # A protected instance would outlive its lifetime. ECS drains each before it ends, and waits for protected tasks.
  protect_from_scale_in = false

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage       = 90
      scale_in_protected_instances = "Refresh" # those that an earlier version has protected
    }
  }

  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }

  # ECS adds this tag itself; declared here to avoid drift.
  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }

  tag {
    key                 = "Name"
    value               = local.name
    propagate_at_launch = true
  }

  lifecycle {
    ignore_changes = [desired_capacity] # managed by the capacity provider
  }
}

resource "aws_ecs_capacity_provider" "this" {
  for_each = local.ec2

  name = local.name

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.this[each.key].arn
    managed_draining               = "ENABLED"
    managed_termination_protection = "DISABLED" # as above

    managed_scaling {
      status          = "ENABLED"
      target_capacity = each.value.target_capacity_percent
    }
  }
}
