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

run "is_private_encrypted_and_protected" {
  command = plan

  assert {
    condition     = aws_db_instance.this[0].storage_encrypted && !aws_db_instance.this[0].publicly_accessible && aws_db_instance.this[0].storage_type == "gp3"
    error_message = "The disk is encrypted and the database private."
  }

  assert {
    condition     = aws_db_instance.this[0].deletion_protection && aws_db_instance.this[0].final_snapshot_identifier == "test-grading-final" && !aws_db_instance.this[0].delete_automated_backups
    error_message = "Deletion protection is on, and deletion keeps a final snapshot and backups."
  }

  assert {
    condition     = aws_db_instance.this[0].engine == "mysql" && aws_db_instance.this[0].engine_version == "8.4" && aws_db_instance.this[0].backup_retention_period == 7
    error_message = "It is MySQL 8.4 with a week of backups."
  }

  assert {
    condition     = aws_db_instance.this[0].auto_minor_version_upgrade && !aws_db_instance.this[0].allow_major_version_upgrade && !aws_db_instance.this[0].apply_immediately
    error_message = "Patches are automatic, major versions are not; a change that restarts the server waits for the maintenance window."
  }

  assert {
    condition     = !aws_db_instance.this[0].multi_az && !aws_db_instance.this[0].iam_database_authentication_enabled && aws_db_instance.this[0].max_allocated_storage == null
    error_message = "Standby, IAM logins and storage autoscaling are off."
  }

  assert {
    condition     = aws_db_instance.this[0].username == "grader" && aws_db_instance.this[0].db_name == "grading" && aws_db_instance.this[0].instance_class == "db.t4g.micro" && aws_db_instance.this[0].allocated_storage == 20
    error_message = "The default class is the smallest."
  }
}

run "speaks_utf8_and_tls_only" {
  command = plan

  assert {
    condition = { for each in aws_db_parameter_group.this[0].parameter : each.name => each.value } == {
      character_set_server     = "utf8mb4"
      collation_server         = "utf8mb4_0900_ai_ci"
      log_output               = "FILE"
      long_query_time          = "1"
      require_secure_transport = "1"
      slow_query_log           = "1"
    }
    error_message = "Only the parameters of the module are set."
  }

  assert {
    condition     = aws_db_parameter_group.this[0].family == "mysql8.4" && aws_db_parameter_group.this[0].name == "test-grading-mysql84"
    error_message = "The parameters belong to this version."
  }
}

run "keeps_its_logs_for_a_month" {
  command = plan

  assert {
    condition     = aws_db_instance.this[0].enabled_cloudwatch_logs_exports == toset(["error", "slowquery"])
    error_message = "Errors and slow queries are exported."
  }

  assert {
    condition     = { for kind, group in aws_cloudwatch_log_group.this : group.name => group.retention_in_days } == { "/aws/rds/instance/test-grading/error" = 30, "/aws/rds/instance/test-grading/slowquery" = 30 }
    error_message = "Logs go to the log groups of the module."
  }

  assert {
    condition     = output.log_group_names == { error = "/aws/rds/instance/test-grading/error", slowquery = "/aws/rds/instance/test-grading/slowquery" }
    error_message = "The output lists the log groups."
  }
}

run "disables_insights_on_classes_without_support" {
  command = plan

  assert {
    condition     = !aws_db_instance.this[0].performance_insights_enabled && aws_db_instance.this[0].monitoring_interval == 0 && length(aws_iam_role.monitoring) == 0
    error_message = "A micro class has no Performance Insights, and enhanced monitoring is off."
  }
}

run "disables_iam_logins" {
  command = plan

  assert {
    condition     = output.connect_policy_json == null && output.application_username == "grader_app"
    error_message = "The application logs in with a password."
  }
}
