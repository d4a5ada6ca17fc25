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

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    task = { architecture = "RISCV" }
  }

  expect_failures = [var.task]
}

run "refuses_a_memory_that_fargate_does_not_support" {
  command = plan

  variables {
    task = { cpu = 512, memory = 8192 }
  }

  expect_failures = [var.task]
}

run "refuses_a_cpu_that_fargate_does_not_support" {
  command = plan

  variables {
    task = { cpu = 700, memory = 1024 }
  }

  expect_failures = [var.task]
}

run "refuses_a_size_too_small_for_instances" {
  command = plan

  variables {
    ec2_capacity = {}
    task         = { cpu = 64, memory = 1024 }
  }

  expect_failures = [var.task]
}

run "refuses_a_disk_below_the_minimum_of_fargate" {
  command = plan

  variables {
    task = { ephemeral_storage_gib = 20 }
  }

  expect_failures = [var.task]
}

run "refuses_a_disk_above_the_maximum_of_fargate" {
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

run "refuses_a_key_of_fargate_on_instances" {
  command = plan

  variables {
    ec2_capacity = {}
    task         = { ephemeral_storage_kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/0123" }
  }

  expect_failures = [var.task]
}

run "refuses_an_alias_as_key_of_the_disk" {
  command = plan

  variables {
    task = { ephemeral_storage_kms_key_arn = "alias/disks" }
  }

  expect_failures = [var.task]
}

run "refuses_a_multi_region_key_which_fargate_rejects" {
  command = plan

  variables {
    task = { ephemeral_storage_kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-0123" }
  }

  expect_failures = [var.task]
}

run "refuses_a_stop_timeout_above_the_maximum_of_fargate" {
  command = plan

  variables {
    task = { stop_timeout_seconds = 180 }
  }

  expect_failures = [var.task]
}

run "refuses_a_stop_timeout_without_time_to_give_jobs_back" {
  command = plan

  variables {
    environment = { DRAIN_SECONDS = "106" }
    task        = { stop_timeout_seconds = 110 }
  }

  expect_failures = [var.task]
}

run "refuses_a_path_with_parent_directories" {
  command = plan

  variables {
    task = { writable_paths = { tmp = "/tmp/../etc" } }
  }

  expect_failures = [var.task]
}

run "refuses_the_root_as_writable_path" {
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

run "refuses_an_invalid_sidecar_name" {
  command = plan

  variables {
    task = { sidecars = { "a clock" = { image = "clock:1" } } }
  }

  expect_failures = [var.task]
}

run "refuses_sidecars_that_use_all_memory" {
  command = plan

  variables {
    task = { memory = 1024, sidecars = { one = { image = "clock:1", memory = 512 }, two = { image = "clock:1", memory = 512 } } }
  }

  expect_failures = [var.task]
}

run "refuses_sidecars_that_use_all_cpu" {
  command = plan

  variables {
    task = { cpu = 512, sidecars = { one = { image = "clock:1", cpu = 512 } } }
  }

  expect_failures = [var.task]
}
