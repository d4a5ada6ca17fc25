# Names, values and readers of the parameters.

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
    error_message = "Parameters have the free tier."
  }

  assert {
    condition     = output.secret_versions == { password = 1 } && aws_ssm_parameter.secret["password"].value_wo_version == 1
    error_message = "A secret is written once for each version."
  }

  assert {
    condition     = aws_ssm_parameter.secret["password"].key_id == "alias/aws/ssm"
    error_message = "The default is the key of SSM by its alias; null would keep an earlier key."
  }
}

run "secrets_are_not_in_the_plan" {
  command = plan

  assert {
    condition     = !strcontains(jsonencode(aws_ssm_parameter.secret), "a-Password-for-tests-1")
    error_message = "A secret is sent to SSM and kept nowhere else."
  }
}

run "the_reader_policy_allows_only_these_parameters" {
  command = plan

  assert {
    condition = toset(flatten([for statement in jsondecode(output.reader_policy_json).Statement : statement.Resource])) == toset([
      for parameter in concat(values(aws_ssm_parameter.this), values(aws_ssm_parameter.secret)) : parameter.arn
    ])
    error_message = "The policy lists each parameter."
  }

  assert {
    condition     = flatten([for statement in jsondecode(output.reader_policy_json).Statement : statement.Action]) == ["ssm:GetParameter", "ssm:GetParameters"]
    error_message = "The policy allows reading but not listing, and needs no KMS permission."
  }

  assert {
    condition     = length(output.reader_policies) == 0
    error_message = "Without readers there are no reader policies."
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
    error_message = "The probe may read only the address."
  }

  assert {
    condition = jsondecode(output.reader_policies["worker"]).Statement[0].Resource == [
      aws_ssm_parameter.secret["password"].arn, aws_ssm_parameter.this["username"].arn,
    ]
    error_message = "The worker reads name and password."
  }
}

run "a_reader_may_decrypt_its_secrets" {
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
    error_message = "A new key changes the version of each secret, because SSM requires the value with it."
  }

  assert {
    condition = jsondecode(output.reader_policies["worker"]).Statement[1] == {
      Sid       = "DecryptParameters"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = ["arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"]
      Condition = { StringEquals = { "kms:EncryptionContext:PARAMETER_ARN" = [aws_ssm_parameter.secret["password"].arn] } }
    }
    error_message = "The worker may decrypt only its password with this key."
  }

  assert {
    condition     = length(jsondecode(output.reader_policies["probe"]).Statement) == 1
    error_message = "A reader without secrets has no KMS permission."
  }

  assert {
    condition = jsondecode(output.reader_policy_json).Statement[1].Condition.StringEquals["kms:EncryptionContext:PARAMETER_ARN"] == [
      aws_ssm_parameter.secret["password"].arn, aws_ssm_parameter.secret["token"].arn,
    ]
    error_message = "A reader of all may decrypt all secrets of the part."
  }
}

run "large_values_need_the_advanced_tier" {
  command = plan

  variables {
    tier          = "Advanced"
    values        = { problems = format("%08192d", 0) }
    secret_values = { password = format("%08192d", 0) }
  }

  assert {
    condition     = aws_ssm_parameter.this["problems"].tier == "Advanced" && aws_ssm_parameter.secret["password"].tier == "Advanced"
    error_message = "The given tier is used."
  }

  assert {
    condition     = output.secret_versions["password"] > 1000000
    error_message = "A new tier changes the version of the secret."
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
    error_message = "A name including its ARN prefix has at most 1011 characters and 15 levels."
  }
}
