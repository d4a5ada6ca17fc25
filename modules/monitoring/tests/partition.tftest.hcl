# An account of another partition.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  broker           = { node_names = ["test-grading-mq-1"] }
}

run "the_key_of_the_topic_names_the_partition_of_the_account" {
  command = plan

  override_resource {
    target          = aws_kms_key.topic
    override_during = plan
    values          = { arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = jsondecode(aws_kms_key_policy.topic["this"].policy).Statement[0].Principal == { AWS = "arn:aws-us-gov:iam::123456789012:root" }
    error_message = "KMS rejects a principal of another partition."
  }
}
