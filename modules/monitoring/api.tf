# Only with an API.

locals {
  look_at_api = "Next: gradectl status ${local.environment}; docs/runbook.md, The API fails or is slow."

  _balancer = { LoadBalancer = try(var.api.load_balancer, "") }
  _targets  = { LoadBalancer = try(var.api.load_balancer, ""), TargetGroup = try(var.api.target_group, "") }

  _api = {
    api_errors = {
      label       = "errors"
      description = "The API or its load balancer gave more than ${var.thresholds.api_errors} answers 5xx within 5 minutes; 503 says that the queue is full or something is away."
      metrics = {
        api      = { namespace = "AWS/ApplicationELB", metric_name = "HTTPCode_Target_5XX_Count", dimensions = local._targets }
        balancer = { namespace = "AWS/ApplicationELB", metric_name = "HTTPCode_ELB_5XX_Count", dimensions = local._balancer }
      }
      expression = "FILL(api, 0) + FILL(balancer, 0)"
      statistic  = "Sum"
      comparison = "GreaterThanThreshold"
      threshold  = var.thresholds.api_errors
      period     = 300
      periods    = 1
      missing    = "notBreaching"
    }
    api_latency = {
      label       = "latency-high"
      description = "One in 20 answers of the API takes longer than ${var.thresholds.api_latency_ms} ms, for 15 minutes."
      metrics     = { seconds = { namespace = "AWS/ApplicationELB", metric_name = "TargetResponseTime", dimensions = local._targets } }
      expression  = "seconds * 1000"
      statistic   = "p95"
      comparison  = "GreaterThanThreshold"
      threshold   = var.thresholds.api_latency_ms
      period      = 300
      periods     = 3
      missing     = "notBreaching"
    }
    api_unhealthy = {
      label       = "unhealthy"
      description = "The load balancer has found no healthy task of the API for 5 minutes."
      metrics     = { healthy = { namespace = "AWS/ApplicationELB", metric_name = "HealthyHostCount", dimensions = local._targets } }
      expression  = null
      statistic   = "Maximum"
      comparison  = "LessThanThreshold"
      threshold   = 1
      period      = 60
      periods     = 5
      missing     = "breaching" # without a task there is no metric
    }
  }

  api_alarms = { for kind, part in local._api : kind => merge(part, {
    kind        = kind
    name        = "${local.prefix}-api-${part.label}"
    description = "${part.description} ${local.look_at_api}"
  }) if var.api != null }
}
