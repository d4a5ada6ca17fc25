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

run "keeps_insights_for_two_years" {
  command = plan

  variables {
    instance_class = "db.m7g.large"
    monitoring     = { performance_insights_days = 731, kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }

  assert {
    condition     = aws_db_instance.this[0].performance_insights_retention_period == 731 && aws_db_instance.this[0].performance_insights_kms_key_id == var.monitoring.kms_key_arn
    error_message = "The given key encrypts it."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.monitoring.kms_key_arn])
    error_message = "The logs are encrypted with the key too."
  }
}

run "insights_can_be_disabled" {
  command = plan

  variables {
    instance_class = "db.m7g.large"
    monitoring     = { performance_insights_days = 0 }
  }

  assert {
    condition     = !aws_db_instance.this[0].performance_insights_enabled
    error_message = "Performance Insights are disabled."
  }
}

run "enables_enhanced_monitoring" {
  command = plan

  variables {
    monitoring = { enhanced_interval_seconds = 15 }
  }

  assert {
    condition     = aws_db_instance.this[0].monitoring_interval == 15 && aws_db_instance.this[0].monitoring_role_arn == "arn:aws:iam::123456789012:role/test"
    error_message = "The interval is 15 seconds."
  }

  assert {
    condition     = jsondecode(aws_iam_role.monitoring[0].assume_role_policy).Statement[0].Principal.Service == "monitoring.rds.amazonaws.com" && jsondecode(aws_iam_role.monitoring[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Only RDS of this account may assume the role."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.monitoring[0].policy).Statement : statement.Resource] == [
      "arn:aws:logs:ap-northeast-2:123456789012:log-group:RDSOSMetrics",
      "arn:aws:logs:ap-northeast-2:123456789012:log-group:RDSOSMetrics:log-stream:*",
    ]
    error_message = "The role may write only to the log group of RDS."
  }
}

run "logs_slow_queries_for_a_year" {
  command = plan

  variables {
    monitoring = { slow_query_seconds = 0.5, log_retention_days = 365 }
  }

  assert {
    condition     = { for each in aws_db_parameter_group.this[0].parameter : each.name => each.value }["long_query_time"] == "0.5"
    error_message = "Queries over half a second are logged."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 365])
    error_message = "Kept for a year."
  }
}

run "accepts_windows_that_do_not_overlap" {
  command = plan

  variables {
    engine = { backup_window = "23:30-00:30", maintenance_window = "sun:00:30-sun:23:30" }
  }

  assert {
    condition     = aws_db_instance.this[0].backup_window == "23:30-00:30" && aws_db_instance.this[0].maintenance_window == "sun:00:30-sun:23:30"
    error_message = "Adjacent windows are accepted, also over midnight."
  }
}
