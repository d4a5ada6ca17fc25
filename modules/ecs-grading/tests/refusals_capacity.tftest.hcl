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

run "refuses_half_a_task" {
  command = plan

  variables {
    capacity = { desired = 1.5 }
  }

  expect_failures = [var.capacity]
}

run "refuses_a_minimum_above_the_maximum" {
  command = plan

  variables {
    capacity = { min = 5, max = 3, desired = 4 }
  }

  expect_failures = [var.capacity]
}

run "refuses_a_desired_count_outside_the_bounds" {
  command = plan

  variables {
    capacity = { min = 1, max = 3, desired = 4 }
  }

  expect_failures = [var.capacity]
}

run "refuses_spot_on_instances" {
  command = plan

  variables {
    capacity     = { spot = {} }
    ec2_capacity = {}
  }

  expect_failures = [var.capacity]
}

run "refuses_a_spot_mix_without_spot" {
  command = plan

  variables {
    capacity = { spot = { spot_weight = 0 } }
  }

  expect_failures = [var.capacity]
}

run "refuses_a_minimum_of_instances_above_the_maximum" {
  command = plan

  variables {
    ec2_capacity = { min_instances = 4, max_instances = 2 }
  }

  expect_failures = [var.ec2_capacity]
}

run "refuses_an_invalid_instance_type" {
  command = plan

  variables {
    ec2_capacity = { instance_type = "large" }
  }

  expect_failures = [var.ec2_capacity]
}

run "refuses_a_disk_smaller_than_its_image" {
  command = plan

  variables {
    ec2_capacity = { volume_gib = 20 }
  }

  expect_failures = [var.ec2_capacity]
}

run "refuses_a_target_capacity_over_100_percent" {
  command = plan

  variables {
    ec2_capacity = { target_capacity_percent = 120 }
  }

  expect_failures = [var.ec2_capacity]
}

run "refuses_an_invalid_ami" {
  command = plan

  variables {
    ec2_capacity = { image_id = "ubuntu" }
  }

  expect_failures = [var.ec2_capacity]
}

run "refuses_a_disk_key_without_an_arn" {
  command = plan

  variables {
    ec2_capacity = { volume_kms_key_arn = "alias/disk" }
  }

  expect_failures = [var.ec2_capacity]
}

run "refuses_an_instance_of_another_architecture" {
  command = plan

  variables {
    ec2_capacity = { instance_type = "m7g.large" }
  }

  expect_failures = [var.task]
}

run "refuses_an_arm_task_on_an_intel_instance" {
  command = plan

  variables {
    ec2_capacity = { instance_type = "g5.xlarge" }
    task         = { architecture = "ARM64" }
  }

  expect_failures = [var.task]
}

run "refuses_a_name_reserved_by_ecs" {
  command = plan

  variables {
    ec2_capacity     = {}
    environment_name = "ecs-test"
  }

  expect_failures = [var.environment_name]
}

run "refuses_a_name_that_is_too_long" {
  command = plan

  variables {
    environment_name = "a-name-of-thirty-three-characters"
  }

  expect_failures = [var.environment_name]
}

run "refuses_an_image_with_a_space" {
  command = plan

  variables {
    image = "grading worker:1.0"
  }

  expect_failures = [var.image]
}

run "refuses_the_tag_latest" {
  command = plan

  variables {
    image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/grading-worker:latest"
  }

  expect_failures = [var.image]
}

run "refuses_an_image_without_digest_or_tag" {
  command = plan

  variables {
    image = "localhost:5000/grading-worker"
  }

  expect_failures = [var.image]
}

run "refuses_an_invalid_region" {
  command = plan

  variables {
    region = "Seoul"
  }

  expect_failures = [var.region]
}

run "refuses_a_region_of_china" {
  command = plan

  variables {
    region = "cn-north-1"
  }

  expect_failures = [var.region]
}

run "refuses_a_service_without_a_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_six_security_groups" {
  command = plan

  variables {
    security_group_ids = ["sg-1", "sg-2", "sg-3", "sg-4", "sg-5", "sg-6"]
  }

  expect_failures = [var.security_group_ids]
}

run "refuses_instances_that_live_for_ever" {
  command = plan

  variables {
    ec2_capacity = { max_lifetime_days = 0 }
  }

  expect_failures = [var.ec2_capacity]
}
