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

run "protection_can_be_disabled" {
  command = plan

  variables {
    enable_protection     = false
    backup_retention_days = 0
  }

  assert {
    condition     = !aws_db_instance.this[0].deletion_protection && aws_db_instance.this[0].backup_retention_period == 0
    error_message = "Without protection it can be deleted."
  }

  assert {
    condition     = !aws_db_instance.this[0].skip_final_snapshot && aws_db_instance.this[0].final_snapshot_identifier == "test-grading-final" && !aws_db_instance.this[0].delete_automated_backups
    error_message = "A deletion keeps its rows."
  }
}

run "a_deletion_keeps_nothing_only_where_chosen" {
  command = plan

  variables {
    storage = { final_snapshot = false, keep_backups = false }
  }

  assert {
    condition     = aws_db_instance.this[0].skip_final_snapshot && aws_db_instance.this[0].final_snapshot_identifier == null && aws_db_instance.this[0].delete_automated_backups
    error_message = "No snapshot is taken, and the backups are deleted."
  }

  assert {
    condition     = aws_db_instance.this[0].deletion_protection
    error_message = "Deletion protection is another setting."
  }
}

run "restores_a_snapshot" {
  command = plan

  variables {
    storage = { restore = { snapshot = "test-grading-final" } }
  }

  assert {
    condition     = aws_db_instance.this[0].snapshot_identifier == "test-grading-final" && length(aws_db_instance.this[0].restore_to_point_in_time) == 0
    error_message = "The new database has the rows of the snapshot."
  }
}

run "restores_an_instance_to_a_point_in_time" {
  command = plan

  variables {
    storage = { restore = { instance = "production-grading", time = "2026-06-15T08:30:00Z" } }
  }

  assert {
    condition = (
      one(aws_db_instance.this[0].restore_to_point_in_time).source_db_instance_identifier == "production-grading" &&
      one(aws_db_instance.this[0].restore_to_point_in_time).restore_time == "2026-06-15T08:30:00Z" &&
      one(aws_db_instance.this[0].restore_to_point_in_time).use_latest_restorable_time == null
    )
    error_message = "The new database has the rows of that time."
  }
}

run "restores_the_backups_of_a_deleted_instance" {
  command = plan

  variables {
    storage = { restore = { backup_arn = "arn:aws:rds:ap-northeast-2:123456789012:auto-backup:AB-abcdefghijklmnop" } }
  }

  assert {
    condition = (
      one(aws_db_instance.this[0].restore_to_point_in_time).source_db_instance_automated_backups_arn == "arn:aws:rds:ap-northeast-2:123456789012:auto-backup:AB-abcdefghijklmnop" &&
      one(aws_db_instance.this[0].restore_to_point_in_time).use_latest_restorable_time
    )
    error_message = "The new database has the latest rows."
  }
}

run "keeps_a_standby_on_a_larger_class" {
  command = plan

  variables {
    instance_class = "db.m7g.large"
    multi_az       = true
  }

  assert {
    condition     = aws_db_instance.this[0].multi_az && aws_db_instance.this[0].instance_class == "db.m7g.large"
    error_message = "A standby in a second zone."
  }

  assert {
    condition     = aws_db_instance.this[0].performance_insights_enabled && aws_db_instance.this[0].performance_insights_retention_period == 7
    error_message = "Performance Insights are enabled on the class."
  }
}

run "names_administrator_schema_and_application" {
  command = plan

  variables {
    admin_username         = "dba"
    admin_password_version = 3
    application            = { database_name = "judge", username = "judge_worker" }
  }

  assert {
    condition     = aws_db_instance.this[0].username == "dba" && aws_db_instance.this[0].db_name == "judge" && aws_db_instance.this[0].password_wo_version == 3
    error_message = "The given value is used."
  }

  assert {
    condition     = output.username == "dba" && output.application_username == "judge_worker" && output.database_name == "judge"
    error_message = "The outputs contain the values."
  }
}

run "allows_iam_logins_of_the_application_user" {
  command = plan

  variables {
    application = { iam_authentication = true }
  }

  assert {
    condition     = aws_db_instance.this[0].iam_database_authentication_enabled
    error_message = "RDS accepts IAM tokens."
  }

  assert {
    condition = jsondecode(output.connect_policy_json).Statement == [{
      Sid      = "ConnectToDatabase"
      Effect   = "Allow"
      Action   = "rds-db:connect"
      Resource = "arn:aws:rds-db:ap-northeast-2:123456789012:dbuser:db-ABCDEFGHIJKL01234/grader_app"
    }]
    error_message = "The policy is limited to this user of this instance."
  }
}

run "storage_grows_and_has_a_key" {
  command = plan

  variables {
    storage = { allocated_gb = 100, max_gb = 500, kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }

  assert {
    condition     = aws_db_instance.this[0].allocated_storage == 100 && aws_db_instance.this[0].max_allocated_storage == 500 && aws_db_instance.this[0].kms_key_id == var.storage.kms_key_arn
    error_message = "Storage grows from 100 to 500 GB."
  }
}

run "storage_is_faster_than_its_baseline" {
  command = plan

  variables {
    storage = { allocated_gb = 400, performance = { iops = 16000, throughput_mib_s = 1000 } }
  }

  assert {
    condition     = aws_db_instance.this[0].iops == 16000 && aws_db_instance.this[0].storage_throughput == 1000 && aws_db_instance.this[0].storage_type == "gp3"
    error_message = "The given IOPS and throughput are used."
  }
}

run "a_chosen_throughput_keeps_the_iops_of_the_baseline" {
  command = plan

  variables {
    storage = { allocated_gb = 400, performance = { throughput_mib_s = 3000 } }
  }

  assert {
    condition     = aws_db_instance.this[0].iops == 12000 && aws_db_instance.this[0].storage_throughput == 3000
    error_message = "RDS requires both."
  }
}

run "runs_an_older_version_that_may_be_upgraded" {
  command = plan

  variables {
    engine = {
      version             = "8.0"
      allow_major_upgrade = true
      auto_minor_upgrade  = false
      apply_immediately   = true
      ca_certificate      = "rds-ca-ecc384-g1"
    }
  }

  assert {
    condition     = aws_db_instance.this[0].engine_version == "8.0" && aws_db_instance.this[0].allow_major_version_upgrade && !aws_db_instance.this[0].auto_minor_version_upgrade && aws_db_instance.this[0].apply_immediately && aws_db_instance.this[0].ca_cert_identifier == "rds-ca-ecc384-g1"
    error_message = "The given value is used."
  }

  assert {
    condition     = aws_db_parameter_group.this[0].family == "mysql8.0"
    error_message = "The parameter group follows the version."
  }
}

run "accepts_additional_parameters" {
  command = plan

  variables {
    engine = { parameters = { max_connections = { value = "200", apply_method = "immediate" }, performance_schema = { value = "1" } } }
  }

  assert {
    condition     = { for each in aws_db_parameter_group.this[0].parameter : each.name => each.value }["max_connections"] == "200" && { for each in aws_db_parameter_group.this[0].parameter : each.name => each.value }["performance_schema"] == "1"
    error_message = "They are added to the module's parameters."
  }

  assert {
    condition     = { for each in aws_db_parameter_group.this[0].parameter : each.name => each.apply_method }["performance_schema"] == "pending-reboot"
    error_message = "By default parameters apply at the next reboot."
  }
}
