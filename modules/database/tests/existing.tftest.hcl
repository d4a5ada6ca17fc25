mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "makes_nothing_when_there_is_one" {
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
    error_message = "What was given is passed on."
  }
}

run "lets_one_user_log_in_to_it_by_iam" {
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
    error_message = "In its own region and account."
  }

  assert {
    condition     = output.identifier == "shared"
    error_message = "It has a name."
  }
}

run "refuses_iam_without_knowing_the_instance" {
  command = plan

  variables {
    application = { iam_authentication = true }
    existing    = { endpoint = "db.example.com:3306" }
  }

  expect_failures = [var.existing]
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

run "refuses_a_name_for_a_resource_id" {
  command = plan

  variables {
    existing = { endpoint = "db.example.com:3306", resource_id = "shared" }
  }

  expect_failures = [var.existing]
}

run "refuses_to_make_one_from_nothing" {
  command = plan

  expect_failures = [var.admin_password, var.name, var.security_group_ids, var.subnet_ids]
}
