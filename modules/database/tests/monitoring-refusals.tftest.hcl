mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name               = "test-grading"
  admin_password     = "a-Password-for-tests-1"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "refuses_a_month_of_30_days" {
  command = plan

  variables {
    monitoring = { performance_insights_days = 30 }
  }

  expect_failures = [var.monitoring]
}

run "refuses_long_insights_on_a_micro_class" {
  command = plan

  variables {
    monitoring = { performance_insights_days = 62 }
  }

  expect_failures = [var.monitoring]
}

run "refuses_an_unsupported_monitoring_interval" {
  command = plan

  variables {
    monitoring = { enhanced_interval_seconds = 2 }
  }

  expect_failures = [var.monitoring]
}

run "refuses_to_log_every_query" {
  command = plan

  variables {
    monitoring = { slow_query_seconds = 0 }
  }

  expect_failures = [var.monitoring]
}

run "refuses_an_unsupported_log_retention" {
  command = plan

  variables {
    monitoring = { log_retention_days = 45 }
  }

  expect_failures = [var.monitoring]
}

run "refuses_the_alias_of_a_key_for_logs" {
  command = plan

  variables {
    monitoring = { kms_key_arn = "alias/logs" }
  }

  expect_failures = [var.monitoring]
}
