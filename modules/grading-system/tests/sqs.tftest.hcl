# Queues of SQS, alone and while they replace a broker.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  region           = "ap-northeast-2"
  image            = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  passwords        = { database = "a-Password-for-tests-2" }
  storage = {
    bucket_name        = "test-files"
    worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:s3:::test-files/*\"}]}"
  }
  network = {
    vpc_id             = "vpc-0123456789abcdef0"
    vpc_cidr_block     = "10.20.0.0/16"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    s3_prefix_list_id  = "pl-78a54011"
    endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
  }
  broker = {
    sqs = {
      names              = { dead_letter = "test-dlq", priority = "test-urgent", requests = "test-in", results = "test-out" }
      urls               = { dead_letter = "https://sqs/test-dlq", priority = "https://sqs/test-urgent", requests = "https://sqs/test-in", results = "https://sqs/test-out" }
      visibility_seconds = 300
      wait_seconds       = 10
      worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:sqs:ap-northeast-2:123456789012:test-in\"}]}"
    }
  }
  database = {
    database_name      = "judge"
    endpoint           = "db.example.com:3306"
    security_group_ids = ["sg-0123456789abcdef1"]
  }
}

run "workers_get_the_queues_and_nothing_of_a_broker" {
  command = plan

  assert {
    condition = { for name, value in output.environment : name => value if !startswith(name, "DB_") } == {
      AWS_REGION             = "ap-northeast-2"
      ENVIRONMENT            = "test"
      GRADING_BUCKET         = "test-files"
      SQS_DLQ_URL            = "https://sqs/test-dlq"
      SQS_PRIORITY_QUEUE_URL = "https://sqs/test-urgent"
      SQS_QUEUE_URL          = "https://sqs/test-in"
      SQS_RESULT_QUEUE_URL   = "https://sqs/test-out"
      SQS_VISIBILITY_SECONDS = "300"
      SQS_WAIT_SECONDS       = "10"
      USE_SQS_QUEUE          = "true"
    }
    error_message = "Variables name the queues of SQS."
  }

  assert {
    condition     = keys(output.parameter_names) == ["db-endpoint", "db-name", "db-password", "db-username"]
    error_message = "There are no parameters of a broker."
  }

  assert {
    condition     = output.min_tasks == 1 && local.has_sqs && !local.has_broker
    error_message = "Only SQS is used."
  }
}

run "a_queue_for_urgent_requests_may_be_missing" {
  command = plan

  variables {
    broker = {
      sqs = {
        names              = { dead_letter = "test-dlq", requests = "test-in", results = "test-out" }
        urls               = { dead_letter = "https://sqs/test-dlq", requests = "https://sqs/test-in", results = "https://sqs/test-out" }
        worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:sqs:ap-northeast-2:123456789012:test-in\"}]}"
      }
    }
  }

  assert {
    condition     = output.environment["SQS_PRIORITY_QUEUE_URL"] == "" && output.environment["SQS_WAIT_SECONDS"] == "20" && output.environment["SQS_VISIBILITY_SECONDS"] == "120"
    error_message = "An empty URL means that the queue does not exist."
  }
}

run "the_queues_are_drained_while_the_broker_is_used_again" {
  command = plan

  variables {
    passwords = { broker = "a-Password-for-tests-1", database = "a-Password-for-tests-2" }
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef0"]
      sqs = {
        active             = false
        names              = { dead_letter = "test-dlq", requests = "test-in", results = "test-out" }
        urls               = { dead_letter = "https://sqs/test-dlq", requests = "https://sqs/test-in", results = "https://sqs/test-out" }
        worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:sqs:ap-northeast-2:123456789012:test-in\"}]}"
      }
    }
  }

  assert {
    condition     = output.environment["USE_SQS_QUEUE"] == "false" && output.environment["DRAIN_OTHER_TRANSPORT"] == "true" && output.environment["MQ_ENDPOINT_PARAM"] == "/test/worker/mq-endpoint"
    error_message = "Workers have both, and drain the queues."
  }
}

run "rejects_neither_broker_nor_queues" {
  command = plan

  variables {
    broker = {}
  }

  expect_failures = [var.broker]
}

run "rejects_a_broker_without_its_password" {
  command = plan

  variables {
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef0"]
    }
  }

  expect_failures = [var.passwords]
}
