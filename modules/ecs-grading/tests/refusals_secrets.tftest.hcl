mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  environment        = { ENVIRONMENT = "test" }
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  queue              = { broker_node_names = ["test-grading-mq-1"] }
}

run "refuses_the_name_of_a_login_in_place_of_its_arn" {
  command = plan

  variables {
    image = "registry.example.com/grading-worker:1.0"
    task  = { repository_credentials_arn = "registry" }
  }

  expect_failures = [var.task]
}

run "refuses_a_login_for_an_image_in_ecr" {
  command = plan

  variables {
    task = { repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf" }
  }

  expect_failures = [var.task]
}

run "refuses_a_secret_without_the_end_of_its_arn" {
  command = plan

  variables {
    task = { secret_arns = { HANDLER_TOKEN = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:handler_token" } }
  }

  expect_failures = [var.task]
}

run "refuses_a_secret_that_environment_has" {
  command = plan

  variables {
    task = { secret_arns = { DRAIN_SECONDS = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/drain" } }
  }

  expect_failures = [var.task]
}

run "refuses_the_alias_of_a_key_of_secrets" {
  command = plan

  variables {
    task = { secret_kms_key_arns = ["arn:aws:kms:ap-northeast-2:123456789012:alias/secrets"] }
  }

  expect_failures = [var.task]
}
