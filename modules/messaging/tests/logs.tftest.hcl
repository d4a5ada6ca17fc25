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

run "amazon_mq_may_write_logs_of_this_broker_only" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_log_resource_policy.this[0].policy_document).Statement[0].Resource == "arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/amazonmq/broker/*"
    error_message = "The policy covers log groups of brokers of this account and region."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_log_resource_policy.this[0].policy_document).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "The policy is limited to this account."
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_log_resource_policy.this[0].policy_document).Statement[0].Condition.ArnLike["aws:SourceArn"] == "arn:aws:mq:ap-northeast-2:123456789012:broker:test-grading-mq:*"
    error_message = "The policy is limited to this broker."
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.this) == 0
    error_message = "The module creates no log groups."
  }
}

run "without_logs_there_is_no_policy_for_them" {
  command = plan

  variables {
    logs = { general = false, audit = false }
  }

  assert {
    condition     = length(aws_cloudwatch_log_resource_policy.this) == 0 && length(aws_mq_broker.this[0].logs) == 0
    error_message = "No logs, no policy, no block."
  }

  assert {
    condition     = length(output.log_group_names) == 0
    error_message = "No log group."
  }
}

run "log_groups_can_be_imported" {
  command = plan

  variables {
    logs = { retention_days = 90, kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/k" }
  }

  assert {
    condition     = { for kind, group in aws_cloudwatch_log_group.this : kind => group.name } == { audit = "/aws/amazonmq/broker/b-1/audit", general = "/aws/amazonmq/broker/b-1/general" }
    error_message = "The groups have the names that Amazon MQ uses."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 90 && group.kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/k"])
    error_message = "Logs expire and are encrypted."
  }
}
