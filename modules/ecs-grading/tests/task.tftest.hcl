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

run "has_the_given_size" {
  command = plan

  variables {
    task = { cpu = 2048, memory = 8192, architecture = "ARM64", ephemeral_storage_gib = 100 }
  }

  assert {
    condition = (
      aws_ecs_task_definition.this.cpu == "2048" && aws_ecs_task_definition.this.memory == "8192" &&
      one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64" &&
      one(aws_ecs_task_definition.this.ephemeral_storage).size_in_gib == 100
    )
    error_message = "The given size, architecture and disk are used."
  }
}

run "the_disk_is_encrypted_with_the_given_key" {
  command = plan

  variables {
    task = { ephemeral_storage_kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/0123" }
  }

  assert {
    condition = (
      one(one(aws_ecs_cluster.this.configuration).managed_storage_configuration).fargate_ephemeral_storage_kms_key_id ==
      "arn:aws:kms:ap-northeast-2:123456789012:key/0123"
    )
    error_message = "Fargate takes the key from the cluster."
  }
}

run "without_a_key_the_disk_has_one_of_aws" {
  command = plan

  assert {
    condition     = length(one(aws_ecs_cluster.this.configuration).managed_storage_configuration) == 0
    error_message = "A block without a key would be a difference in every plan."
  }
}

run "has_the_given_stop_timeout" {
  command = plan

  variables {
    environment = { DRAIN_SECONDS = "25" }
    task        = { stop_timeout_seconds = 30 }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 30
    error_message = "A worker is killed after 30 seconds."
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment, { name = "DRAIN_SECONDS", value = "25" })
    error_message = "The given drain is used."
  }
}

run "drains_for_less_than_a_short_stop_timeout" {
  command = plan

  variables {
    task = { stop_timeout_seconds = 30 }
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment, { name = "DRAIN_SECONDS", value = "15" })
    error_message = "Half of a short timeout remains for the drain."
  }
}

run "has_the_given_writable_paths" {
  command = plan

  variables {
    task = { writable_paths = { work = "/srv/work" } }
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints == [{ containerPath = "/srv/work", readOnly = false, sourceVolume = "work" }] &&
      aws_ecs_task_definition.this.volume[*].name == tolist(["work"])
    )
    error_message = "Paths of another image can be set."
  }
}

run "has_sidecars" {
  command = plan

  variables {
    task = {
      cpu    = 1024
      memory = 2048

      sidecars = {
        log-router = {
          image               = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/log-router:2.1"
          command             = ["route", "--all"]
          cpu                 = 64
          environment         = { TARGET = "archive", LEVEL = "info" }
          essential           = true
          memory              = 128
          start_before_worker = true
          user                = "1000:1000"
          writable_paths      = { spool = "/var/spool/log" }
        }
        clock = { image = "registry.example.com/clock:1" }
      }
    }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[*].name == ["grading-worker", "clock", "log-router"]
    error_message = "The worker comes first, the others by name."
  }

  assert {
    condition = {
      for key, value in jsondecode(aws_ecs_task_definition.this.container_definitions)[2] : key => value
      if contains(["command", "cpu", "environment", "essential", "memory", "user"], key)
      } == {
      command     = ["route", "--all"]
      cpu         = 64
      environment = [{ name = "LEVEL", value = "info" }, { name = "TARGET", value = "archive" }]
      essential   = true
      memory      = 128
      user        = "1000:1000"
    }
    error_message = "A sidecar has the given options."
  }

  assert {
    condition = alltrue([
      for each in slice(jsondecode(aws_ecs_task_definition.this.container_definitions), 1, 3) :
      each.readonlyRootFilesystem && each.linuxParameters.capabilities.drop == ["ALL"] &&
      each.logConfiguration.options.awslogs-stream-prefix == each.name
    ])
    error_message = "A sidecar has no capabilities, a read-only root, and its own log stream."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dependsOn == [{ condition = "START", containerName = "log-router" }] &&
      jsondecode(aws_ecs_task_definition.this.container_definitions)[2].mountPoints == [{ containerPath = "/var/spool/log", readOnly = false, sourceVolume = "spool" }] &&
      toset(aws_ecs_task_definition.this.volume[*].name) == toset(["boxes", "spool", "tmp"])
    )
    error_message = "The worker starts after the sidecar, and the volume exists."
  }

  assert {
    condition = (
      !contains(keys(jsondecode(aws_ecs_task_definition.this.container_definitions)[1]), "command") &&
      !jsondecode(aws_ecs_task_definition.this.container_definitions)[1].essential &&
      !strcontains(aws_ecs_task_definition.this.container_definitions, "null")
    )
    error_message = "Null values are omitted, so that the plan is stable."
  }

  assert {
    condition = toset(flatten([
      for each in jsondecode(aws_iam_role_policy.execution.policy).Statement : each.Resource if each.Sid == "PullImage"
      ])) == toset([
      "arn:aws:ecr:ap-northeast-2:123456789012:repository/log-router",
      "arn:aws:ecr:ap-northeast-2:123456789012:repository/test-grading-worker",
    ])
    error_message = "ECS may pull the images in ECR."
  }
}
