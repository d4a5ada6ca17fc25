# How the root wires the modules. What each variable does is in scenarios/, what is refused in refusals.yaml.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
    }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/ecs/test-grading"
    }
    override_during = plan
  }
}

variables {
  environment_name = "test"
}

run "names_follow_the_environment_and_settings_reach_the_worker" {
  command = plan

  variables {
    grading_worker_settings = { JOB_HANDLER = "word-count", LOOK_AHEAD = "0", HANDLER_MAX_BYTES = "1000" }
    ssh_cidr_blocks         = ["203.0.113.0/24"]
  }

  assert {
    condition     = strcontains(module.messaging[0].broker_xml, "processExpired=\"false\"") && !local.queue_policies["grading-results"].expired_to_dead_letter_queue
    error_message = "Results whose time is over must not become dead letters."
  }

  assert {
    condition = (
      output.bucket_name == "test-grading-files" &&
      output.task_family == "test-grading-task" &&
      output.log_group_name == "/ecs/test-grading" &&
      output.broker_node_names == ["test-grading-mq-1"]
    )
    error_message = "Bucket, task, log and broker carry the environment's name."
  }

  assert {
    condition = output.parameter_names == {
      db = { endpoint = "/test/db/endpoint", name = "/test/db/name", password = "/test/db/password", username = "/test/db/username" }
      mq = { broker-endpoint = "/test/mq/broker-endpoint", password = "/test/mq/password", username = "/test/mq/username" }

      db-app      = { password = "/test/db-app/password", username = "/test/db-app/username" }
      mq-operator = { password = "/test/mq-operator/password", username = "/test/mq-operator/username" }
      mq-web      = { password = "/test/mq-web/password", username = "/test/mq-web/username" }
      mq-worker   = { password = "/test/mq-worker/password", username = "/test/mq-worker/username" }
    }
    error_message = "Parameters are /<environment>/<part>/<key>."
  }

  assert {
    condition     = length(module.network.ssh_rule_ids) == 0
    error_message = "Only enable_ssh_access opens SSH."
  }

  assert {
    condition = alltrue([
      local.worker_environment.JOB_HANDLER == "word-count",
      local.worker_environment.LOOK_AHEAD == "0",
      local.worker_environment.HANDLER_MAX_BYTES == "1000",
    ])
    error_message = "the settings of the worker do not reach it"
  }
}

run "choices_of_name_access_and_capacity" {
  command = plan

  variables {
    ecs_desired_count      = 5
    enable_ecs_autoscaling = false
    enable_ssh_access      = true
    mq_deployment_mode     = "ACTIVE_STANDBY_MULTI_AZ"
    mq_instance_type       = "mq.m5.large"
    mq_queue_policies      = { grading-results = { expired_to_dead_letter_queue = true, memory_limit_mb = 64 } }
    s3_bucket_name         = "example-files"
    vpc_cidr_block         = "10.9.0.0/16"
  }

  assert {
    condition     = local.queue_policies["grading-results"].expired_to_dead_letter_queue && local.queue_policies["grading-results"].memory_limit_mb == 64
    error_message = "A policy of the queue of results must keep what it sets."
  }

  assert {
    condition     = output.bucket_name == "example-files"
    error_message = "s3_bucket_name overrides the name."
  }

  assert {
    condition     = keys(module.network.ssh_rule_ids) == ["10.9.0.0/16"]
    error_message = "enable_ssh_access opens port 22 from the VPC."
  }

  assert {
    condition     = output.scaling_bounds == { min = 5, max = 5 }
    error_message = "Both bounds are the desired count."
  }

  assert {
    condition     = output.broker_node_names == ["test-grading-mq-1", "test-grading-mq-2"]
    error_message = "mq_deployment_mode makes a pair."
  }
}

run "an_administrator_may_be_named_like_a_role" {
  command = plan

  variables {
    mq_admin_username = "worker"
  }

  assert {
    condition     = toset(module.messaging[0].user_names) == toset(["worker", "grading-worker", "operator", "web"])
    error_message = "Each role still has a broker user of its own."
  }

  assert {
    condition = output.broker_users == tomap({
      grading-worker = "/test/mq-worker/password", operator = "/test/mq-operator/password"
      web            = "/test/mq-web/password", worker = "/test/mq/password"
    })
    error_message = "Each user has its own password."
  }

  assert {
    condition     = local.worker_environment.MQ_USERNAME_PARAM == "/test/mq-worker/username" && local.role_users.worker == "grading-worker"
    error_message = "The workers log in as the user with their rights, not as the administrator."
  }
}

run "fargate_does_not_get_a_key_that_it_rejects" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1234567890abcdef1234567890abcdef"
  }

  assert {
    condition     = local.is_multi_region_key
    error_message = "The plan would fail: the module refuses such a key."
  }
}

run "a_load_balancer_has_one_subnet_in_each_zone" {
  command = plan

  variables {
    enable_web_tier     = true
    vpc_subnets         = { per_zone = 2 }
    web_cidr_blocks     = ["203.0.113.0/24"]
    web_certificate_arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    web_container_image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/judge-web:1.0"
  }

  override_module {
    target          = module.network
    override_during = plan
    outputs = {
      nat_public_ips     = []
      private_subnet_ids = ["subnet-a1", "subnet-c1", "subnet-a2", "subnet-c2"]
      public_subnet_ids  = ["subnet-a3", "subnet-c3", "subnet-a4", "subnet-c4"]
      security_group_ids = { broker = "sg-1", database = "sg-2", endpoints = "sg-3", load_balancer = "sg-4", web = "sg-5", worker = "sg-6" }
      ssh_rule_ids       = {}
      vpc_id             = "vpc-0123456789abcdef0"
    }
  }

  assert {
    condition     = local.web_subnet_ids.public == tolist(["subnet-a3", "subnet-c3"]) && local.web_subnet_ids.private == tolist(["subnet-a1", "subnet-c1"])
    error_message = "Elastic Load Balancing refuses a second one in a zone."
  }
}
