mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "creates_nothing_with_existing" {
  command = plan

  variables {
    existing = { endpoint = "db.example.com:3306" }
  }

  assert {
    condition     = length(aws_db_instance.this) + length(aws_db_subnet_group.this) + length(aws_db_parameter_group.this) + length(aws_cloudwatch_log_group.this) == 0
    error_message = "No resource."
  }

  assert {
    condition     = output.endpoint == "db.example.com:3306" && output.database_name == "grading" && output.identifier == null && output.arn == null && output.resource_id == null && output.connect_policy_json == null
    error_message = "The given values are passed on."
  }
}

run "takes_any_user_of_an_existing_database" {
  command = plan

  variables {
    admin_username = "Judge-Application-of-2026"
    application    = { username = "grader_app" }
    existing       = { endpoint = "db.example.com:3306" }
  }

  assert {
    condition     = output.application_username == "grader_app"
    error_message = "The limits of RDS are not those of a user that exists."
  }
}

run "the_user_of_an_existing_database_may_be_the_application" {
  command = plan

  variables {
    admin_username = "grader_app"
    existing       = { endpoint = "db.example.com:3306" }
  }

  assert {
    condition     = output.application_username == "grader_app"
    error_message = "There may be no other user."
  }
}

run "allows_iam_logins_to_an_existing_database" {
  command = plan

  variables {
    application = { iam_authentication = true }
    existing = {
      endpoint    = "db.example.com:3306"
      arn         = "arn:aws:rds:eu-west-1:210987654321:db:shared"
      identifier  = "shared"
      resource_id = "db-ZYXWVUTSRQPO98765"
    }
  }

  assert {
    condition     = jsondecode(output.connect_policy_json).Statement[0].Resource == "arn:aws:rds-db:eu-west-1:210987654321:dbuser:db-ZYXWVUTSRQPO98765/grader_app"
    error_message = "The ARN has the region and account of the existing database."
  }

  assert {
    condition     = output.identifier == "shared"
    error_message = "It has a name."
  }
}

run "refuses_a_user_that_mysql_cannot_have" {
  command = plan

  variables {
    admin_username = "a user of 2026"
    existing       = { endpoint = "db.example.com:3306" }
  }

  expect_failures = [var.admin_username]
}

run "refuses_iam_without_knowing_the_instance" {
  command = plan

  variables {
    application = { iam_authentication = true }
    existing    = { endpoint = "db.example.com:3306" }
  }

  expect_failures = [var.application]
}

run "refuses_an_endpoint_without_a_port" {
  command = plan

  variables {
    existing = { endpoint = "db.example.com" }
  }

  expect_failures = [var.existing]
}

run "refuses_the_arn_of_a_cluster" {
  command = plan

  variables {
    existing = { endpoint = "db.example.com:3306", arn = "arn:aws:rds:eu-west-1:210987654321:cluster:shared" }
  }

  expect_failures = [var.existing]
}

run "refuses_a_name_as_resource_id" {
  command = plan

  variables {
    existing = { endpoint = "db.example.com:3306", resource_id = "shared" }
  }

  expect_failures = [var.existing]
}

run "refuses_a_database_without_its_required_values" {
  command = plan

  expect_failures = [var.admin_password, var.name, var.security_group_ids, var.subnet_ids]
}
