mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  engine_type        = "RabbitMQ"
}

run "refuses_a_pair_of_rabbitmq" {
  command = plan

  variables {
    deployment_mode = "ACTIVE_STANDBY_MULTI_AZ"
  }

  expect_failures = [var.deployment_mode]
}

run "refuses_a_version_of_activemq" {
  command = plan

  variables {
    engine_version = "5.18"
  }

  expect_failures = [var.engine_version]
}

run "refuses_the_smallest_instance" {
  command = plan

  variables {
    engine_version = "3.13"
    instance_type  = "mq.t3.micro"
  }

  expect_failures = [var.instance_type]
}

run "refuses_an_instance_type_without_version_4" {
  command = plan

  variables {
    instance_type = "mq.m5.large"
  }

  expect_failures = [var.instance_type]
}

run "refuses_an_audit_log" {
  command = plan

  variables {
    logs = { audit = true }
  }

  expect_failures = [var.logs]
}

run "refuses_a_key_for_messages" {
  command = plan

  variables {
    nodes = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/k" }
  }

  expect_failures = [var.nodes]
}

run "refuses_a_storage_type" {
  command = plan

  variables {
    nodes = { storage_type = "ebs" }
  }

  expect_failures = [var.nodes]
}

run "refuses_a_memory_percentage" {
  command = plan

  variables {
    nodes = { memory_percent = 50 }
  }

  expect_failures = [var.nodes]
}

run "refuses_a_send_timeout" {
  command = plan

  variables {
    nodes = { send_timeout_ms = 1000 }
  }

  expect_failures = [var.nodes]
}

run "refuses_queue_policies" {
  command = plan

  variables {
    queue_policies = { ">" = { prefetch = 1 } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_more_users" {
  command = plan

  variables {
    users = { web = {} }
  }

  expect_failures = [var.users]
}

run "refuses_rights" {
  command = plan

  variables {
    authorization = { entries = { jobs = { read = ["teachers"] } } }
  }

  expect_failures = [var.authorization]
}

run "refuses_the_administrator_guest" {
  command = plan

  variables {
    admin_username = "Guest"
  }

  expect_failures = [var.admin_username]
}

run "refuses_an_administrator_with_a_tilde" {
  command = plan

  variables {
    admin_username = "a~b"
  }

  expect_failures = [var.admin_username]
}
