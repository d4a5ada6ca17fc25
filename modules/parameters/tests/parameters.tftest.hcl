mock_provider "aws" {
  mock_resource "aws_ssm_parameter" {
    defaults = {
      arn = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/mq/x"
    }
  }
}

variables {
  environment_name = "test"
  part             = "mq"
  values           = { username = "admin" }
  secret_versions  = { password = 1 }
  secret_values    = { password = "a-Password-for-tests-1" }
}

run "names_and_kinds_follow_the_contract" {
  assert {
    condition     = output.names == { username = "/test/mq/username", password = "/test/mq/password" }
    error_message = "A name is /<environment>/<part>/<key>."
  }

  assert {
    condition     = aws_ssm_parameter.secret["password"].type == "SecureString" && aws_ssm_parameter.this["username"].type == "String"
    error_message = "Secrets are SecureStrings."
  }
}

run "readers_may_read_these_and_nothing_else" {
  assert {
    condition = alltrue([
      for statement in jsondecode(output.reader_policy_json).Statement :
      length(statement.Resource) == 2 && alltrue([for arn in statement.Resource : !strcontains(arn, "*")])
    ])
    error_message = "The policy names each parameter."
  }
}

run "refuses_a_key_that_is_both_plain_and_secret" {
  command = plan

  variables {
    values = { password = "x" }
  }

  expect_failures = [var.values]
}

run "refuses_a_key_with_a_slash" {
  command = plan

  variables {
    values = { "a/b" = "x" }
  }

  expect_failures = [var.values]
}
