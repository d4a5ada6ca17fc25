# An apply after a schedule has moved the minimum.

mock_provider "aws" {
  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:ap-northeast-2:123456789012:scalingPolicy:0123:policyName/test" }
  }
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
  capacity           = { min = 20, max = 30, desired = 20 } # as the schedule has set them
  scaling            = { schedules = { exam-begins = { schedule = "cron(30 8 ? * MON-FRI *)", min = 20 } } }
}

run "the_schedule_has_set_the_minimum" {
  assert {
    condition     = terraform_data.bounds.output == { max = 30 }
    error_message = "Terraform manages the bound that no schedule moves."
  }
}

run "an_apply_in_exam_hours_keeps_the_minimum" {
  command = plan

  variables {
    capacity = { min = 1, max = 30, desired = 1 }
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 20
    error_message = "The minimum of capacity would stop workers in the middle of an exam."
  }

  assert {
    condition     = output.scaling_bounds == { min = 1, max = 30 }
    error_message = "The output has the configured bounds, so that it never differs in a plan."
  }
}

run "zero_tasks_become_possible" {
  variables {
    capacity = { min = 0, max = 30, desired = 1 }
  }

  assert {
    condition     = terraform_data.bounds.output == { max = 30, rests = 1 } && aws_appautoscaling_target.this.min_capacity == 0
    error_message = "The alarms for zero tasks come with a minimum of 0."
  }
}

run "zero_tasks_are_no_longer_possible" {
  variables {
    capacity = { min = 1, max = 30, desired = 1 }
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 1 && length(aws_cloudwatch_metric_alarm.rest) == 0
    error_message = "A minimum of 0 without alarms would let the last task end, and none would start."
  }
}

run "a_bound_without_a_schedule_changes" {
  variables {
    capacity = { min = 1, max = 40, desired = 1 }
  }

  assert {
    condition     = aws_appautoscaling_target.this.max_capacity == 40
    error_message = "The target is replaced with the new maximum."
  }
}

run "without_schedules_both_bounds_change" {
  variables {
    capacity = { min = 2, max = 12, desired = 2 }
    scaling  = {}
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 2 && aws_appautoscaling_target.this.max_capacity == 12
    error_message = "The target is replaced with the given bounds."
  }
}
