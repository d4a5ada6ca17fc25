# Mocked values of the provider in tests, in the format of AWS.

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/test-grading-web/0123456789abcdef"
    arn_suffix = "app/test-grading-web/0123456789abcdef"
    dns_name   = "test-grading-web-1.ap-northeast-2.elb.amazonaws.com"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/test-web-8080/0123456789abcdef"
    arn_suffix = "targetgroup/test-web-8080/0123456789abcdef"
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = {
    arn = "arn:aws:iam::123456789012:instance-profile/test-grading-web-instance"
  }
}

mock_resource "aws_launch_template" {
  defaults = {
    id             = "lt-0123456789abcdef0"
    latest_version = 1
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/ec2/test-grading-web"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn    = "arn:aws:s3:::test-web-logs-20240820"
    bucket = "test-web-logs-20240820"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/test-grading-api-task"
  }
}

mock_resource "aws_ecs_task_definition" {
  defaults = {
    arn = "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/test-grading-api-task:1"
  }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/11111111-1111-1111-1111-111111111111"
    domain_validation_options = [{
      domain_name           = "grading.example.com"
      resource_record_name  = "_0123.grading.example.com"
      resource_record_type  = "CNAME"
      resource_record_value = "_4567.acm-validations.aws"
    }]
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:ap-northeast-2:123456789012:regional/webacl/test-grading-web/11111111-2222-3333-4444-555555555555"
  }
}
