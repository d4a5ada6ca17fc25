mock_provider "aws" {
  mock_resource "aws_mq_configuration" {
    defaults = {
      arn = "arn:aws:mq:ap-northeast-2:123456789012:configuration:c-1"
    }
  }

  mock_resource "aws_mq_broker" {
    defaults = {
      instances = [{
        console_url = "https://b-1.example.com:8162"
        endpoints   = ["ssl://b-1.example.com:61617", "stomp+ssl://b-1.example.com:61614"]
        ip_address  = "10.0.0.10"
      }]
    }
  }
}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "one_private_broker_with_logs" {
  assert {
    condition     = aws_mq_broker.this[0].deployment_mode == "SINGLE_INSTANCE" && aws_mq_broker.this[0].subnet_ids == toset(["subnet-1"])
    error_message = "A single broker is in one subnet."
  }

  assert {
    condition     = !aws_mq_broker.this[0].publicly_accessible && aws_mq_broker.this[0].auto_minor_version_upgrade
    error_message = "The broker is private and takes minor versions by itself."
  }

  assert {
    condition     = aws_mq_broker.this[0].logs[0].audit && aws_mq_broker.this[0].logs[0].general
    error_message = "Both logs are on."
  }

  assert {
    condition     = output.stomp_endpoints == ["stomp+ssl://b-1.example.com:61614"]
    error_message = "The STOMP endpoint is found by its scheme."
  }

  assert {
    condition     = join(" ", output.queue_names) == "grading-dlq grading-priority grading-requests grading-results"
    error_message = "All four queues are declared."
  }

  assert {
    condition     = output.node_names == ["test-grading-mq-1"]
    error_message = "CloudWatch calls the one node <name>-1."
  }
}

run "a_pair_is_in_two_subnets" {
  variables {
    deployment_mode = "ACTIVE_STANDBY_MULTI_AZ"
    instance_type   = "mq.m5.large"
  }

  assert {
    condition     = aws_mq_broker.this[0].subnet_ids == toset(["subnet-1", "subnet-2"])
    error_message = "A pair is in two subnets."
  }

  assert {
    condition     = output.node_names == ["test-grading-mq-1", "test-grading-mq-2"]
    error_message = "CloudWatch knows both nodes."
  }
}

run "without_logs_there_is_no_policy_for_them" {
  variables {
    logs = { general = false, audit = false }
  }

  assert {
    condition     = length(aws_cloudwatch_log_resource_policy.this) == 0 && length(aws_mq_broker.this[0].logs) == 0
    error_message = "No logs, no policy, no block."
  }
}

run "the_xml_follows_the_variables" {
  variables {
    queues = ["orders"]
    queue_policies = {
      ">" = { dead_letter_queue = "orders-dlq", max_browse_page_size = 5000, redelivery = { maximum = 7, delay_ms = 2000 } }
    }
  }

  assert {
    condition = alltrue([
      for text in [
        "<queue physicalName=\"orders\"/>", "<queue physicalName=\"orders-dlq\"/>", "maxBrowsePageSize=\"5000\"",
        "maximumRedeliveries=\"7\"", "initialRedeliveryDelay=\"2000\"",
      ] : strcontains(output.broker_xml, text)
    ])
    error_message = "Queues, page size and redelivery stand in the XML."
  }
}

run "refuses_a_patch_version" {
  command = plan

  variables {
    engine_version = "5.18.4"
  }

  expect_failures = [var.engine_version]
}

run "refuses_another_engine" {
  command = plan

  variables {
    engine_type = "Kafka"
  }

  expect_failures = [var.engine_type]
}

run "refuses_a_graviton_instance" {
  command = plan

  variables {
    instance_type = "mq.m7g.large"
  }

  expect_failures = [var.instance_type]
}

run "refuses_a_pair_in_one_subnet" {
  command = plan

  variables {
    deployment_mode = "ACTIVE_STANDBY_MULTI_AZ"
    subnet_ids      = ["subnet-1"]
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_redelivery_faster_than_a_second" {
  command = plan

  variables {
    queue_policies = { ">" = { redelivery = { delay_ms = 100 } } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_queue_name_that_would_break_the_xml" {
  command = plan

  variables {
    queues = ["a\"/><x"]
  }

  expect_failures = [var.queues]
}
