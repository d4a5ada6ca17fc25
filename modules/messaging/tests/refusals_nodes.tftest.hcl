mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "refuses_a_key_without_an_arn" {
  command = plan

  variables {
    nodes = { kms_key_arn = "alias/mq" }
  }

  expect_failures = [var.nodes]
}

run "refuses_an_invalid_day" {
  command = plan

  variables {
    nodes = { maintenance_window = { day_of_week = "Sunday", time_of_day = "03:30" } }
  }

  expect_failures = [var.nodes]
}

run "refuses_an_invalid_time" {
  command = plan

  variables {
    nodes = { maintenance_window = { day_of_week = "SUNDAY", time_of_day = "24:00" } }
  }

  expect_failures = [var.nodes]
}

run "refuses_an_invalid_time_zone" {
  command = plan

  variables {
    nodes = { maintenance_window = { day_of_week = "SUNDAY", time_of_day = "03:30", time_zone = "KST" } }
  }

  expect_failures = [var.nodes]
}

run "refuses_too_high_a_memory_percentage" {
  command = plan

  variables {
    nodes = { memory_percent = 71 }
  }

  expect_failures = [var.nodes]
}

run "refuses_a_send_timeout_of_zero" {
  command = plan

  variables {
    nodes = { send_timeout_ms = 0 }
  }

  expect_failures = [var.nodes]
}

run "refuses_an_unknown_storage_type" {
  command = plan

  variables {
    nodes = { storage_type = "s3" }
  }

  expect_failures = [var.nodes]
}

run "refuses_fast_storage_on_the_smallest_instance" {
  command = plan

  variables {
    nodes = { storage_type = "ebs" }
  }

  expect_failures = [var.nodes]
}

run "refuses_fast_storage_for_a_pair" {
  command = plan

  variables {
    deployment_mode = "ACTIVE_STANDBY_MULTI_AZ"
    instance_type   = "mq.m5.large"
    nodes           = { storage_type = "ebs" }
  }

  expect_failures = [var.nodes]
}
