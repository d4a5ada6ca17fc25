mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "uses_the_given_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule[*].apply_server_side_encryption_by_default[0].sse_algorithm) == "aws:kms"
    error_message = "Objects are encrypted by KMS."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule[*].apply_server_side_encryption_by_default[0].kms_master_key_id) == var.kms_key_arn
    error_message = "The given key is used."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule[*].bucket_key_enabled)
    error_message = "The bucket key is enabled."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[2].Condition.StringNotEquals["s3:x-amz-server-side-encryption"] == "aws:kms" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[4].Sid == "NoOtherKey" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[4].Condition.StringNotEquals["s3:x-amz-server-side-encryption-aws-kms-key-id"] == var.kms_key_arn
    error_message = "An upload must not name another key."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement[5].Condition == {
      StringEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
      Null         = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "true" }
    }
    error_message = "An upload with aws:kms must name the key; one without a header gets the bucket's."
  }
}

run "worker_and_web_tier_may_use_the_key_only_through_s3" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = alltrue([
      for policy in [output.worker_policy_json, output.web_policy_json] : [
        for statement in jsondecode(policy).Statement : statement if statement.Sid == "UseKey"
        ] == [{
          Sid       = "UseKey"
          Effect    = "Allow"
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = var.kms_key_arn
          Condition = { StringEquals = { "kms:ViaService" = "s3.ap-northeast-2.amazonaws.com" } }
      }]
    ])
    error_message = "The policies allow two actions on the key, only through S3."
  }
}
