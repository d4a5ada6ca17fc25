# Alarms of queues. Values are summed over the nodes of a pair, of which the standby reports nothing, and over both
# transports while an environment changes from one to the other.

locals {
  is_rabbit = try(var.broker.engine_type, "ActiveMQ") == "RabbitMQ"
  nodes     = try(var.broker.node_names, [])

  waiting_metric   = local.is_rabbit ? "MessageCount" : "QueueSize"
  queue_dimensions = local.is_rabbit ? { VirtualHost = "/" } : {}

  # metrics by purpose of the queue and ID, one per node: s0, s1 sizes, c0, c1 consumers, d0, d1 dequeued messages
  _broker_sizes = { for purpose, queue in var.queues : purpose => {
    for index, node in local.nodes : "s${index}" => {
      namespace   = "AWS/AmazonMQ"
      metric_name = local.waiting_metric
      dimensions  = merge(local.queue_dimensions, { Broker = node, Queue = queue })
    }
  } }
  _consumers = { for index, node in local.nodes : "c${index}" => {
    namespace   = "AWS/AmazonMQ"
    metric_name = "ConsumerCount"
    dimensions  = merge(local.queue_dimensions, { Broker = node, Queue = var.queues.requests })
  } }
  _finished = { for purpose, queue in var.queues : purpose => {
    for index, node in local.nodes : "d${index}" => {
      namespace   = "AWS/AmazonMQ"
      metric_name = "DequeueCount"
      dimensions  = { Broker = node, Queue = queue }
    }
  } }

  # metrics of a queue of SQS by purpose and ID
  _sqs_queues = { for purpose, queue in coalesce(var.sqs_queue_names, {}) : purpose => queue if queue != null }
  _sqs = { for purpose in keys(var.queues) : purpose => {
    for id, name in {
      age      = "ApproximateAgeOfOldestMessage"
      empty    = "NumberOfEmptyReceives"
      inflight = "ApproximateNumberOfMessagesNotVisible"
      received = "NumberOfMessagesReceived"
      visible  = "ApproximateNumberOfMessagesVisible"
    } : id => { namespace = "AWS/SQS", metric_name = name, dimensions = { QueueName = try(local._sqs_queues[purpose], "") } }
    if contains(keys(local._sqs_queues), purpose)
  } }

  sizes = { for purpose in keys(var.queues) : purpose => merge(
    local._broker_sizes[purpose], { for id, metric in local._sqs[purpose] : id => metric if id == "visible" },
  ) }

  _has_sqs = var.sqs_queue_names != null
  _is_one  = length(local.nodes) + (local._has_sqs ? 1 : 0) == 1
  _sum     = { for letter in ["c", "d", "s"] : letter => join(" + ", [for index in range(length(local.nodes)) : "FILL(${letter}${index}, 0)"]) }

  # The newest minutes arrive late. FILL alone would count them as empty queues, which ends an alarm; IF without an else
  # skips them until one has reported.
  _reported = { for purpose, metrics in local.sizes : purpose => "${join(" + ", [for id in keys(metrics) : "FILL(${id} + 1, 0)"])} > 0" }
  _size     = { for purpose, metrics in local.sizes : purpose => join(" + ", [for id in keys(metrics) : "FILL(${id}, 0)"]) }

  list_queues = "Next: gradectl queue list -e ${local.environment}; docs/runbook.md, Messages pile up and nothing is processed."

  # Messages wait and no worker takes them, by transport. SQS does not count consumers: nothing is received or in flight.
  _untaken = compact([
    length(local.nodes) > 0 ? "(${local._sum.s}) > 0 AND (${local._sum.c}) < 1" : "",
    local._has_sqs ? "FILL(visible, 0) > 0 AND (FILL(empty, 0) + FILL(inflight, 0) + FILL(received, 0)) < 1" : "",
  ])

  _size_alarms = {
    queue_size = {
      kind        = "queue_size"
      name        = var.queue_size_alarm_name
      description = "More requests wait in ${var.queues.requests} than the workers take. ${local.list_queues}"
      metrics     = local.sizes["requests"]
      expression  = local._is_one ? null : "IF(${local._reported["requests"]}, ${local._size["requests"]})"
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
      expression  = local._is_one ? null : "IF(${local._reported["dead_letter"]}, ${local._size["dead_letter"]})"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = var.thresholds.dead_letters
      period      = 300
      periods     = 1
    }

    no_consumer = {
      kind        = "no_consumer"
      name        = "${local.prefix}-no-consumer"
      description = "Requests wait in ${var.queues.requests} and no worker ${local._has_sqs ? "takes them" : "is connected to take them"}. ${local.list_queues}"
      metrics     = merge(local._broker_sizes["requests"], local._consumers, { for id, metric in local._sqs["requests"] : id => metric if id != "age" })
      expression  = "IF(${local._reported["requests"]}, IF(${length(local._untaken) == 1 ? local._untaken[0] : "(${join(") OR (", local._untaken)})"}, 1, 0))"
      statistic   = "Average"
      comparison  = "GreaterThanOrEqualToThreshold"
      threshold   = 1
      period      = 60
      periods     = var.thresholds.no_consumer_minutes
    }
  }

  # No engine of Amazon MQ reports the age of the oldest message. But if messages wait and none is dequeued for N
  # minutes, the oldest has waited at least N minutes. RabbitMQ does not report dequeued messages by queue.
  _idle_alarms = local.is_rabbit || length(local.nodes) == 0 ? {} : { for purpose in ["requests", "priority"] : "oldest_message_${purpose}" => {
    kind        = "oldest_message"
    name        = "${local.prefix}-oldest-message-${purpose}"
    description = "For ${var.thresholds.oldest_message_minutes} minutes a message has waited in ${var.queues[purpose]} and none was finished. ${local.list_queues}"
    metrics     = merge(local._broker_sizes[purpose], local._finished[purpose])
    expression  = "IF(${join(" + ", [for id in keys(local._broker_sizes[purpose]) : "FILL(${id} + 1, 0)"])} > 0, IF((${local._sum.s}) > 0 AND (${local._sum.d}) < 1, 1, 0))"
    statistic   = "Average"
    comparison  = "GreaterThanOrEqualToThreshold"
    threshold   = 1
    period      = 60
    periods     = var.thresholds.oldest_message_minutes
  } }

  # SQS reports it.
  _age_alarms = { for purpose in ["requests", "priority"] : "oldest_message_${purpose}${length(local.nodes) == 0 ? "" : "_sqs"}" => {
    kind        = "oldest_message"
    name        = "${local.prefix}-oldest-message-${purpose}${length(local.nodes) == 0 ? "" : "-sqs"}"
    description = "A message of ${var.queues[purpose]} is older than ${var.thresholds.oldest_message_minutes} minutes. ${local.list_queues}"
    metrics     = { age = local._sqs[purpose]["age"] }
    expression  = null
    statistic   = "Maximum"
    comparison  = "GreaterThanThreshold"
    threshold   = 60 * var.thresholds.oldest_message_minutes
    period      = 60
    periods     = 3
  } if contains(keys(local._sqs_queues), purpose) }

  queue_alarms = merge(local._size_alarms, local._idle_alarms, local._age_alarms)
}
