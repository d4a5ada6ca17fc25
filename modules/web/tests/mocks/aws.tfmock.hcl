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
