# Alarms per broker node. The standby node reports no metrics, which counts as OK.

locals {
  look_at_broker = "Next: gradectl smoke ${local.environment}; docs/runbook.md, The broker is short of something."

  _activemq = {
    broker_cpu     = { label = "cpu-high", metric = "CpuUtilization", threshold = var.thresholds.broker_cpu_percent, what = "CPU" }
    broker_memory  = { label = "memory-high", metric = "HeapUsage", threshold = var.thresholds.broker_memory_percent, what = "heap" }
    broker_storage = { label = "storage-high", metric = "StorePercentUsage", threshold = var.thresholds.broker_storage_percent, what = "message store" }
  }

  _activemq_alarms = merge([for index, node in local.nodes : {
    for kind, part in local._activemq : "${kind}_${index + 1}" => {
      kind        = kind
      name        = "${local.prefix}-broker-${index + 1}-${part.label}"
      description = "The broker ${node} uses more than ${part.threshold} percent of its ${part.what}. ${local.look_at_broker}"
      metrics     = { usage = { namespace = "AWS/AmazonMQ", metric_name = part.metric, dimensions = { Broker = node } } }
      expression  = null
      statistic   = "Average"
      comparison  = "GreaterThanThreshold"
      threshold   = part.threshold
      period      = 300
      periods     = 3
    }
  }]...)

  # Credits are reported every five minutes, and only for burstable instances.
  is_burstable = try(startswith(var.broker.instance_type, "mq.t"), false)
  _credit_alarms = { for index, node in local.nodes : "broker_cpu_credits_${index + 1}" => {
    kind        = "broker_cpu_credits"
    name        = "${local.prefix}-broker-${index + 1}-cpu-credits-low"
    description = "The broker ${node} has fewer than ${var.thresholds.broker_cpu_credits} CPU credits and is about to slow down: it needs a larger instance. ${local.look_at_broker}"
    metrics     = { credits = { namespace = "AWS/AmazonMQ", metric_name = "CpuCreditBalance", dimensions = { Broker = node } } }
    expression  = null
    statistic   = "Minimum"
    comparison  = "LessThanThreshold"
    threshold   = var.thresholds.broker_cpu_credits
    period      = 300
    periods     = 2
  } if local.is_burstable && !local.is_rabbit }

  # RabbitMQ reports bytes and its limits; at a limit it blocks publishers.
  _only_node = try(local.nodes[0], "")
  _rabbitmq = {
    broker_cpu     = { label = "cpu-high", metrics = ["SystemCpuUtilization"], expression = null, threshold = var.thresholds.broker_cpu_percent, what = "its CPU" }
    broker_memory  = { label = "memory-high", metrics = ["RabbitMQMemUsed", "RabbitMQMemLimit"], expression = "100 * m0 / m1", threshold = var.thresholds.broker_memory_percent, what = "its memory limit" }
    broker_storage = { label = "storage-high", metrics = ["RabbitMQDiskFreeLimit", "RabbitMQDiskFree"], expression = "100 * m0 / m1", threshold = var.thresholds.broker_storage_percent, what = "the way to its disk limit" }
  }

  _rabbitmq_alarms = { for kind, part in local._rabbitmq : "${kind}_1" => {
    kind        = kind
    name        = "${local.prefix}-broker-${part.label}"
    description = "The broker ${local._only_node} has used more than ${part.threshold} percent of ${part.what}. ${local.look_at_broker}"
    metrics = { for index, metric in part.metrics : "m${index}" => {
      namespace   = "AWS/AmazonMQ"
      metric_name = metric
      dimensions  = { Broker = local._only_node }
    } }
    expression = part.expression
    statistic  = "Average"
    comparison = "GreaterThanThreshold"
    threshold  = part.threshold
    period     = 300
    periods    = 3
  } }

  broker_alarms = merge(
    { for key, alarm in local._activemq_alarms : key => alarm if !local.is_rabbit },
    { for key, alarm in local._rabbitmq_alarms : key => alarm if local.is_rabbit },
    local._credit_alarms,
  )
}
