# Invalid values of the ECS service, the DNS name and the web ACL.

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
  application        = { image = "example.com/api:1.0", service = { cluster_name = "test" } }
}

run "refuses_a_task_without_an_image" {
  command = plan

  variables {
    application = { image = null, service = { cluster_name = "test" } }
    instances   = { image_id = "ami-0123456789abcdef0" }
  }

  expect_failures = [var.application]
}

run "refuses_an_unknown_architecture" {
  command = plan

  variables {
    application = { image = "example.com/api:1.0", service = { cluster_name = "test", architecture = "arm" } }
  }

  expect_failures = [var.application]
}

run "refuses_memory_that_fargate_does_not_have" {
  command = plan

  variables {
    application = { image = "example.com/api:1.0", service = { cluster_name = "test", cpu = 256, memory = 4096 } }
  }

  expect_failures = [var.application]
}

run "refuses_a_minimum_above_the_desired_number" {
  command = plan

  variables {
    application = { image = "example.com/api:1.0", service = { cluster_name = "test", min = 3, desired = 2 } }
  }

  expect_failures = [var.application]
}

run "refuses_a_cluster_by_its_arn" {
  command = plan

  variables {
    application = { image = "example.com/api:1.0", service = { cluster_name = "arn:aws:ecs:ap-northeast-2:123456789012:cluster/test" } }
  }

  expect_failures = [var.application]
}

run "refuses_a_stop_timeout_beyond_the_limit" {
  command = plan

  variables {
    application = { image = "example.com/api:1.0", service = { cluster_name = "test", stop_timeout_seconds = 121 } }
  }

  expect_failures = [var.application]
}

run "refuses_a_login_for_an_image_in_ecr" {
  command = plan

  variables {
    application = { image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/api:1.0", service = { cluster_name = "test", repository_credentials_arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf" } }
  }

  expect_failures = [var.application]
}

run "refuses_neither_certificate_nor_zone" {
  command = plan

  variables {
    certificate_arn = null
  }

  expect_failures = [var.certificate_arn]
}

run "refuses_a_zone_by_its_name" {
  command = plan

  variables {
    load_balancer = { domain_name = "grading.example.com", zone_id = "example.com" }
  }

  expect_failures = [var.load_balancer]
}

run "refuses_a_limit_of_nine_requests" {
  command = plan

  variables {
    load_balancer = { waf = { requests_per_5_minutes = 9 } }
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
