mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  region           = "ap-northeast-2"
  image            = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  passwords        = { broker = "a-Password-for-tests-1", database = "a-Password-for-tests-2" }
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
    node_names         = ["shared-1"]
    stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
  database = {
    database_name      = "judge"
    endpoint           = "db.example.com:3306"
    security_group_ids = ["sg-0123456789abcdef1"]
  }
}

run "workers_get_all_that_they_require" {
  command = plan

  assert {
    condition = output.environment == {
      AWS_REGION        = "ap-northeast-2"
      DB_ENDPOINT_PARAM = "/test/worker/db-endpoint"
      DB_NAME_PARAM     = "/test/worker/db-name"
      DB_PASSWORD_PARAM = "/test/worker/db-password"
      DB_USERNAME_PARAM = "/test/worker/db-username"
      ENVIRONMENT       = "test"
      GRADING_BUCKET    = "test-files"
      MQ_ENDPOINT_PARAM = "/test/worker/mq-endpoint"
      MQ_PASSWORD_PARAM = "/test/worker/mq-password"
      MQ_USERNAME_PARAM = "/test/worker/mq-username"
    }
    error_message = "Each variable has the name of its own parameter."
  }

  assert {
    condition     = output.parameter_names == { for key in local.parameter_keys : key => "/test/worker/${key}" }
    error_message = "The parameters are those that the worker reads, and no others."
  }

  assert {
    condition = local.parameters == {
      db-endpoint = "db.example.com:3306", db-name = "judge", db-username = "grader"
      mq-endpoint = "stomp+ssl://mq.example.com:61614", mq-username = "worker"
    }
    error_message = "The parameters have the given endpoints and the default users."
  }

  assert {
    condition     = module.parameters.secret_versions == { db-password = 1, mq-password = 1 }
    error_message = "Each password is written once."
  }

  assert {
    condition     = output.cluster_name == "test-grading-cluster" && output.service_name == "test-grading-service" && output.log_group_name == "/ecs/test-grading"
    error_message = "Names follow the environment."
  }

  assert {
    condition     = output.task_definition_arn == "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/test-grading-task:1"
    error_message = "The revision is an output, which gradectl broker-users sync deploys again."
  }

  assert {
    condition     = keys(one(module.network[*].security_group_ids)) == ["worker"] && output.worker_security_group_id == "sg-0000000000000000f"
    error_message = "Only the group of the workers is created, and the tasks are in it."
  }

  assert {
    condition     = contains(module.monitoring[0].alarm_names, "test-grading-queue-size-high") && output.topic_arn != null
    error_message = "Alarms have names of their own in each environment."
  }

  assert {
    condition     = output.min_tasks == 1 && module.ecs_grading.scaling_bounds == { min = 1, max = 10 }
    error_message = "The bounds are the defaults of the module ecs-grading."
  }
}

run "outputs_of_the_other_modules_fit" {
  command = plan

  variables {
    alarms      = null
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-0123456789abcdef0123456789abcdef"
    network = {
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      security_group_ids = { broker = "sg-0123456789abcdef0", worker = "sg-0123456789abcdef9" }
    }
    broker = {
      node_names         = ["test-grading-mq-1"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef0"]
      user_names         = ["admin", "worker"]
    }
    database = { database_name = "grading", endpoint = "db.example.com:3306", identifier = "test-grading", username = "dba" }
  }

  assert {
    condition     = length(module.network) == 0 && output.worker_security_group_id == "sg-0123456789abcdef9"
    error_message = "The tasks are in the group that the module network created for them."
  }

  assert {
    condition     = local.parameters["mq-username"] == "worker" && local.parameters["db-username"] == "dba"
    error_message = "The users are one of the module messaging, and that of the module database."
  }

  assert {
    condition     = local.disk_key_arn == null
    error_message = "Fargate does not accept a multi-Region key."
  }

  assert {
    condition     = length(module.monitoring) == 0 && output.topic_arn == null
    error_message = "Without alarms a root may call the module monitoring itself."
  }
}
