mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name = "test-grading"
}

run "a_key_encrypts_and_each_role_may_use_it_through_sqs" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.this) : queue.kms_master_key_id == var.kms_key_arn])
    error_message = "All queues have the key."
  }

  assert {
    condition = alltrue([for document in [output.operator_policy_json, output.web_policy_json, output.worker_policy_json] :
      reverse(jsondecode(document).Statement)[0] == {
        Sid       = "UseKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "sqs.ap-northeast-2.amazonaws.com" } }
      }
    ])
    error_message = "Each role may use the key, only through SQS."
  }

  assert {
    condition     = output.kms_key_arn == var.kms_key_arn
    error_message = "The output has the key."
  }
}

run "large_bodies_are_in_the_bucket" {
  command = plan

  variables {
    bucket_arn = "arn:aws:s3:::test-grading-files"
  }

  assert {
    condition = alltrue([for document in [output.operator_policy_json, output.worker_policy_json] :
      slice(reverse(jsondecode(document).Statement), 0, 2) == [
        {
          Sid      = "WriteLargeBodies"
          Effect   = "Allow"
          Action   = "s3:PutObject"
          Resource = "arn:aws:s3:::test-grading-files/results/messages/*"
        },
        {
          Sid    = "ReadLargeBodies"
          Effect = "Allow"
          Action = "s3:GetObject"
          Resource = [
            "arn:aws:s3:::test-grading-files/results/messages/*",
            "arn:aws:s3:::test-grading-files/submissions/messages/*",
          ]
        },
      ]
    ])
    error_message = "Workers and operators read bodies of all messages, and store those of results and dead letters."
  }

  assert {
    condition = slice(reverse(jsondecode(output.web_policy_json).Statement), 0, 2) == [
      {
        Sid      = "WriteLargeBodies"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "arn:aws:s3:::test-grading-files/submissions/messages/*"
      },
      {
        Sid      = "ReadLargeBodies"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["arn:aws:s3:::test-grading-files/results/messages/*"]
      },
    ]
    error_message = "The web tier stores bodies of requests, and reads those of results."
  }
}

run "without_a_queue_for_urgent_requests" {
  command = plan

  variables {
    enable_priority_queue = false
  }

  assert {
    condition     = keys(aws_sqs_queue.this) == ["dead_letter", "requests", "results"] && keys(output.names) == keys(aws_sqs_queue.this)
    error_message = "Three queues remain."
  }

  assert {
    condition     = keys(aws_sqs_queue_redrive_policy.this) == ["requests"] && length(jsondecode(aws_sqs_queue_redrive_allow_policy.this[0].redrive_allow_policy).sourceQueueArns) == 1
    error_message = "One queue has dead letters."
  }
}

run "times_and_counts_are_set" {
  command = plan

  variables {
    max_receive_count  = 20
    retention_days     = { dead_letters = 10, requests = 7, results = 1 }
    visibility_seconds = 300
    wait_seconds       = 5
  }

  assert {
    condition     = { for purpose, queue in aws_sqs_queue.this : purpose => queue.message_retention_seconds / 86400 } == { dead_letter = 10, priority = 7, requests = 7, results = 1 }
    error_message = "Each purpose has its retention."
  }

  assert {
    condition     = alltrue([for queue in values(aws_sqs_queue.this) : queue.receive_wait_time_seconds == 5 && queue.visibility_timeout_seconds == 300]) && output.visibility_seconds == 300 && output.wait_seconds == 5
    error_message = "Times are those of the variables."
  }

  assert {
    condition     = alltrue([for each in values(aws_sqs_queue_redrive_policy.this) : jsondecode(each.redrive_policy).maxReceiveCount == 20])
    error_message = "SQS moves requests after 20 receives."
  }
}

run "names_of_ones_choice" {
  command = plan

  variables {
    names = { dead_letter = "failed", priority = "urgent", requests = "in", results = "out" }
  }

  assert {
    condition     = output.names == { dead_letter = "failed", priority = "urgent", requests = "in", results = "out" }
    error_message = "Names are those of the variable."
  }
}
