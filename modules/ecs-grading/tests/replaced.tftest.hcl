# Replacing the service deletes its scaling target and policies: AWS does so without an error.

# Computed values exist only at apply, so this file has its own mocks.
mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/ecs/test-grading" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/test" }
  }
}

variables {
  environment_name   = "test"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  environment        = { ENVIRONMENT = "test" }
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  queue              = { broker_node_names = ["test-grading-mq-1"] }
  capacity           = { min = 0 }
  scaling            = { schedules = { night = { schedule = "cron(0 0 * * ? *)", min = 0 } } }
}

run "creates_a_service" {
  override_resource {
    target = aws_appautoscaling_target.this
    values = { id = "first" }
  }
  override_resource {
    target = aws_appautoscaling_policy.queue_depth
    values = { id = "first" }
  }
  override_resource {
    target = aws_appautoscaling_policy.resource
    values = { id = "first" }
  }
  override_resource {
    target = aws_appautoscaling_policy.rest
    values = { id = "first", arn = "arn:aws:autoscaling:ap-northeast-2:123456789012:scalingPolicy:u:resource/ecs/test:policyName/test" }
  }
  override_resource {
    target = aws_appautoscaling_scheduled_action.this
    values = { id = "first" }
  }
}

run "scaling_is_replaced_with_the_service" {
  command = plan

  plan_options {
    replace = [aws_ecs_service.this[0]]
  }

  override_resource {
    override_during = plan
    target          = aws_ecs_service.this
    values          = { id = "arn:aws:ecs:ap-northeast-2:123456789012:service/test-grading-cluster/second" }
  }
  override_resource {
    override_during = plan
    target          = aws_appautoscaling_target.this
    values          = { id = "second" }
  }
  override_resource {
    override_during = plan
    target          = aws_appautoscaling_policy.queue_depth
    values          = { id = "second" }
  }
  override_resource {
    override_during = plan
    target          = aws_appautoscaling_policy.resource
    values          = { id = "second" }
  }
  override_resource {
    override_during = plan
    target          = aws_appautoscaling_policy.rest
    values          = { id = "second", arn = "arn:aws:autoscaling:ap-northeast-2:123456789012:scalingPolicy:u:resource/ecs/test:policyName/test" }
  }
  override_resource {
    override_during = plan
    target          = aws_appautoscaling_scheduled_action.this
    values          = { id = "second" }
  }

  assert {
    condition     = aws_appautoscaling_target.this.id == "second"
    error_message = "The target is replaced with the service."
  }

  assert {
    condition = distinct(concat(
      values(aws_appautoscaling_policy.resource)[*].id, aws_appautoscaling_policy.queue_depth[*].id,
      values(aws_appautoscaling_policy.rest)[*].id, values(aws_appautoscaling_scheduled_action.this)[*].id,
    )) == tolist(["second"])
    error_message = "The policies and schedules are replaced with their target."
  }
}
