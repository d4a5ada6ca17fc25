# What is written, under which names, and who may read it.

mock_provider "aws" {
  mock_resource "aws_ssm_parameter" {
    override_during = plan
    defaults        = {}
  }
}

variables {
  environment_name = "test"
  part             = "mq"
  values           = { username = "admin", broker-endpoint = "stomp+ssl://broker.example.com:61614" }
  secret_versions  = { password = 1 }
  secret_values    = { password = "a-Password-for-tests-1" }
}

run "names_and_kinds_follow_the_contract" {
  command = plan

  assert {
    condition = output.names == {
      broker-endpoint = "/test/mq/broker-endpoint", username = "/test/mq/username", password = "/test/mq/password"
    }
    error_message = "A name is /<environment>/<part>/<key>."
  }

  assert {
    condition     = aws_ssm_parameter.secret["password"].type == "SecureString" && aws_ssm_parameter.this["username"].type == "String"
    error_message = "Secrets are SecureStrings."
  }

  assert {
    condition     = alltrue([for parameter in concat(values(aws_ssm_parameter.this), values(aws_ssm_parameter.secret)) : parameter.tier == "Standard"])
    error_message = "Parameters are of the tier that is free of charge."
  }

  assert {
    condition     = output.secret_versions == { password = 1 } && aws_ssm_parameter.secret["password"].value_wo_version == 1
    error_message = "A secret is written once for each version."
  }

  assert {
    condition     = aws_ssm_parameter.secret["password"].key_id == "alias/aws/ssm"
    error_message = "The key is that of SSM, said by name: left away, an earlier key would stay."
  }
}

run "secrets_are_in_no_plan" {
  command = plan

  assert {
    condition     = !strcontains(jsonencode(aws_ssm_parameter.secret), "a-Password-for-tests-1")
    error_message = "A secret is sent to SSM and kept nowhere else."
  }
}

run "a_reader_of_all_may_read_these_and_nothing_else" {
  command = plan

  assert {
    condition = toset(flatten([for statement in jsondecode(output.reader_policy_json).Statement : statement.Resource])) == toset([
      for parameter in concat(values(aws_ssm_parameter.this), values(aws_ssm_parameter.secret)) : parameter.arn
    ])
    error_message = "The policy names each parameter."
  }

  assert {
    condition     = flatten([for statement in jsondecode(output.reader_policy_json).Statement : statement.Action]) == ["ssm:GetParameter", "ssm:GetParameters"]
    error_message = "It lets a reader read, not list, and needs no right to the key of SSM."
  }

  assert {
    condition     = length(output.reader_policies) == 0
    error_message = "Nobody reads a part of them unless named."
  }
}

run "each_reader_reads_its_keys" {
  command = plan

  variables {
    readers = { probe = ["broker-endpoint"], worker = ["password", "username"] }
  }

  assert {
    condition = jsondecode(output.reader_policies["probe"]).Statement[0].Resource == [
      aws_ssm_parameter.this["broker-endpoint"].arn
    ] && length(jsondecode(output.reader_policies["probe"]).Statement) == 1
    error_message = "The probe reads the address alone."
  }

  assert {
    condition = jsondecode(output.reader_policies["worker"]).Statement[0].Resource == [
      aws_ssm_parameter.secret["password"].arn, aws_ssm_parameter.this["username"].arn,
    ]
    error_message = "The worker reads name and password."
  }
}

run "a_key_of_ones_own_decrypts_the_secrets_of_a_reader" {
  command = plan

  variables {
    kms_key_arn     = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    secret_versions = { password = 1, token = 3 }
    secret_values   = { password = "a-Password-for-tests-1", token = "a-Token-for-tests-1" }
    readers         = { probe = ["broker-endpoint"], worker = ["broker-endpoint", "password"] }
  }

  assert {
    condition = alltrue([
      for parameter in values(aws_ssm_parameter.secret) :
      parameter.key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    ])
    error_message = "The key encrypts every SecureString."
  }

  assert {
    condition = (
      output.secret_versions["password"] % 1000000 == 1 && output.secret_versions["token"] % 1000000 == 3 &&
      output.secret_versions["password"] > 1000000
    )
    error_message = "Under another key each secret is sent again: SSM refuses a new key without the value."
  }

  assert {
    condition = jsondecode(output.reader_policies["worker"]).Statement[1] == {
      Sid       = "DecryptParameters"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = ["arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"]
      Condition = { StringEquals = { "kms:EncryptionContext:PARAMETER_ARN" = [aws_ssm_parameter.secret["password"].arn] } }
    }
    error_message = "The worker may decrypt its password with this key, and nothing else."
  }

  assert {
    condition     = length(jsondecode(output.reader_policies["probe"]).Statement) == 1
    error_message = "Who reads no secret needs no key."
  }

  assert {
    condition = jsondecode(output.reader_policy_json).Statement[1].Condition.StringEquals["kms:EncryptionContext:PARAMETER_ARN"] == [
      aws_ssm_parameter.secret["password"].arn, aws_ssm_parameter.secret["token"].arn,
    ]
    error_message = "A reader of all may decrypt all secrets of the part."
  }
}

run "large_values_take_the_advanced_tier" {
  command = plan

  variables {
    tier          = "Advanced"
    values        = { problems = format("%08192d", 0) }
    secret_values = { password = format("%08192d", 0) }
  }

  assert {
    condition     = aws_ssm_parameter.this["problems"].tier == "Advanced" && aws_ssm_parameter.secret["password"].tier == "Advanced"
    error_message = "The tier is the one given."
  }

  assert {
    condition     = output.secret_versions["password"] > 1000000
    error_message = "In another tier a secret is sent again."
  }
}

run "the_largest_standard_value_fits" {
  command = plan

  variables {
    values        = { problems = join("", [for number in range(1024) : "éé"]) } # each é has two bytes
    secret_values = { password = format("%04096d", 0) }
  }

  assert {
    condition     = length(aws_ssm_parameter.this["problems"].value) == 2048
    error_message = "4096 bytes are taken."
  }
}

run "the_longest_name_fits_the_service" {
  command = plan

  variables {
    environment_name = "e1234567890123456789012345678901"
    part             = "p1234567890123456789012345678901"
    values           = { k123456789012345678901234567890123456789012345678901234567890123 = "x" }
  }

  assert {
    condition = alltrue([
      for name in values(output.names) :
      length(name) + length("arn:aws-us-gov:ssm:ap-southeast-2:123456789012:parameter") <= 1011 && length(split("/", trimprefix(name, "/"))) <= 15
    ])
    error_message = "With its ARN a name has up to 1011 characters, and up to 15 levels."
  }
}
