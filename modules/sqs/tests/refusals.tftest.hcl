mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name = "test-grading"
}

run "refuses_an_existing_queue_that_is_no_arn" {
  command = plan

  variables {
    existing = {
      requests_arn    = "https://sqs.eu-west-1.amazonaws.com/123456789012/requests"
      results_arn     = "arn:aws:sqs:eu-west-1:123456789012:results"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_an_existing_fifo_queue" {
  command = plan

  variables {
    existing = {
      requests_arn    = "arn:aws:sqs:eu-west-1:123456789012:requests.fifo"
      results_arn     = "arn:aws:sqs:eu-west-1:123456789012:results"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_existing_queues_of_two_regions" {
  command = plan

  variables {
    existing = {
      requests_arn    = "arn:aws:sqs:eu-west-1:123456789012:requests"
      results_arn     = "arn:aws:sqs:eu-west-2:123456789012:results"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_an_existing_queue_with_two_purposes" {
  command = plan

  variables {
    existing = {
      requests_arn    = "arn:aws:sqs:eu-west-1:123456789012:requests"
      results_arn     = "arn:aws:sqs:eu-west-1:123456789012:requests"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_an_alias_as_key_of_existing_queues" {
  command = plan

  variables {
    existing = {
      requests_arn    = "arn:aws:sqs:eu-west-1:123456789012:requests"
      results_arn     = "arn:aws:sqs:eu-west-1:123456789012:results"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
      kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:alias/queues"
    }
  }

  expect_failures = [var.existing]
}

run "refuses_an_alias_as_key" {
  command = plan

  variables {
    kms_key_arn = "alias/aws/sqs"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_key_for_existing_queues" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    existing = {
      requests_arn    = "arn:aws:sqs:eu-west-1:123456789012:requests"
      results_arn     = "arn:aws:sqs:eu-west-1:123456789012:results"
      dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
    }
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_few_receives" {
  command = plan

  variables {
    max_receive_count = 3
  }

  expect_failures = [var.max_receive_count]
}

run "refuses_a_long_name" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "refuses_a_fifo_name" {
  command = plan

  variables {
    names = { requests = "requests.fifo" }
  }

  expect_failures = [var.names]
}

run "refuses_a_name_with_a_dot" {
  command = plan

  variables {
    names = { requests = "grading.requests" }
  }

  expect_failures = [var.names]
}

run "refuses_one_name_for_two_queues" {
  command = plan

  variables {
    names = { requests = "test-grading-results" }
  }

  expect_failures = [var.names]
}

run "refuses_a_long_retention" {
  command = plan

  variables {
    retention_days = { requests = 14, dead_letters = 15 }
  }

  expect_failures = [var.retention_days]
}

run "refuses_dead_letters_that_go_before_requests" {
  command = plan

  variables {
    retention_days = { requests = 14, dead_letters = 7 }
  }

  expect_failures = [var.retention_days]
}

run "refuses_a_short_visibility" {
  command = plan

  variables {
    visibility_seconds = 30
  }

  expect_failures = [var.visibility_seconds]
}

run "refuses_short_polling" {
  command = plan

  variables {
    wait_seconds = 0
  }

  expect_failures = [var.wait_seconds]
}

run "refuses_the_name_of_a_bucket" {
  command = plan

  variables {
    bucket_arn = "test-grading-files"
  }

  expect_failures = [var.bucket_arn]
}
