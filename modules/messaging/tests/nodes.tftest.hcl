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

run "a_pair_is_in_two_subnets" {
  command = plan

  variables {
    deployment_mode = "ACTIVE_STANDBY_MULTI_AZ"
    instance_type   = "mq.m5.large"
  }

  assert {
    condition     = aws_mq_broker.this[0].deployment_mode == "ACTIVE_STANDBY_MULTI_AZ" && aws_mq_broker.this[0].subnet_ids == toset(["subnet-1", "subnet-2"])
    error_message = "A pair is in two subnets."
  }

  assert {
    condition     = output.node_names == ["test-grading-mq-1", "test-grading-mq-2"]
    error_message = "CloudWatch has dimensions of both nodes."
  }

  assert {
    condition     = output.alarm_dimensions == [{ Broker = "test-grading-mq-1" }, { Broker = "test-grading-mq-2" }]
    error_message = "Alarms are for both."
  }
}

run "an_apply_does_not_reboot_the_broker" {
  command = plan

  assert {
    condition     = !aws_mq_broker.this[0].apply_immediately
    error_message = "A change of the configuration waits for the maintenance window or a reboot."
  }
}

run "an_apply_may_reboot_the_broker" {
  command = plan

  variables {
    nodes = { apply_immediately = true }
  }

  assert {
    condition     = aws_mq_broker.this[0].apply_immediately
    error_message = "A change of the configuration is effective when the apply ends."
  }
}

run "a_newer_version" {
  command = plan

  variables {
    engine_version = "5.19"
  }

  assert {
    condition     = aws_mq_broker.this[0].engine_version == "5.19" && aws_mq_configuration.this[0].engine_version == "5.19"
    error_message = "Broker and configuration have the same version."
  }
}

run "engine_and_administrator_can_be_named" {
  command = plan

  variables {
    engine_type    = "ActiveMQ"
    admin_username = "root.user"
  }

  assert {
    condition     = aws_mq_broker.this[0].engine_type == "ActiveMQ" && one(aws_mq_broker.this[0].user).username == "root.user"
    error_message = "The given values are used."
  }
}

run "fast_storage_for_one_large_node" {
  command = plan

  variables {
    instance_type = "mq.m5.large"
    nodes         = { storage_type = "ebs" }
  }

  assert {
    condition     = aws_mq_broker.this[0].storage_type == "ebs"
    error_message = "The storage type is ebs."
  }
}

run "storage_of_all_zones_is_for_every_instance" {
  command = plan

  variables {
    nodes = { storage_type = "efs" }
  }

  assert {
    condition     = aws_mq_broker.this[0].storage_type == "efs"
    error_message = "The storage type is efs."
  }
}

run "uses_the_given_key" {
  command = plan

  variables {
    nodes = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/k" }
  }

  assert {
    condition     = aws_mq_broker.this[0].encryption_options[0].kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/k" && !aws_mq_broker.this[0].encryption_options[0].use_aws_owned_key
    error_message = "Messages are encrypted with the given key."
  }
}

run "a_maintenance_window" {
  command = plan

  variables {
    nodes = { maintenance_window = { day_of_week = "SUNDAY", time_of_day = "03:30", time_zone = "Asia/Seoul" } }
  }

  assert {
    condition = (
      aws_mq_broker.this[0].maintenance_window_start_time[0].day_of_week == "SUNDAY" &&
      aws_mq_broker.this[0].maintenance_window_start_time[0].time_of_day == "03:30" &&
      aws_mq_broker.this[0].maintenance_window_start_time[0].time_zone == "Asia/Seoul"
    )
    error_message = "The maintenance window is set."
  }
}

run "a_maintenance_window_is_in_utc_by_default" {
  command = plan

  variables {
    nodes = { maintenance_window = { day_of_week = "MONDAY", time_of_day = "00:00" } }
  }

  assert {
    condition     = aws_mq_broker.this[0].maintenance_window_start_time[0].time_zone == "UTC"
    error_message = "UTC is the default."
  }
}

run "limits_of_the_whole_broker" {
  command = plan

  variables {
    nodes = { memory_percent = 50, send_timeout_ms = 2000 }
  }

  assert {
    condition     = strcontains(output.broker_xml, "<memoryUsage percentOfJvmHeap=\"50\"/>")
    error_message = "The XML contains the memory percentage."
  }

  assert {
    condition     = strcontains(output.broker_xml, "<systemUsage sendFailIfNoSpaceAfterTimeout=\"2000\">")
    error_message = "The XML contains the send timeout."
  }
}
