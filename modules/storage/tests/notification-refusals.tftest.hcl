mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "refuses_a_fifo_queue" {
  command = plan

  variables {
    notifications = { queues = { a = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a.fifo" } } }
  }

  expect_failures = [var.notifications]
}

run "refuses_a_topic_among_the_queues" {
  command = plan

  variables {
    notifications = { queues = { a = { arn = "arn:aws:sns:ap-northeast-2:123456789012:a" } } }
  }

  expect_failures = [var.notifications]
}

run "refuses_a_name_with_a_space" {
  command = plan

  variables {
    notifications = { queues = { "new results" = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a" } } }
  }

  expect_failures = [var.notifications]
}

run "refuses_an_unknown_event" {
  command = plan

  variables {
    notifications = { queues = { a = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a", events = ["s3:ObjectRead"] } } }
  }

  expect_failures = [var.notifications]
}

run "refuses_a_target_without_events" {
  command = plan

  variables {
    notifications = { queues = { a = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a", events = [] } } }
  }

  expect_failures = [var.notifications]
}

run "refuses_a_notification_prefix_outside_the_layout" {
  command = plan

  variables {
    notifications = { queues = { a = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a", prefix = "uploads/" } } }
  }

  expect_failures = [var.notifications]
}

run "refuses_two_targets_for_the_same_event" {
  command = plan

  variables {
    notifications = {
      queues = { a = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a" } }
      topics = { b = { arn = "arn:aws:sns:ap-northeast-2:123456789012:b", events = ["s3:ObjectCreated:Put"], prefix = "results/" } }
    }
  }

  expect_failures = [aws_s3_bucket_notification.this]
}
