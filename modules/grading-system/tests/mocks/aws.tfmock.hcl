# Mocked values of the provider in tests, in the format of AWS.

mock_resource "aws_autoscaling_group" {
  override_during = plan
  defaults = {
    arn = "arn:aws:autoscaling:ap-northeast-2:123456789012:autoScalingGroup:u:autoScalingGroupName/test"
  }
}

mock_resource "aws_appautoscaling_policy" {
  override_during = plan
  defaults = {
    arn = "arn:aws:autoscaling:ap-northeast-2:123456789012:scalingPolicy:u:resource/ecs/test:policyName/test"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  override_during = plan
  defaults = {
    arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:test"
  }
}

mock_resource "aws_ecs_cluster" {
  override_during = plan
  defaults = {
    arn = "arn:aws:ecs:ap-northeast-2:123456789012:cluster/test-grading-cluster"
    id  = "arn:aws:ecs:ap-northeast-2:123456789012:cluster/test-grading-cluster"
  }
}

mock_resource "aws_ecs_service" {
  override_during = plan
  defaults = {
    id = "arn:aws:ecs:ap-northeast-2:123456789012:service/test-grading-cluster/test-grading-service"
  }
}

mock_resource "aws_ecs_task_definition" {
  override_during = plan
  defaults = {
    arn = "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/test-grading-task:1"
  }
}

mock_resource "aws_iam_instance_profile" {
  override_during = plan
  defaults = {
    arn = "arn:aws:iam::123456789012:instance-profile/test"
  }
}

mock_resource "aws_iam_role" {
  override_during = plan
  defaults = {
    arn = "arn:aws:iam::123456789012:role/test"
    id  = "test"
  }
}

mock_resource "aws_launch_template" {
  override_during = plan
  defaults = {
    id             = "lt-0123456789abcdef0"
    latest_version = 1
  }
}

mock_resource "aws_service_discovery_service" {
  override_during = plan
  defaults = {
    arn = "arn:aws:servicediscovery:ap-northeast-2:123456789012:service/srv-test"
  }
}

mock_resource "aws_security_group" {
  override_during = plan
  defaults = {
    id       = "sg-0000000000000000f"
    owner_id = "123456789012"
  }
}

mock_resource "aws_ssm_parameter" {
  override_during = plan
  defaults = {
    arn = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/test/worker/test"
  }
}

mock_resource "aws_sns_topic" {
  override_during = plan
  defaults = {
    arn = "arn:aws:sns:ap-northeast-2:123456789012:test-grading-alarms"
  }
}

mock_resource "aws_kms_key" {
  override_during = plan
  defaults = {
    arn = "arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  override_during = plan
  defaults = {
    arn = "arn:aws:events:ap-northeast-2:123456789012:rule/test-grading-stopped-tasks"
  }
}
