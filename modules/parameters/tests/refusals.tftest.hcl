# Values that Parameter Store rejects, or that are likely mistakes.

mock_provider "aws" {}

variables {
  environment_name = "test"
  part             = "mq"
  values           = { username = "admin", broker-endpoint = "stomp+ssl://broker.example.com:61614" }
  secret_versions  = { password = 1 }
  secret_values    = { password = "a-Password-for-tests-1" }
}

run "refuses_an_environment_reserved_by_aws" {
  command = plan

  variables {
    environment_name = "aws-test"
  }

  expect_failures = [var.environment_name]
}

run "refuses_an_environment_reserved_by_ssm" {
  command = plan

  variables {
    environment_name = "ssm"
  }

  expect_failures = [var.environment_name]
}

run "refuses_an_environment_of_33_characters" {
  command = plan

  variables {
    environment_name = "e12345678901234567890123456789012"
  }

  expect_failures = [var.environment_name]
}

run "refuses_a_part_with_a_slash" {
  command = plan

  variables {
    part = "mq/web"
  }

  expect_failures = [var.part]
}

run "refuses_a_key_with_a_slash" {
  command = plan

  variables {
    values = { "a/b" = "x" }
  }

  expect_failures = [var.values]
}

run "refuses_a_key_of_65_characters" {
  command = plan

  variables {
    values = { k1234567890123456789012345678901234567890123456789012345678901234 = "x" }
  }

  expect_failures = [var.values]
}

run "refuses_a_key_that_is_both_plain_and_secret" {
  command = plan

  variables {
    values = { password = "x" }
  }

  expect_failures = [var.values]
}

run "refuses_an_empty_value" {
  command = plan

  variables {
    values = { username = "" }
  }

  expect_failures = [var.values]
}

run "refuses_a_value_one_byte_too_large" {
  command = plan

  variables {
    values = { problems = format("%04097d", 0) }
  }

  expect_failures = [var.values]
}

run "refuses_a_value_whose_characters_take_too_many_bytes" {
  command = plan

  variables {
    values = { problems = join("", ["x", format("%04094d", 0), "é"]) }
  }

  expect_failures = [var.values]
}

run "refuses_a_value_too_large_for_the_advanced_tier" {
  command = plan

  variables {
    tier   = "Advanced"
    values = { problems = format("%08193d", 0) }
  }

  expect_failures = [var.values]
}

run "refuses_a_value_with_a_reference" {
  command = plan

  variables {
    values = { username = "{{ssm:other}}" }
  }

  expect_failures = [var.values]
}

run "refuses_more_keys_than_a_policy_can_list" {
  command = plan

  variables {
    values = { for number in range(30) : "key-${number}" => "x" }
  }

  expect_failures = [var.values]
}

run "refuses_a_secret_key_with_capitals" {
  command = plan

  variables {
    secret_versions = { Password = 1 }
    secret_values   = { Password = "a-Password-for-tests-1" }
  }

  expect_failures = [var.secret_versions]
}

run "refuses_a_version_of_zero" {
  command = plan

  variables {
    secret_versions = { password = 0 }
  }

  expect_failures = [var.secret_versions]
}

run "refuses_a_version_without_its_secret" {
  command = plan

  variables {
    secret_values = {}
  }

  expect_failures = [var.secret_values]
}

run "refuses_an_empty_secret" {
  command = plan

  variables {
    secret_values = { password = "" }
  }

  expect_failures = [var.secret_values]
}

run "refuses_a_secret_one_byte_too_large" {
  command = plan

  variables {
    secret_values = { password = format("%04097d", 0) }
  }

  expect_failures = [var.secret_values]
}

run "refuses_an_unknown_tier" {
  command = plan

  variables {
    tier = "Intelligent-Tiering"
  }

  expect_failures = [var.tier]
}

run "refuses_the_alias_of_a_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:alias/parameters"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_reader_of_a_missing_key" {
  command = plan

  variables {
    readers = { worker = ["pasword"] }
  }

  expect_failures = [var.readers]
}

run "refuses_a_reader_without_keys" {
  command = plan

  variables {
    readers = { worker = [] }
  }

  expect_failures = [var.readers]
}

run "refuses_a_reader_name_with_capitals" {
  command = plan

  variables {
    readers = { Worker = ["password"] }
  }

  expect_failures = [var.readers]
}
