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

run "refuses_one_zone" {
  command = plan

  variables {
    subnet_ids = ["subnet-1"]
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_the_same_subnet_twice" {
  command = plan

  variables {
    subnet_ids = ["subnet-1", "subnet-1"]
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_no_security_group" {
  command = plan

  variables {
    security_group_ids = []
  }

  expect_failures = [var.security_group_ids]
}

run "refuses_a_name_that_ends_in_a_dash" {
  command = plan

  variables {
    name = "test-"
  }

  expect_failures = [var.name]
}

run "refuses_a_name_with_two_dashes" {
  command = plan

  variables {
    name = "test--grading"
  }

  expect_failures = [var.name]
}

run "refuses_a_name_too_long_for_its_role" {
  command = plan

  variables {
    name       = "a234567890b234567890c234567890d234567890e234567890f234"
    monitoring = { enhanced_interval_seconds = 60 }
  }

  expect_failures = [var.name]
}

run "refuses_a_password_with_forbidden_characters" {
  command = plan

  variables {
    admin_password = "with/slash/12345"
  }

  expect_failures = [var.admin_password]
}

run "refuses_a_password_of_seven_characters" {
  command = plan

  variables {
    admin_password = "short-1"
  }

  expect_failures = [var.admin_password]
}

run "refuses_a_password_version_of_zero" {
  command = plan

  variables {
    admin_password_version = 0
  }

  expect_failures = [var.admin_password_version]
}

run "refuses_an_administrator_of_17_characters" {
  command = plan

  variables {
    admin_username = "abcdefghijklmnopq"
  }

  expect_failures = [var.admin_username]
}

run "refuses_the_administrator_of_rds" {
  command = plan

  variables {
    admin_username = "rdsadmin"
  }

  expect_failures = [var.admin_username]
}

run "refuses_a_system_schema" {
  command = plan

  variables {
    application = { database_name = "mysql" }
  }

  expect_failures = [var.application]
}

run "refuses_a_user_with_a_dash" {
  command = plan

  variables {
    application = { username = "grader-app" }
  }

  expect_failures = [var.application]
}

run "refuses_the_administrator_as_application" {
  command = plan

  variables {
    application = { username = "grader" }
  }

  expect_failures = [var.application]
}

run "refuses_36_days_of_backups" {
  command = plan

  variables {
    backup_retention_days = 36
  }

  expect_failures = [var.backup_retention_days]
}

run "refuses_an_unknown_class" {
  command = plan

  variables {
    instance_class = "m7g.large"
  }

  expect_failures = [var.instance_class]
}

run "refuses_a_class_without_mysql_8" {
  command = plan

  variables {
    instance_class = "db.m4.large"
  }

  expect_failures = [var.instance_class]
}

run "refuses_a_small_disk" {
  command = plan

  variables {
    storage = { allocated_gb = 10 }
  }

  expect_failures = [var.storage]
}

run "refuses_a_limit_close_to_the_initial_storage" {
  command = plan

  variables {
    storage = { allocated_gb = 100, max_gb = 105 }
  }

  expect_failures = [var.storage]
}

run "refuses_the_alias_of_a_key_for_the_disk" {
  command = plan

  variables {
    storage = { kms_key_arn = "alias/grading" }
  }

  expect_failures = [var.storage]
}

run "refuses_two_sources_to_restore_from" {
  command = plan

  variables {
    storage = { restore = { snapshot = "test-grading-final", instance = "production-grading" } }
  }

  expect_failures = [var.storage]
}

run "refuses_a_time_for_a_snapshot" {
  command = plan

  variables {
    storage = { restore = { snapshot = "test-grading-final", time = "2026-06-15T08:30:00Z" } }
  }

  expect_failures = [var.storage]
}

run "refuses_the_id_of_backups_in_place_of_their_arn" {
  command = plan

  variables {
    storage = { restore = { backup_arn = "ab-abcdefghijklmnop" } }
  }

  expect_failures = [var.storage]
}

run "refuses_a_throughput_for_a_small_disk" {
  command = plan

  variables {
    storage = { allocated_gb = 399, performance = { throughput_mib_s = 1000 } }
  }

  expect_failures = [var.storage]
}

run "refuses_fewer_iops_than_the_baseline" {
  command = plan

  variables {
    storage = { allocated_gb = 400, performance = { iops = 6000 } }
  }

  expect_failures = [var.storage]
}

run "refuses_a_throughput_of_more_than_a_quarter_of_the_iops" {
  command = plan

  variables {
    storage = { allocated_gb = 400, performance = { iops = 12000, throughput_mib_s = 3001 } }
  }

  expect_failures = [var.storage]
}
