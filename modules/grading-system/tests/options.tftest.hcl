# What each option changes.

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

run "all_options_reach_their_modules" {
  command = plan

  variables {
    image       = "registry.example.com/grading-worker:1.0"
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    settings    = { DLQ_NAME = "exams-dlq", LOG_LEVEL = "DEBUG", PRIORITY_QUEUE_NAME = "exams-first", QUEUE_NAME = "exams" }
    alarms = {
      action_arns           = ["arn:aws:sns:ap-northeast-2:123456789012:on-call"]
      disabled              = ["dead_letters"]
      email_addresses       = ["on-call@example.com"]
      queue_size_alarm_name = "grading-queue-size-high"
    }
    broker = {
      cidr_blocks        = ["10.9.0.4/32"]
      instance_type      = "mq.t3.micro"
      node_names         = ["shared-1", "shared-2"]
      password_version   = 3
      security_group_ids = []
      stomp_endpoints    = ["stomp+ssl://one.example.com:61614", "stomp+ssl://two.example.com:61614"]
      user_names         = ["admin", "grading"]
      username           = "grading"
    }
    capacity = { desired = 3, max = 20, min = 2, spot = { fargate_base = 2, fargate_weight = 0, spot_weight = 1 } }
    database = {
      cidr_blocks        = ["10.9.1.4/32"]
      database_name      = "judge"
      endpoint           = "db.example.com:3306"
      identifier         = "shared"
      password_version   = 2
      security_group_ids = []
      username           = "judge"
    }
    network = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "10.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
      endpoints          = { security_group_ids = [], cidr_blocks = ["10.20.9.0/24"] }
      internet_egress    = true
    }
    scaling = {
      cpu_target           = 50
      idle_minutes         = 20
      in_cooldown_seconds  = 200
      memory_target        = 60
      messages_per_task    = 5
      out_cooldown_seconds = 30
      wake_up_tasks        = 2
      schedules            = { exam = { schedule = "at(2030-01-01T08:00:00)", max = 30, min = 0, timezone = "Asia/Seoul" } }
    }
    service = { allow_task_protection = true, ignore_task_definition_changes = true, log_retention_days = 90 }
    task = {
      architecture               = "ARM64"
      cpu                        = 1024
      ephemeral_storage_gib      = 50
      memory                     = 3072
      repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf"
      secret_arns                = { HANDLER_TOKEN = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/handler" }
      secret_kms_key_arns        = ["arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"]
    }
  }

  assert {
    condition     = output.environment["LOG_LEVEL"] == "DEBUG" && output.environment["QUEUE_NAME"] == "exams"
    error_message = "Settings reach the worker."
  }

  assert {
    condition     = local.queues == { dead_letter = "exams-dlq", priority = "exams-first", requests = "exams" }
    error_message = "Scaling and alarms look at the queues of the settings."
  }

  assert {
    condition     = module.parameters.secret_versions["db-password"] % 1000000 == 2 && module.parameters.secret_versions["mq-password"] % 1000000 == 3
    error_message = "A version writes its password again."
  }

  assert {
    condition     = local.parameters["mq-endpoint"] == "stomp+ssl://one.example.com:61614,stomp+ssl://two.example.com:61614"
    error_message = "A worker has the endpoints of both nodes."
  }

  assert {
    condition     = local.parameters["mq-username"] == "grading" && local.parameters["db-username"] == "judge"
    error_message = "The users are the given ones."
  }

  assert {
    condition     = local.disk_key_arn == var.kms_key_arn
    error_message = "The disks of the tasks have the key."
  }

  assert {
    condition     = output.task_definition_arn == null
    error_message = "Where a pipeline deploys, the output does not name the revision of Terraform."
  }

  assert {
    condition     = output.min_tasks == 0 && module.ecs_grading.capacity_providers == tolist(["FARGATE", "FARGATE_SPOT"])
    error_message = "Schedules and Spot are those of the module ecs-grading."
  }

  assert {
    condition = (
      contains(module.monitoring[0].alarm_names, "grading-queue-size-high") &&
      length(regexall("-cpu-credits-low", join(" ", module.monitoring[0].alarm_names))) == 2 &&
      length(regexall("dead-letter", join(" ", module.monitoring[0].alarm_names))) == 0 &&
      length(regexall("-database-", join(" ", module.monitoring[0].alarm_names))) > 0
    )
    error_message = "Names and choice of the alarms are those of alarms; a database with an identifier and a burstable broker have some."
  }
}
