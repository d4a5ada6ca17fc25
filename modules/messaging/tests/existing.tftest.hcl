mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "outputs_of_an_existing_broker" {
  command = plan

  variables {
    subnet_ids         = []
    security_group_ids = []
    existing = {
      name            = "theirs"
      node_names      = ["theirs-1"]
      stomp_endpoints = ["stomp+ssl://mq.example.com:61614"]
      endpoints       = ["ssl://mq.example.com:61617"]
      log_group_names = ["/theirs"]
    }
  }

  assert {
    condition     = length(aws_mq_broker.this) == 0 && length(aws_mq_configuration.this) == 0 && length(aws_cloudwatch_log_resource_policy.this) == 0
    error_message = "No resource is created."
  }

  assert {
    condition     = output.stomp_endpoints == ["stomp+ssl://mq.example.com:61614"] && output.endpoints["openwire"] == ["ssl://mq.example.com:61617"]
    error_message = "The endpoints are outputs."
  }

  assert {
    condition     = output.node_names == ["theirs-1"] && output.alarm_dimensions == [{ Broker = "theirs-1" }] && output.broker_name == "theirs"
    error_message = "The names are those of the existing broker."
  }

  assert {
    condition     = join(" ", output.log_group_names) == "/theirs" && length(output.user_names) == 0
    error_message = "Log groups are outputs; users are empty."
  }

  assert {
    condition     = output.broker_arn == null && output.broker_id == null && output.broker_xml == null && output.configuration_id == null && output.instance_type == null
    error_message = "Values of resources that do not exist are null."
  }
}

run "refuses_an_existing_broker_without_tls" {
  command = plan

  variables {
    existing = { node_names = ["a-1"], stomp_endpoints = ["stomp://mq.example.com:61613"] }
  }

  expect_failures = [var.existing]
}

run "refuses_an_existing_broker_without_stomp" {
  command = plan

  variables {
    existing = { node_names = ["a-1"], stomp_endpoints = [] }
  }

  expect_failures = [var.existing]
}

run "refuses_other_endpoints_without_tls" {
  command = plan

  variables {
    existing = { node_names = ["a-1"], stomp_endpoints = ["stomp+ssl://mq.example.com:61614"], endpoints = ["tcp://mq.example.com:61616"] }
  }

  expect_failures = [var.existing]
}

run "refuses_an_existing_broker_without_nodes" {
  command = plan

  variables {
    existing = { node_names = [], stomp_endpoints = ["stomp+ssl://mq.example.com:61614"] }
  }

  expect_failures = [var.existing]
}
