mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_resource {
    target = aws_sqs_queue.this["dead_letter"]
    values = {
      arn = "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-dlq"
      url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/test-grading-dlq"
    }
  }
  override_resource {
    target = aws_sqs_queue.this["priority"]
    values = {
      arn = "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-priority"
      url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/test-grading-priority"
    }
  }
  override_resource {
    target = aws_sqs_queue.this["requests"]
    values = {
      arn = "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-requests"
      url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/test-grading-requests"
    }
  }
  override_resource {
    target = aws_sqs_queue.this["results"]
    values = {
      arn = "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-results"
      url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/test-grading-results"
    }
  }
}

variables {
  name = "test-grading"
}

run "queues_are_encrypted_and_use_long_polling" {
  command = plan

  assert {
    condition = { for purpose, queue in aws_sqs_queue.this : purpose => queue.name } == {
      dead_letter = "test-grading-dlq"
      priority    = "test-grading-priority"
      requests    = "test-grading-requests"
      results     = "test-grading-results"
    }
    error_message = "Names follow the name of the module."
  }

  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.this) : queue.sqs_managed_sse_enabled && queue.kms_master_key_id == null && queue.fifo_queue == null])
    error_message = "Messages are encrypted with the key of SQS, in standard queues."
  }

  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.this) : queue.receive_wait_time_seconds == 20 && queue.visibility_timeout_seconds == 120])
    error_message = "Receives wait 20 seconds, and hide a message for two minutes."
  }

  assert {
    condition     = { for purpose, queue in aws_sqs_queue.this : purpose => queue.message_retention_seconds / 86400 } == { dead_letter = 14, priority = 14, requests = 14, results = 4 }
    error_message = "Requests and dead letters stay for 14 days, results for 4."
  }
}

run "dead_letters_come_from_the_requests_alone" {
  command = plan

  assert {
    condition = { for purpose, each in aws_sqs_queue_redrive_policy.this : purpose => [each.queue_url, jsondecode(each.redrive_policy)] } == {
      for purpose in ["priority", "requests"] : purpose => [
        "https://sqs.ap-northeast-2.amazonaws.com/123456789012/test-grading-${purpose}",
        { deadLetterTargetArn = "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-dlq", maxReceiveCount = 50 },
      ]
    }
    error_message = "SQS moves requests after 50 receives."
  }

  assert {
    condition = jsondecode(aws_sqs_queue_redrive_allow_policy.this[0].redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = [for purpose in ["priority", "requests"] : "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-${purpose}"]
    }
    error_message = "No other queue uses the dead-letter queue."
  }
}

run "queues_reject_requests_without_tls" {
  command = plan

  assert {
    condition = { for purpose, each in aws_sqs_queue_policy.this : purpose => jsondecode(each.policy).Statement } == {
      for purpose, end in { dead_letter = "dlq", priority = "priority", requests = "requests", results = "results" } : purpose => [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "arn:aws:sqs:ap-northeast-2:123456789012:test-grading-${end}"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
    error_message = "The policy of each queue denies plain HTTP and allows nothing."
  }
}

run "each_role_may_use_its_queues_only" {
  command = plan

  assert {
    condition = jsondecode(output.worker_policy_json).Statement == [
      {
        Sid      = "TakeRequests"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = [output.arns["priority"], output.arns["requests"]]
      },
      {
        Sid      = "SendResultsAndDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
        Resource = [output.arns["dead_letter"], output.arns["results"]]
      },
    ]
    error_message = "A worker takes requests, and sends results and dead letters."
  }

  assert {
    condition = jsondecode(output.web_policy_json).Statement == [
      {
        Sid      = "SendRequests"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
        Resource = [output.arns["priority"], output.arns["requests"]]
      },
      {
        Sid      = "TakeResults"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = [output.arns["results"]]
      },
    ]
    error_message = "A web tier sends requests and takes results."
  }

  assert {
    condition = jsondecode(output.api_policy_json).Statement == [
      {
        Sid      = "SendRequests"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
        Resource = [output.arns["priority"], output.arns["requests"]]
      },
      {
        Sid      = "CountDeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes"]
        Resource = [output.arns["dead_letter"]]
      },
    ]
    error_message = "The API sends requests, counts them and dead letters, and takes none."
  }

  assert {
    condition = jsondecode(output.operator_policy_json).Statement == [{
      Sid    = "InspectMoveAndPurge"
      Effect = "Allow"
      Action = [
        "sqs:CancelMessageMoveTask", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl", "sqs:ListMessageMoveTasks", "sqs:PurgeQueue", "sqs:ReceiveMessage", "sqs:SendMessage",
        "sqs:StartMessageMoveTask",
      ]
      Resource = [output.arns["dead_letter"], output.arns["priority"], output.arns["requests"], output.arns["results"]]
    }]
    error_message = "An operator handles the messages of all queues, and no queue itself."
  }
}

run "outputs_name_the_queues_by_purpose" {
  command = plan

  assert {
    condition = output.urls == { for purpose, end in { dead_letter = "dlq", priority = "priority", requests = "requests", results = "results" } :
      purpose => "https://sqs.ap-northeast-2.amazonaws.com/123456789012/test-grading-${end}"
    }
    error_message = "URLs are those of SQS."
  }

  assert {
    condition     = output.names["dead_letter"] == "test-grading-dlq" && output.kms_key_arn == null && output.visibility_seconds == 120 && output.wait_seconds == 20
    error_message = "Names, key and times are as created."
  }
}
