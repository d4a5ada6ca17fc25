mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "refuses_an_administrator_of_one_letter" {
  command = plan

  variables {
    admin_username = "a"
  }

  expect_failures = [var.admin_username]
}

run "refuses_an_authorization_with_an_invalid_queue_name" {
  command = plan

  variables {
    authorization = { entries = { "a\"" = { read = ["grading-web"] } } }
  }

  expect_failures = [var.authorization]
}

run "refuses_an_authorization_with_an_invalid_group" {
  command = plan

  variables {
    authorization = { entries = { jobs = { read = ["a,b"] } } }
  }

  expect_failures = [var.authorization]
}

run "refuses_a_queue_for_requests_and_results" {
  command = plan

  variables {
    authorization = { requests = ["jobs"], results = ["jobs"] }
  }

  expect_failures = [var.authorization]
}

run "refuses_an_unknown_deployment_mode" {
  command = plan

  variables {
    deployment_mode = "MULTI_AZ"
  }

  expect_failures = [var.deployment_mode]
}

run "refuses_a_cluster_of_activemq" {
  command = plan

  variables {
    deployment_mode = "CLUSTER_MULTI_AZ"
  }

  expect_failures = [var.deployment_mode]
}

run "refuses_an_unknown_engine" {
  command = plan

  variables {
    engine_type = "Kafka"
  }

  expect_failures = [var.engine_type]
}

run "refuses_a_patch_version" {
  command = plan

  variables {
    engine_version = "5.18.4"
  }

  expect_failures = [var.engine_version]
}

run "refuses_an_old_version" {
  command = plan

  variables {
    engine_version = "5.17"
  }

  expect_failures = [var.engine_version]
}

run "refuses_a_graviton_instance_for_activemq" {
  command = plan

  variables {
    instance_type = "mq.m7g.large"
  }

  expect_failures = [var.instance_type]
}

run "refuses_an_unsupported_log_retention" {
  command = plan

  variables {
    logs = { retention_days = 100 }
  }

  expect_failures = [var.logs]
}

run "refuses_a_key_for_log_groups_of_amazon_mq" {
  command = plan

  variables {
    logs = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/k" }
  }

  expect_failures = [var.logs]
}

run "refuses_a_log_key_without_an_arn" {
  command = plan

  variables {
    logs = { retention_days = 90, kms_key_arn = "alias/logs" }
  }

  expect_failures = [var.logs]
}

run "refuses_a_name_with_a_dot" {
  command = plan

  variables {
    name = "a.b"
  }

  expect_failures = [var.name]
}

run "refuses_a_name_of_51_characters" {
  command = plan

  variables {
    name = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijk"
  }

  expect_failures = [var.name]
}

run "refuses_no_security_group" {
  command = plan

  variables {
    security_group_ids = []
  }

  expect_failures = [var.security_group_ids]
}

run "refuses_a_pair_in_one_subnet" {
  command = plan

  variables {
    deployment_mode = "ACTIVE_STANDBY_MULTI_AZ"
    subnet_ids      = ["subnet-1"]
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_no_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_a_user_named_like_the_administrator" {
  command = plan

  variables {
    users = { admin = { groups = ["grading-web"] } }
  }

  expect_failures = [var.users]
}

run "refuses_a_user_name_with_a_space" {
  command = plan

  variables {
    users = { "a b" = {} }
  }

  expect_failures = [var.users]
}

run "refuses_an_invalid_group_name" {
  command = plan

  variables {
    users = { web = { groups = ["grading web"] } }
  }

  expect_failures = [var.users]
}
