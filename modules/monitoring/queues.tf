# Alarms of queues. Values are summed over the nodes of a pair; the standby node reports nothing.

locals {
  is_rabbit = var.broker.engine_type == "RabbitMQ"

  waiting_metric   = local.is_rabbit ? "MessageCount" : "QueueSize"
  queue_dimensions = local.is_rabbit ? { VirtualHost = "/" } : {}

  # metrics by purpose of the queue and ID, one per node: s0, s1 sizes, c0, c1 consumers, d0, d1 dequeued messages
  sizes = { for purpose, queue in var.queues : purpose => {
    for index, node in var.broker.node_names : "s${index}" => {
      namespace   = "AWS/AmazonMQ"
      metric_name = local.waiting_metric
      dimensions  = merge(local.queue_dimensions, { Broker = node, Queue = queue })
    }
  } }
  consumers = { for index, node in var.broker.node_names : "c${index}" => {
    namespace   = "AWS/AmazonMQ"
    metric_name = "ConsumerCount"
    dimensions  = merge(local.queue_dimensions, { Broker = node, Queue = var.queues.requests })
  } }
  finished = { for purpose, queue in var.queues : purpose => {
    for index, node in var.broker.node_names : "d${index}" => {
      namespace   = "AWS/AmazonMQ"
      metric_name = "DequeueCount"
      dimensions  = { Broker = node, Queue = queue }
    }
  } }

  is_pair = length(var.broker.node_names) > 1
  sum     = { for letter in ["c", "d", "s"] : letter => join(" + ", [for index in range(length(var.broker.node_names)) : "FILL(${letter}${index}, 0)"]) }

  # The newest minutes arrive late. FILL alone would count them as empty queues, which ends an alarm; IF without an else
  # skips them until a node has reported.
  reported = "${join(" + ", [for index in range(length(var.broker.node_names)) : "FILL(s${index} + 1, 0)"])} > 0"

  list_queues = "Next: gradectl queue list -e ${local.environment}; docs/runbook.md, Messages pile up and nothing is processed."

  _size_alarms = {
    queue_size = {
      kind        = "queue_size"
      name        = var.queue_size_alarm_name
      description = "More requests wait in ${var.queues.requests} than the workers take. ${local.list_queues}"
      metrics     = local.sizes["requests"]
      expression  = local.is_pair ? "IF(${local.reported}, ${local.sum.s})" : null
      statistic   = "Average"
      comparison  = "GreaterThanThreshold"
      threshold   = var.thresholds.queue_size
      period      = 300
      periods     = 2
    }

    dead_letters = {
      kind        = "dead_letters"
      name        = "${local.prefix}-dlq-not-empty"
      description = "Requests could not be graded and lie in ${var.queues.dead_letter}. Next: gradectl queue inspect -e ${local.environment} ${var.queues.dead_letter}; docs/runbook.md, Messages in grading-dlq."
      metrics     = local.sizes["dead_letter"]
      expression  = local.is_pair ? "IF(${local.reported}, ${local.sum.s})" : null
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = var.thresholds.dead_letters
      period      = 300
      periods     = 1
    }

    no_consumer = {
      kind        = "no_consumer"
      name        = "${local.prefix}-no-consumer"
      description = "Requests wait in ${var.queues.requests} and no worker is connected to take them. ${local.list_queues}"
      metrics     = merge(local.sizes["requests"], local.consumers)
      expression  = "IF(${local.reported}, IF((${local.sum.s}) > 0 AND (${local.sum.c}) < 1, 1, 0))"
      statistic   = "Average"
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = 60
      periods     = var.thresholds.no_consumer_minutes
    }
  }

  # No engine reports the age of the oldest message. But if messages wait and none is dequeued for N
  # minutes, the oldest has waited at least N minutes. RabbitMQ does not report dequeued messages by queue.
  _age_alarms = local.is_rabbit ? {} : { for purpose in ["requests", "priority"] : "oldest_message_${purpose}" => {
    kind        = "oldest_message"
    name        = "${local.prefix}-oldest-message-${purpose}"
    description = "For ${var.thresholds.oldest_message_minutes} minutes a message has waited in ${var.queues[purpose]} and none was finished. ${local.list_queues}"
    metrics     = merge(local.sizes[purpose], local.finished[purpose])
    expression  = "IF(${local.reported}, IF((${local.sum.s}) > 0 AND (${local.sum.d}) < 1, 1, 0))"
    statistic   = "Average"
    comparison  = "GreaterThanOrEqualToThreshold"
    threshold   = 1
    period      = 60
    periods     = var.thresholds.oldest_message_minutes
  } }

  queue_alarms = merge(local._size_alarms, local._age_alarms)
}
