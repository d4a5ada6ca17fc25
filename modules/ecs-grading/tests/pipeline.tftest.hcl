# A pipeline deploys the image: Terraform registers task definitions, and does not deploy them.

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
  service            = { ignore_task_definition_changes = true }
}

run "the_first_apply_deploys_the_revision_of_terraform" {
  assert {
    condition     = length(aws_ecs_service.this) == 0 && aws_ecs_service.pipeline[0].task_definition == aws_ecs_task_definition.this.arn
    error_message = "A service needs a task definition before the first run of the pipeline."
  }

  assert {
    condition     = output.service_name == "test-grading-service" && output.service_arn == aws_ecs_service.pipeline[0].id
    error_message = "The outputs are those of the one service."
  }

  assert {
    condition     = aws_appautoscaling_target.this.resource_id == "service/test-grading-cluster/test-grading-service"
    error_message = "Autoscaling is the same."
  }
}

run "another_revision_is_not_deployed" {
  command = plan

  plan_options {
    replace = [aws_ecs_task_definition.this]
  }

  override_resource {
    override_during = plan
    target          = aws_ecs_task_definition.this
    values          = { arn = "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/test-grading-task:2" }
  }

  assert {
    condition     = output.task_definition_arn == "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/test-grading-task:2"
    error_message = "The output names the revision of Terraform, with which a pipeline can begin."
  }

  assert {
    condition     = aws_ecs_service.pipeline[0].task_definition == run.the_first_apply_deploys_the_revision_of_terraform.task_definition_arn
    error_message = "The service keeps its revision."
  }
}
