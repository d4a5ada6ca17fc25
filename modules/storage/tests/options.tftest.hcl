mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "allows_uploads_from_the_given_origins" {
  command = plan

  variables {
    cors = { origins = ["https://judge.example.com"], methods = ["PUT", "POST"], headers = ["content-type"], max_age_seconds = 60 }
  }

  assert {
    condition = one([for rule in aws_s3_bucket_cors_configuration.this[0].cors_rule : [rule.allowed_origins, rule.allowed_methods, rule.allowed_headers, rule.max_age_seconds]]) == [
      toset(["https://judge.example.com"]), toset(["PUT", "POST"]), toset(["content-type"]), 60
    ]
    error_message = "The given origins, methods and headers are allowed."
  }
}

run "logs_requests_to_another_bucket" {
  command = plan

  variables {
    access_logs = { bucket_name = "example-access-logs" }
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "example-access-logs" && aws_s3_bucket_logging.this[0].target_prefix == "test-grading-files/"
    error_message = "The default prefix is the name of the bucket."
  }
}

run "logs_requests_under_a_prefix" {
  command = plan

  variables {
    access_logs = { bucket_name = "example-access-logs", prefix = "grading/s3/" }
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_prefix == "grading/s3/"
    error_message = "The given prefix is used."
  }
}

run "sends_events_to_eventbridge" {
  command = plan

  variables {
    notifications = { eventbridge = true }
  }

  assert {
    condition     = aws_s3_bucket_notification.this[0].eventbridge && length(aws_s3_bucket_notification.this[0].queue) == 0
    error_message = "All events go to EventBridge."
  }
}

run "sends_events_to_queues_topics_and_functions" {
  command = plan

  variables {
    notifications = {
      queues    = { results = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:results", events = ["s3:ObjectCreated:*"], prefix = "results/", suffix = "result.json" } }
      topics    = { deleted = { arn = "arn:aws:sns:ap-northeast-2:123456789012:deleted", events = ["s3:ObjectRemoved:*"], prefix = "submissions/" } }
      functions = { scan = { arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:scan", events = ["s3:ObjectCreated:Put"], prefix = "submissions/", suffix = ".zip" } }
    }
  }

  assert {
    condition     = one([for queue in aws_s3_bucket_notification.this[0].queue : [queue.id, queue.queue_arn, queue.filter_prefix, queue.filter_suffix, one(queue.events)]]) == ["results", "arn:aws:sqs:ap-northeast-2:123456789012:results", "results/", "result.json", "s3:ObjectCreated:*"]
    error_message = "The queue receives events of new result files."
  }

  assert {
    condition     = one([for topic in aws_s3_bucket_notification.this[0].topic : [topic.topic_arn, one(topic.events), topic.filter_prefix]]) == ["arn:aws:sns:ap-northeast-2:123456789012:deleted", "s3:ObjectRemoved:*", "submissions/"]
    error_message = "The topic receives events of deleted submissions."
  }

  assert {
    condition     = one([for each in aws_s3_bucket_notification.this[0].lambda_function : [each.lambda_function_arn, each.filter_prefix, each.filter_suffix]]) == ["arn:aws:lambda:ap-northeast-2:123456789012:function:scan", "submissions/", ".zip"]
    error_message = "The function receives events of submitted archives."
  }

  assert {
    condition     = aws_lambda_permission.this["scan"].source_arn == "arn:aws:s3:::test-grading-files" && aws_lambda_permission.this["scan"].source_account == "123456789012" && aws_lambda_permission.this["scan"].principal == "s3.amazonaws.com" && aws_lambda_permission.this["scan"].qualifier == null
    error_message = "Only this bucket may invoke it."
  }
}

run "permits_an_alias_of_a_function_without_drift" {
  command = plan

  variables {
    notifications = {
      functions = { scan = { arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:scan:live" } }
    }
  }

  assert {
    condition     = aws_lambda_permission.this["scan"].function_name == "arn:aws:lambda:ap-northeast-2:123456789012:function:scan" && aws_lambda_permission.this["scan"].qualifier == "live"
    error_message = "Alias and function are separate arguments, or each plan would replace the permission."
  }

  assert {
    condition     = one(aws_s3_bucket_notification.this[0].lambda_function[*].lambda_function_arn) == "arn:aws:lambda:ap-northeast-2:123456789012:function:scan:live"
    error_message = "S3 invokes the alias."
  }
}

run "sends_events_of_different_prefixes_to_different_targets" {
  command = plan

  variables {
    notifications = {
      queues = { a = { arn = "arn:aws:sqs:ap-northeast-2:123456789012:a", prefix = "results/" } }
      topics = { a = { arn = "arn:aws:sns:ap-northeast-2:123456789012:a", prefix = "submissions/", suffix = ".py" }, b = { arn = "arn:aws:sns:ap-northeast-2:123456789012:b", prefix = "submissions/", suffix = ".json" } }
    }
  }

  assert {
    condition     = length(aws_s3_bucket_notification.this[0].topic) == 2
    error_message = "They do not overlap."
  }
}
