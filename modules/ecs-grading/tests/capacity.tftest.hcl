mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  environment        = { ENVIRONMENT = "test" }
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  queue              = { broker_node_names = ["test-grading-mq-1"] }
}

run "plain_fargate_is_a_launch_type" {
  command = plan

  assert {
    condition = (
      aws_ecs_service.this[0].launch_type == "FARGATE" && length(aws_ecs_service.this[0].capacity_provider_strategy) == 0 &&
      length(aws_ecs_cluster_capacity_providers.this) == 0 && output.capacity_providers == tolist(["FARGATE"])
    )
    error_message = "The service has a launch type and no capacity provider strategy."
  }
}

run "spot_is_mixed_in_by_base_and_weights" {
  command = plan

  variables {
    capacity = { spot = { fargate_base = 2, fargate_weight = 0, spot_weight = 4 } }
  }

  assert {
    condition = toset([
      for each in aws_ecs_service.this[0].capacity_provider_strategy : "${each.capacity_provider} ${each.base} ${each.weight}"
    ]) == toset(["FARGATE 2 0", "FARGATE_SPOT 0 4"])
    error_message = "Two tasks run on Fargate, all others on Spot."
  }

  assert {
    condition     = aws_ecs_service.this[0].force_new_deployment
    error_message = "The provider requires a new deployment for other weights."
  }

  assert {
    condition = (
      aws_ecs_cluster_capacity_providers.this["this"].capacity_providers == toset(["FARGATE", "FARGATE_SPOT"]) &&
      output.capacity_providers == tolist(["FARGATE", "FARGATE_SPOT"])
    )
    error_message = "The cluster has both capacity providers."
  }
}

run "runs_on_instances_instead_of_fargate" {
  command = plan

  variables {
    capacity     = { min = 2, desired = 3, max = 6 }
    ec2_capacity = { instance_type = "m6i.xlarge", min_instances = 1, max_instances = 3, target_capacity_percent = 80 }
    task         = { cpu = 700, memory = 900 }
  }

  assert {
    condition = (
      one(aws_ecs_service.this[0].capacity_provider_strategy).capacity_provider == "test-grading" &&
      aws_ecs_task_definition.this.requires_compatibilities == toset(["EC2"]) && output.capacity_providers == tolist(["test-grading"]) &&
      output.scaling_bounds == { min = 2, max = 6 }
    )
    error_message = "The service uses the capacity provider, with the bounds of the tasks."
  }

  assert {
    condition = (
      aws_autoscaling_group.this["this"].min_size == 1 && aws_autoscaling_group.this["this"].max_size == 3
    )
    error_message = "The instances have bounds."
  }

  assert {
    condition = (
      one(aws_ecs_capacity_provider.this["this"].auto_scaling_group_provider).managed_draining == "ENABLED" &&
      one(one(aws_ecs_capacity_provider.this["this"].auto_scaling_group_provider).managed_scaling).target_capacity == 80
    )
    error_message = "ECS starts and drains the instances."
  }

  assert {
    condition = (
      aws_launch_template.this["this"].metadata_options[0].http_tokens == "required" &&
      aws_launch_template.this["this"].metadata_options[0].http_put_response_hop_limit == 1 &&
      tobool(aws_launch_template.this["this"].block_device_mappings[0].ebs[0].encrypted)
    )
    error_message = "IMDSv2 is required and not reachable from containers, and disks are encrypted."
  }

  assert {
    condition = alltrue([
      for line in ["ECS_CLUSTER=test-grading-cluster", "ECS_AWSVPC_BLOCK_IMDS=true", "ECS_CONTAINER_STOP_TIMEOUT=120s"] :
      strcontains(base64decode(aws_launch_template.this["this"].user_data), "\n${line}\n")
    ])
    error_message = "The agent joins the cluster and keeps the instance's credentials from tasks."
  }
}

run "instances_and_disks_carry_the_default_tags" {
  command = plan

  variables {
    ec2_capacity = {}
  }

  override_resource {
    target          = aws_ecs_cluster.this
    override_during = plan
    values          = { arn = "arn:aws:ecs:ap-northeast-2:123456789012:cluster/test", tags_all = { Team = "judges" } }
  }

  assert {
    condition = {
      for each in aws_launch_template.this["this"].tag_specifications : each.resource_type => each.tags
      } == {
      instance = tomap({ Name = "test-grading", Team = "judges" }), volume = tomap({ Name = "test-grading", Team = "judges" })
    }
    error_message = "Without the tags of their own, instances and disks are missing from cost allocation."
  }
}

run "instances_are_replaced_by_patched_ones_when_their_jobs_are_done" {
  command = plan

  variables {
    ec2_capacity = { max_lifetime_days = 7 }
  }

  assert {
    condition = (
      aws_autoscaling_group.this["this"].max_instance_lifetime == 604800 &&
      !aws_autoscaling_group.this["this"].protect_from_scale_in &&
      one(aws_ecs_capacity_provider.this["this"].auto_scaling_group_provider).managed_termination_protection == "DISABLED" &&
      one(one(aws_autoscaling_group.this["this"].instance_refresh).preferences).scale_in_protected_instances == "Refresh" &&
      one(aws_ecs_capacity_provider.this["this"].auto_scaling_group_provider).managed_draining == "ENABLED"
    )
    error_message = "A protected instance would not be replaced; ECS drains each first."
  }
}

run "an_instance_may_only_run_tasks_of_its_cluster" {
  command = plan

  variables {
    ec2_capacity = { enable_session = false }
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.instance["this"].policy).Statement :
      strcontains(statement.Resource, "/test-grading-cluster") || statement.Action == "ecs:DiscoverPollEndpoint"
    ])
    error_message = "All permissions except DiscoverPollEndpoint are limited to this cluster."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.instance["this"].policy, "ssm")
    error_message = "Shells are disabled by default."
  }
}

run "instances_with_all_options" {
  command = plan

  variables {
    task = { architecture = "ARM64" }
    ec2_capacity = {
      instance_type      = "m7g.large"
      enable_session     = true
      image_id           = "ami-0123456789abcdef0"
      volume_gib         = 80
      volume_kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    }
  }

  assert {
    condition     = contains(flatten(jsondecode(aws_iam_role_policy.instance["this"].policy).Statement[*].Action), "ssmmessages:OpenDataChannel")
    error_message = "Session Manager reaches the instance."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.instance["this"].policy, "ssm:GetParameter")
    error_message = "An instance cannot read the environment's passwords, unlike with the managed policy."
  }

  assert {
    condition = (
      aws_launch_template.this["this"].image_id == "ami-0123456789abcdef0" &&
      aws_launch_template.this["this"].block_device_mappings[0].ebs[0].volume_size == 80 &&
      aws_launch_template.this["this"].block_device_mappings[0].ebs[0].kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    )
    error_message = "The given image, disk size and key are used."
  }
}

run "the_image_of_an_instance_has_the_architecture_of_the_task" {
  command = plan

  variables {
    task         = { architecture = "ARM64" }
    ec2_capacity = { instance_type = "c7gn.xlarge" }
  }

  assert {
    condition = (
      aws_launch_template.this["this"].image_id == "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id" &&
      one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64"
    )
    error_message = "Graviton uses the ARM64 AMI."
  }
}

run "without_autoscaling_the_desired_count_is_held" {
  command = plan

  variables {
    enable_autoscaling = false
    capacity           = { desired = 4, min = 0 }
  }

  assert {
    condition = (
      output.scaling_bounds == { min = 4, max = 4 } && length(aws_appautoscaling_policy.resource) == 0 &&
      length(aws_appautoscaling_policy.queue_depth) == 0 && length(aws_appautoscaling_policy.rest) == 0
    )
    error_message = "Both bounds are the desired count, and there is no policy."
  }

  assert {
    condition     = one([for each in aws_ecs_cluster.this.setting : each.value if each.name == "containerInsights"]) == "disabled"
    error_message = "Without autoscaling, Container Insights is off."
  }
}
