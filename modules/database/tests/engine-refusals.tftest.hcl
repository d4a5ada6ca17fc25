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

run "refuses_an_unknown_version" {
  command = plan

  variables {
    engine = { version = "5.7" }
  }

  expect_failures = [var.engine]
}

run "refuses_an_expired_certificate_authority" {
  command = plan

  variables {
    engine = { ca_certificate = "rds-ca-2019" }
  }

  expect_failures = [var.engine]
}

run "refuses_a_backup_window_past_midnight" {
  command = plan

  variables {
    engine = { backup_window = "24:00-25:00" }
  }

  expect_failures = [var.engine]
}

run "refuses_a_maintenance_window_without_a_day" {
  command = plan

  variables {
    engine = { maintenance_window = "18:00-19:00" }
  }

  expect_failures = [var.engine]
}

run "refuses_to_lose_tls_by_a_parameter" {
  command = plan

  variables {
    engine = { parameters = { require_secure_transport = { value = "OFF" } } }
  }

  expect_failures = [var.engine]
}

run "refuses_an_unknown_apply_method" {
  command = plan

  variables {
    engine = { parameters = { max_connections = { value = "200", apply_method = "soon" } } }
  }

  expect_failures = [var.engine]
}

run "refuses_a_backup_window_of_15_minutes" {
  command = plan

  variables {
    engine = { backup_window = "17:00-17:15" }
  }

  expect_failures = [aws_db_instance.this]
}

run "refuses_a_maintenance_window_of_two_days" {
  command = plan

  variables {
    engine = { maintenance_window = "sun:18:00-tue:18:00" }
  }

  expect_failures = [aws_db_instance.this]
}

run "refuses_windows_that_overlap" {
  command = plan

  variables {
    engine = { backup_window = "18:00-19:00", maintenance_window = "sun:18:30-sun:19:30" }
  }

  expect_failures = [aws_db_instance.this]
}

run "refuses_a_backup_of_sunday_that_reaches_into_monday" {
  command = plan

  variables {
    engine = { backup_window = "23:30-00:30", maintenance_window = "mon:00:00-mon:01:00" }
  }

  expect_failures = [aws_db_instance.this]
}

run "refuses_a_maintenance_of_sunday_that_reaches_mondays_backup" {
  command = plan

  variables {
    engine = { backup_window = "02:00-02:30", maintenance_window = "sun:23:00-mon:03:00" }
  }

  expect_failures = [aws_db_instance.this]
}
