mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name = "test-grading"
}

run "existing_queues_are_not_changed" {
  command = plan

  variables {
    existing = {
      requests_arn    = "arn:aws:sqs:eu-west-1:123456789012:requests"
      priority_arn    = "arn:aws:sqs:eu-west-1:123456789012:urgent"
      results_arn     = "arn:aws:sqs:eu-west-1:210987654321:results"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
      kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    }
  }

  assert {
    condition     = length(aws_sqs_queue.this) + length(aws_sqs_queue_policy.this) + length(aws_sqs_queue_redrive_policy.this) + length(aws_sqs_queue_redrive_allow_policy.this) == 0
    error_message = "Nothing is created."
  }

  assert {
    condition = output.urls == {
      dead_letter = "https://sqs.eu-west-1.amazonaws.com/123456789012/failed"
      priority    = "https://sqs.eu-west-1.amazonaws.com/123456789012/urgent"
      requests    = "https://sqs.eu-west-1.amazonaws.com/123456789012/requests"
      results     = "https://sqs.eu-west-1.amazonaws.com/210987654321/results"
    }
    error_message = "URLs follow from the ARNs, also those of another account."
  }

  assert {
    condition     = output.names == { dead_letter = "failed", priority = "urgent", requests = "requests", results = "results" } && output.arns["priority"] == var.existing.priority_arn
    error_message = "Names and ARNs are those of the existing queues."
  }

  assert {
    condition = (
      jsondecode(output.worker_policy_json).Statement[0].Resource == [var.existing.priority_arn, var.existing.requests_arn] &&
      jsondecode(output.worker_policy_json).Statement[2].Resource == var.existing.kms_key_arn && output.kms_key_arn == var.existing.kms_key_arn
    )
    error_message = "Policies name the existing queues and their key."
  }
}

run "existing_queues_in_china_have_another_domain" {
  command = plan

  variables {
    existing = {
      requests_arn    = "arn:aws-cn:sqs:cn-north-1:123456789012:requests"
      results_arn     = "arn:aws-cn:sqs:cn-north-1:123456789012:results"
      dead_letter_arn = "arn:aws-cn:sqs:cn-north-1:123456789012:failed"
    }
  }

  assert {
    condition     = output.urls["requests"] == "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/requests" && keys(output.urls) == ["dead_letter", "requests", "results"]
    error_message = "The domain is that of the partition, and there is no queue for urgent requests."
  }

  assert {
    condition     = length(jsondecode(output.worker_policy_json).Statement) == 2 && output.kms_key_arn == null
    error_message = "Without a key no policy names one."
  }
}
