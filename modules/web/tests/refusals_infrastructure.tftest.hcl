# Rejected values of the load balancer, the instances and their subnets.

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

run "refuses_a_desired_number_above_the_maximum" {
  command = plan

  variables {
    instances = { min = 1, desired = 5, max = 4 }
  }

  expect_failures = [var.instances]
}

run "refuses_a_type_of_rds" {
  command = plan

  variables {
    instances = { type = "db.t3.small" }
  }

  expect_failures = [var.instances]
}

run "refuses_an_ami_by_its_name" {
  command = plan

  variables {
    instances = { image_id = "al2023-ami-ecs-hvm" }
  }

  expect_failures = [var.instances]
}

run "refuses_a_volume_smaller_than_its_ami" {
  command = plan

  variables {
    instances = { volume_gb = 8 }
  }

  expect_failures = [var.instances]
}

run "refuses_a_key_by_its_alias" {
  command = plan

  variables {
    instances = { kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:alias/ebs" }
  }

  expect_failures = [var.instances]
}

run "refuses_tls_1_0" {
  command = plan

  variables {
    load_balancer = { ssl_policy = "ELBSecurityPolicy-2016-08" }
  }

  expect_failures = [var.load_balancer]
}

run "refuses_an_idle_timeout_beyond_the_limit" {
  command = plan

  variables {
    load_balancer = { idle_timeout_seconds = 0 }
  }

  expect_failures = [var.load_balancer]
}

run "refuses_a_url_as_a_name" {
  command = plan

  variables {
    load_balancer = { domain_name = "https://grading.example.com" }
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

run "refuses_more_than_all_of_the_cpu" {
  command = plan

  variables {
    scaling = { cpu_percent = 101 }
  }

  expect_failures = [var.scaling]
}

run "refuses_less_than_one_request" {
  command = plan

  variables {
    scaling = { requests_per_target = 0 }
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
