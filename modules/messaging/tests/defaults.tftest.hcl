mock_provider "aws" {
  mock_resource "aws_mq_configuration" {
    defaults = {
      arn = "arn:aws:mq:ap-northeast-2:123456789012:configuration:c-1"
      id  = "c-1"
    }
    override_during = plan
  }

  mock_resource "aws_mq_broker" {
    defaults = {
      id = "b-1"
      instances = [{
        console_url = "https://b-1.example.com:8162"
        endpoints = [
          "ssl://b-1.example.com:61617", "amqp+ssl://b-1.example.com:5671", "stomp+ssl://b-1.example.com:61614",
          "mqtt+ssl://b-1.example.com:8883", "wss://b-1.example.com:61619",
        ]
        ip_address = "10.0.0.10"
      }]
    }
    override_during = plan
  }
}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2", "subnet-3", "subnet-4"]
  security_group_ids = ["sg-1"]
}

run "one_private_broker_that_upgrades_itself" {
  command = plan

  assert {
    condition     = aws_mq_broker.this[0].deployment_mode == "SINGLE_INSTANCE" && aws_mq_broker.this[0].subnet_ids == toset(["subnet-1"])
    error_message = "A single broker is in one subnet."
  }

  assert {
    condition     = !aws_mq_broker.this[0].publicly_accessible && aws_mq_broker.this[0].auto_minor_version_upgrade
    error_message = "The broker is private and upgrades minor versions automatically."
  }

  assert {
    condition     = aws_mq_broker.this[0].engine_type == "ActiveMQ" && aws_mq_broker.this[0].engine_version == "5.18" && aws_mq_broker.this[0].host_instance_type == "mq.t3.micro"
    error_message = "ActiveMQ 5.18 on the smallest instance."
  }

  assert {
    condition     = aws_mq_broker.this[0].logs[0].audit && aws_mq_broker.this[0].logs[0].general
    error_message = "Both logs are on."
  }

  assert {
    condition     = length(aws_mq_broker.this[0].maintenance_window_start_time) == 0 && length(aws_mq_broker.this[0].encryption_options) == 0
    error_message = "Amazon MQ chooses the window and the key."
  }

  assert {
    condition     = aws_mq_configuration.this[0].data == output.broker_xml && aws_mq_broker.this[0].configuration[0].id == "c-1"
    error_message = "The broker uses the configuration of the output."
  }
}

run "creates_one_administrator" {
  command = plan

  assert {
    condition     = one(aws_mq_broker.this[0].user).username == "admin" && join(" ", one(aws_mq_broker.this[0].user).groups) == "grading-admins" && one(aws_mq_broker.this[0].user).console_access
    error_message = "The administrator is in the group of administrators."
  }

  assert {
    condition     = strcontains(output.broker_xml, "<authorizationPlugin>") && strcontains(output.broker_xml, "grading-admins,activemq-webconsole")
    error_message = "Rights are granted to groups, and the web console works."
  }

  assert {
    condition     = join(" ", output.user_names) == "admin"
    error_message = "The administrator has the given name."
  }
}

run "selects_endpoints_by_scheme" {
  command = plan

  assert {
    condition     = output.stomp_endpoints == ["stomp+ssl://b-1.example.com:61614"]
    error_message = "The STOMP endpoint is selected by its scheme."
  }

  assert {
    condition = (
      output.endpoints == {
        amqp      = ["amqp+ssl://b-1.example.com:5671"]
        mqtt      = ["mqtt+ssl://b-1.example.com:8883"]
        openwire  = ["ssl://b-1.example.com:61617"]
        stomp     = ["stomp+ssl://b-1.example.com:61614"]
        websocket = ["wss://b-1.example.com:61619"]
      }
    )
    error_message = "Each protocol has its endpoint."
  }
}

run "outputs_describe_the_broker" {
  command = plan

  assert {
    condition     = join(" ", output.queue_names) == "grading-dlq grading-priority grading-requests grading-results"
    error_message = "All four queues are declared."
  }

  assert {
    condition     = output.node_names == ["test-grading-mq-1"] && output.alarm_dimensions == [{ Broker = "test-grading-mq-1" }]
    error_message = "The node is <name>-1 in CloudWatch."
  }

  assert {
    condition     = output.broker_name == "test-grading-mq" && output.engine_type == "ActiveMQ" && output.broker_id == "b-1" && output.configuration_id == "c-1" && output.instance_type == "mq.t3.micro"
    error_message = "The outputs describe the broker."
  }

  assert {
    condition     = toset(output.log_group_names) == toset(["/aws/amazonmq/broker/b-1/audit", "/aws/amazonmq/broker/b-1/general"])
    error_message = "Log groups are named after the broker's ID."
  }
}

run "null_means_default" {
  command = plan

  variables {
    engine_version = null
    instance_type  = null
    existing       = null
    logs           = null
    nodes          = null
    queue_policies = null
    queues         = null
    users          = null
  }

  assert {
    condition     = aws_mq_broker.this[0].engine_version == "5.18" && aws_mq_broker.this[0].host_instance_type == "mq.t3.micro" && aws_mq_broker.this[0].logs[0].audit
    error_message = "Null is the default."
  }

  assert {
    condition     = length(output.queue_names) == 4 && length(output.user_names) == 1
    error_message = "Queues and users are the defaults."
  }
}
