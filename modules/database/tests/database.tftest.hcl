mock_provider "aws" {}

variables {
  name               = "test-grading"
  admin_password     = "a-Password-for-tests-1"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "private_encrypted_and_protected" {
  assert {
    condition     = aws_db_instance.this[0].storage_encrypted && !aws_db_instance.this[0].publicly_accessible
    error_message = "The disk is encrypted and the database private."
  }

  assert {
    condition     = aws_db_instance.this[0].deletion_protection && aws_db_instance.this[0].final_snapshot_identifier == "test-grading-final"
    error_message = "It is not deleted by mistake, and never without a last snapshot."
  }

  assert {
    condition     = aws_db_instance.this[0].engine == "mysql" && aws_db_instance.this[0].backup_retention_period == 7
    error_message = "It is MySQL with a week of backups."
  }
}

run "can_be_made_for_trials" {
  variables {
    enable_protection     = false
    backup_retention_days = 0
  }

  assert {
    condition     = aws_db_instance.this[0].skip_final_snapshot && !aws_db_instance.this[0].deletion_protection
    error_message = "Without protection it can be deleted at once."
  }
}

run "refuses_an_unknown_version" {
  command = plan

  variables {
    engine = { version = "5.7" }
  }

  expect_failures = [var.engine]
}

run "refuses_one_zone" {
  command = plan

  variables {
    subnet_ids = ["subnet-1"]
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_a_name_that_ends_in_a_dash" {
  command = plan

  variables {
    name = "test-"
  }

  expect_failures = [var.name]
}

run "refuses_a_password_that_rds_refuses" {
  command = plan

  variables {
    admin_password = "with/slash/12345"
  }

  expect_failures = [var.admin_password]
}
