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

run "refuses_an_architecture_that_fargate_does_not_know" {
  command = plan

  variables {
    task = { architecture = "RISCV" }
  }

  expect_failures = [var.task]
}

run "refuses_a_size_that_fargate_does_not_offer" {
  command = plan

  variables {
    task = { cpu = 512, memory = 8192 }
  }

  expect_failures = [var.task]
}

run "refuses_a_share_of_a_processor_that_fargate_does_not_offer" {
  command = plan

  variables {
    task = { cpu = 700, memory = 1024 }
  }

  expect_failures = [var.task]
}

run "refuses_a_size_that_an_instance_does_not_start" {
  command = plan

  variables {
    ec2_capacity = {}
    task         = { cpu = 64, memory = 1024 }
  }

  expect_failures = [var.task]
}

run "refuses_a_disk_smaller_than_fargates_own" {
  command = plan

  variables {
    task = { ephemeral_storage_gib = 20 }
  }

  expect_failures = [var.task]
}

run "refuses_a_disk_larger_than_fargate_has" {
  command = plan

  variables {
    task = { ephemeral_storage_gib = 201 }
  }

  expect_failures = [var.task]
}

run "refuses_a_disk_of_fargate_on_instances" {
  command = plan

  variables {
    ec2_capacity = {}
    task         = { ephemeral_storage_gib = 50 }
  }

  expect_failures = [var.task]
}

run "refuses_a_stop_longer_than_fargate_grants" {
  command = plan

  variables {
    task = { stop_timeout_seconds = 180 }
  }

  expect_failures = [var.task]
}

run "refuses_a_stop_before_the_worker_is_done" {
  command = plan

  variables {
    environment = { DRAIN_SECONDS = "110" }
    task        = { stop_timeout_seconds = 110 }
  }

  expect_failures = [var.task]
}

run "refuses_a_stop_before_the_default_drain" {
  command = plan

  variables {
    task = { stop_timeout_seconds = 60 }
  }

  expect_failures = [var.task]
}

run "refuses_a_path_that_climbs" {
  command = plan

  variables {
    task = { writable_paths = { tmp = "/tmp/../etc" } }
  }

  expect_failures = [var.task]
}

run "refuses_to_write_the_root_by_a_volume" {
  command = plan

  variables {
    task = { sidecars = { clock = { image = "clock:1", writable_paths = { all = "/" } } } }
  }

  expect_failures = [var.task]
}

run "refuses_a_sidecar_with_the_name_of_the_worker" {
  command = plan

  variables {
    task = { sidecars = { grading-worker = { image = "clock:1" } } }
  }

  expect_failures = [var.task]
}

run "refuses_a_sidecar_with_a_name_that_ecs_refuses" {
  command = plan

  variables {
    task = { sidecars = { "a clock" = { image = "clock:1" } } }
  }

  expect_failures = [var.task]
}

run "refuses_sidecars_that_leave_no_memory" {
  command = plan

  variables {
    task = { memory = 1024, sidecars = { one = { image = "clock:1", memory = 512 }, two = { image = "clock:1", memory = 512 } } }
  }

  expect_failures = [var.task]
}

run "refuses_sidecars_that_leave_no_processor" {
  command = plan

  variables {
    task = { cpu = 512, sidecars = { one = { image = "clock:1", cpu = 512 } } }
  }

  expect_failures = [var.task]
}
