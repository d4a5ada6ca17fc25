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
        endpoints   = ["amqps://b-1.example.com:5671"]
        ip_address  = "10.0.0.10"
      }]
    }
    override_during = plan
  }
}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2", "subnet-3", "subnet-4"]
  security_group_ids = ["sg-1"]
  engine_type        = "RabbitMQ"
}

run "one_node_of_rabbitmq" {
  command = plan

  assert {
    condition     = aws_mq_broker.this[0].engine_version == "4.2" && aws_mq_broker.this[0].host_instance_type == "mq.m7g.medium" && aws_mq_broker.this[0].auto_minor_version_upgrade
    error_message = "A version and an instance that fit together."
  }

  assert {
    condition     = length(aws_mq_configuration.this) == 0 && length(aws_mq_broker.this[0].configuration) == 0 && output.broker_xml == null && output.configuration_id == null && output.configuration_revision == null
    error_message = "There is no XML."
  }

  assert {
    condition     = aws_mq_broker.this[0].logs[0].general && aws_mq_broker.this[0].logs[0].audit == null && length(aws_cloudwatch_log_resource_policy.this) == 0
    error_message = "There is no audit log, and the general log needs no policy."
  }

  assert {
    condition     = one(aws_mq_broker.this[0].user).username == "admin" && one(aws_mq_broker.this[0].user).groups == null && !aws_mq_broker.this[0].publicly_accessible
    error_message = "One user, without groups."
  }
}

run "rabbitmq_has_amqp_only" {
  command = plan

  assert {
    condition     = output.endpoints["amqp"] == ["amqps://b-1.example.com:5671"] && length(output.stomp_endpoints) == 0
    error_message = "There is no STOMP endpoint."
  }

  assert {
    condition     = length(output.queue_names) == 0 && output.node_names == ["test-grading-mq"] && output.engine_type == "RabbitMQ"
    error_message = "Clients declare queues; CloudWatch uses the plain name."
  }
}

run "a_cluster_is_in_up_to_three_subnets" {
  command = plan

  variables {
    deployment_mode = "CLUSTER_MULTI_AZ"
    engine_version  = "3.13"
    instance_type   = "mq.m5.large"
  }

  assert {
    condition     = aws_mq_broker.this[0].deployment_mode == "CLUSTER_MULTI_AZ" && aws_mq_broker.this[0].subnet_ids == toset(["subnet-1", "subnet-2", "subnet-3"])
    error_message = "Three nodes, three zones."
  }

  assert {
    condition     = output.node_names == ["test-grading-mq"]
    error_message = "CloudWatch has one broker dimension."
  }
}
