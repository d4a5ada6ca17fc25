# Rejected values of the application, its names and its log.

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

run "refuses_a_bucket_by_its_arn" {
  command = plan

  variables {
    access_logs = { bucket_name = "arn:aws:s3:::logs" }
  }

  expect_failures = [var.access_logs]
}

run "refuses_a_prefix_with_a_trailing_slash" {
  command = plan

  variables {
    access_logs = { prefix = "web/" }
  }

  expect_failures = [var.access_logs]
}

run "refuses_a_log_retention_of_zero" {
  command = plan

  variables {
    access_logs = { retention_days = 0 }
  }

  expect_failures = [var.access_logs]
}

run "refuses_an_image_that_may_change" {
  command = plan

  variables {
    application = { image = "registry.example.com/web:latest" }
  }

  expect_failures = [var.application]
}

run "refuses_neither_image_nor_ami" {
  command = plan

  variables {
    application = { image = null }
  }

  expect_failures = [var.application]
}

run "refuses_a_port_that_needs_root" {
  command = plan

  variables {
    application = { image = "registry.example.com/web:1.0", port = 80 }
  }

  expect_failures = [var.application]
}

run "refuses_a_health_check_without_a_path" {
  command = plan

  variables {
    application = { image = "registry.example.com/web:1.0", health_check_path = "health" }
  }

  expect_failures = [var.application]
}

run "refuses_an_unsupported_log_retention" {
  command = plan

  variables {
    application = { image = "registry.example.com/web:1.0", log_retention_days = 42 }
  }

  expect_failures = [var.application]
}

run "refuses_an_alias_as_key_of_the_log" {
  command = plan

  variables {
    application = { image = "registry.example.com/web:1.0", log_kms_key_arn = "alias/logs" }
  }

  expect_failures = [var.application]
}

run "refuses_a_certificate_of_another_region" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_no_certificate" {
  command = plan

  variables {
    certificate_arn = ""
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_an_environment_variable_in_lower_case" {
  command = plan

  variables {
    environment = { queue_name = "x" }
  }

  expect_failures = [var.environment]
}

run "refuses_a_secret" {
  command = plan

  variables {
    environment = { MQ_PASSWORD = "x" }
  }

  expect_failures = [var.environment]
}

run "refuses_a_variable_that_affects_docker" {
  command = plan

  variables {
    environment = { DOCKER_HOST = "tcp://203.0.113.1:2375" }
  }

  expect_failures = [var.environment]
}

run "refuses_a_control_character" {
  command = plan

  variables {
    environment = { BELL = "\u0007" }
  }

  expect_failures = [var.environment]
}

run "refuses_an_environment_too_long_for_a_load_balancer" {
  command = plan

  variables {
    environment_name = "a-very-long-environment"
  }

  expect_failures = [var.environment_name]
}

run "refuses_a_name_reserved_by_elastic_load_balancing" {
  command = plan

  variables {
    environment_name = "internal-tools"
  }

  expect_failures = [var.environment_name]
}
