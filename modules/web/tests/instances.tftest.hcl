# Options of the instances, and scaling.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = { public = ["subnet-1", "subnet-2"], private = ["subnet-3", "subnet-4"] }
  security_group_ids = { load_balancer = "sg-1", web = "sg-2" }
  certificate_arn    = "arn:aws:acm:ap-northeast-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  application        = { image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-web:1.4.2" }
}

run "all_options_of_the_instances" {
  command = plan

  variables {
    instances = {
      desired     = 3
      image_id    = "ami-0123456789abcdef0"
      kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"
      max         = 9
      min         = 1
      type        = "m7i.large"
      volume_gb   = 100
    }
    ssh = { key_name = "operators" }
  }

  assert {
    condition = (
      aws_launch_template.this[0].image_id == "ami-0123456789abcdef0" && aws_launch_template.this[0].instance_type == "m7i.large"
    )
    error_message = "The given image and size are used."
  }

  assert {
    condition = (
      aws_launch_template.this[0].block_device_mappings[0].ebs[0].volume_size == 100 &&
      aws_launch_template.this[0].block_device_mappings[0].ebs[0].kms_key_id == var.instances.kms_key_arn
    )
    error_message = "The volume has the given size and key."
  }

  assert {
    condition     = aws_autoscaling_group.this[0].min_size == 1 && aws_autoscaling_group.this[0].desired_capacity == 3 && aws_autoscaling_group.this[0].max_size == 9
    error_message = "The group has the given bounds."
  }

  assert {
    condition     = aws_launch_template.this[0].key_name == "operators"
    error_message = "The instances have the key pair."
  }
}

run "the_ami_matches_the_architecture" {
  command = plan

  variables {
    instances = { type = "t4g.small" }
  }

  assert {
    condition     = aws_launch_template.this[0].image_id == "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
    error_message = "Graviton uses the ARM64 AMI."
  }
}

run "a_g_before_the_generation_is_not_graviton" {
  command = plan

  variables {
    instances = { type = "g4dn.xlarge" }
  }

  assert {
    condition     = aws_launch_template.this[0].image_id == "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    error_message = "A GPU instance is x86."
  }
}

run "without_scaling_the_number_is_fixed" {
  command = plan

  variables {
    scaling   = {}
    instances = { image_id = "resolve:ssm:/golden/web:3", min = 1, desired = 3, max = 9 }
  }

  assert {
    condition = (
      aws_autoscaling_group.this[0].min_size == 3 && aws_autoscaling_group.this[0].max_size == 3 &&
      length(aws_autoscaling_policy.cpu) + length(aws_autoscaling_policy.requests) == 0
    )
    error_message = "Both bounds are the desired number, and there is no policy."
  }

  assert {
    condition     = aws_launch_template.this[0].image_id == "resolve:ssm:/golden/web:3"
    error_message = "A version of a parameter is as good as an id."
  }
}

run "scales_by_requests" {
  variables {
    scaling = { cpu_percent = 50, requests_per_target = 600 }
  }

  assert {
    condition = (
      aws_autoscaling_policy.requests["requests"].target_tracking_configuration[0].target_value == 600 &&
      aws_autoscaling_policy.requests["requests"].target_tracking_configuration[0].predefined_metric_specification[0].resource_label ==
      "app/test-grading-web/0123456789abcdef/targetgroup/test-web-8080/0123456789abcdef"
    )
    error_message = "The target is 600 requests per minute and instance."
  }

  assert {
    condition     = aws_autoscaling_policy.cpu["cpu"].target_tracking_configuration[0].target_value == 50
    error_message = "CPU has a target too."
  }
}

run "a_type_of_an_old_generation_starts_too" {
  command = plan

  variables {
    instances = { type = "t2.small" }
  }

  assert {
    condition     = aws_launch_template.this[0].instance_type == "t2.small" && aws_launch_template.this[0].ebs_optimized == null
    error_message = "EC2 rejects ebs_optimized for t2; newer types are always optimized."
  }
}
