# Alarms of the HTTP API.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  broker           = { node_names = ["test-grading-mq-1"] }
  api              = { load_balancer = "app/test-grading-web/0123456789abcdef", target_group = "targetgroup/test-api-8080/0123456789abcdef" }
}

run "errors_latency_and_health" {
  command = plan

  assert {
    condition     = length(setintersection(keys(aws_cloudwatch_metric_alarm.this), ["api_errors", "api_latency", "api_unhealthy"])) == 3
    error_message = "There are three alarms."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["api_errors"].threshold == 10 && aws_cloudwatch_metric_alarm.this["api_errors"].alarm_name == "test-grading-api-errors" &&
      length(aws_cloudwatch_metric_alarm.this["api_errors"].metric_query) == 3 && aws_cloudwatch_metric_alarm.this["api_latency"].threshold == 5000 &&
      anytrue([for query in aws_cloudwatch_metric_alarm.this["api_latency"].metric_query : try(query.metric[0].stat == "p95", false)])
    )
    error_message = "Errors of application and load balancer count, and one in 20 answers may be slower."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["api_unhealthy"].treat_missing_data == "breaching" &&
      aws_cloudwatch_metric_alarm.this["api_unhealthy"].dimensions == tomap({ LoadBalancer = "app/test-grading-web/0123456789abcdef", TargetGroup = "targetgroup/test-api-8080/0123456789abcdef" })
    )
    error_message = "No task at all is an alarm too."
  }

  assert {
    condition     = alltrue([for kind in ["api_errors", "api_latency", "api_unhealthy"] : strcontains(aws_cloudwatch_metric_alarm.this[kind].alarm_description, "Next: gradectl status test; docs/runbook.md, The API fails or is slow.")])
    error_message = "Each alarm names the next command."
  }
}

run "other_thresholds_and_one_alarm_disabled" {
  command = plan

  variables {
    disabled_alarms = ["api_unhealthy"]
    thresholds      = { api_errors = 100, api_latency_ms = 30000 }
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["api_errors"].threshold == 100 && aws_cloudwatch_metric_alarm.this["api_latency"].threshold == 30000 &&
      !contains(keys(aws_cloudwatch_metric_alarm.this), "api_unhealthy")
    )
    error_message = "Thresholds are as given."
  }
}

run "refuses_an_arn_of_the_load_balancer" {
  command = plan

  variables {
    api = { load_balancer = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/a/b", target_group = "targetgroup/a/b" }
  }

  expect_failures = [var.api]
}
