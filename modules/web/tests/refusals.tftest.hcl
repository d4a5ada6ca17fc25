# Rejected values. Where one run has several, each breaks another rule.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  vpc_id             = "vpc-0123456789abcdef0"
  subnet_ids         = { public = ["subnet-1", "subnet-2"], private = ["subnet-3", "subnet-4"] }
  security_group_ids = { load_balancer = "sg-1", web = "sg-2" }
  certificate_arn    = "arn:aws:acm:ap-northeast-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  application        = { image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-web:1.4.2" }
}

run "refuses_a_bucket_by_its_arn_a_trailing_slash_and_no_retention" {
  command = plan

  variables {
    access_logs = { bucket_name = "arn:aws:s3:::logs", prefix = "web/", retention_days = 0 }
  }

  expect_failures = [var.access_logs]
}

run "refuses_what_no_container_can_have" {
  command = plan

  variables {
    application = {
      health_check_path  = "health"
      image              = "registry.example.com/web:latest"
      log_kms_key_arn    = "alias/logs"
      log_retention_days = 42
      port               = 80
    }
  }

  expect_failures = [var.application]
}

run "refuses_neither_image_nor_ami" {
  command = plan

  variables {
    application = { image = null }
  }

  expect_failures = [var.application]
}

run "refuses_a_task_without_an_image" {
  command = plan

  variables {
    application = { image = null, service = { cluster_name = "test" } }
    instances   = { image_id = "ami-0123456789abcdef0" }
  }

  expect_failures = [var.application]
}

run "refuses_what_no_task_can_have" {
  command = plan

  variables {
    application = {
      image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/api:1.0" # in ECR, which needs no login
      service = {
        architecture               = "arm"
        cluster_name               = "arn:aws:ecs:ap-northeast-2:123456789012:cluster/test"
        cpu                        = 256
        desired                    = 2
        memory                     = 4096
        min                        = 3
        repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf"
        stop_timeout_seconds       = 121
      }
    }
  }

  expect_failures = [var.application]
}

run "refuses_a_certificate_of_another_region" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_no_certificate" {
  command = plan

  variables {
    certificate_arn = ""
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_neither_certificate_nor_zone" {
  command = plan

  variables {
    certificate_arn = null
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_lower_case_secrets_names_of_docker_and_control_characters" {
  command = plan

  variables {
    environment = { BELL = "\u0007", DOCKER_HOST = "tcp://203.0.113.1:2375", MQ_PASSWORD = "x", queue_name = "x" }
  }

  expect_failures = [var.environment]
}

run "refuses_an_environment_too_long_for_a_load_balancer" {
  command = plan

  variables {
    environment_name = "a-very-long-environment"
  }

  expect_failures = [var.environment_name]
}

run "refuses_a_name_reserved_by_elastic_load_balancing" {
  command = plan

  variables {
    environment_name = "internal-tools"
  }

  expect_failures = [var.environment_name]
}

run "refuses_what_no_instance_can_have" {
  command = plan

  variables {
    instances = {
      desired     = 5
      image_id    = "al2023-ami-ecs-hvm"
      kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:alias/ebs"
      max         = 4
      min         = 1
      type        = "db.t3.small"
      volume_gb   = 8
    }
  }

  expect_failures = [var.instances]
}

run "refuses_what_no_load_balancer_can_have" {
  command = plan

  variables {
    load_balancer = {
      domain_name          = "https://grading.example.com"
      idle_timeout_seconds = 0
      ssl_policy           = "ELBSecurityPolicy-2016-08"
      waf                  = { requests_per_5_minutes = 9 }
      zone_id              = "example.com"
    }
  }

  expect_failures = [var.load_balancer]
}

run "refuses_two_web_acls" {
  command = plan

  variables {
    load_balancer = { waf = {} }
    waf_acl_arn   = "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/grading/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.load_balancer]
}

run "refuses_a_policy_with_a_reserved_name" {
  command = plan

  variables {
    policies = { session = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  expect_failures = [var.policies]
}

run "refuses_an_invalid_region" {
  command = plan

  variables {
    region          = "Seoul"
    certificate_arn = "arn:aws:acm:Seoul:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [var.region]
}

run "refuses_a_region_of_china" {
  command = plan

  variables {
    region          = "cn-north-1"
    certificate_arn = "arn:aws-cn:acm:cn-north-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }

  expect_failures = [var.region]
}

run "refuses_more_than_all_of_the_cpu_and_less_than_one_request" {
  command = plan

  variables {
    scaling = { cpu_percent = 101, requests_per_target = 0 }
  }

  expect_failures = [var.scaling]
}

run "refuses_one_security_group_for_both" {
  command = plan

  variables {
    security_group_ids = { load_balancer = "sg-1", web = "sg-1" }
  }

  expect_failures = [var.security_group_ids]
}

run "refuses_a_key_pair_without_a_name" {
  command = plan

  variables {
    ssh = { key_name = "" }
  }

  expect_failures = [var.ssh]
}

run "refuses_one_subnet" {
  command = plan

  variables {
    subnet_ids = { public = ["subnet-1"], private = ["subnet-3", "subnet-4"] }
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_a_vpc_by_its_name" {
  command = plan

  variables {
    vpc_id = "test-grading"
  }

  expect_failures = [var.vpc_id]
}

run "refuses_a_web_acl_of_cloudfront" {
  command = plan

  variables {
    waf_acl_arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/grading/0"
  }

  expect_failures = [var.waf_acl_arn]
}
