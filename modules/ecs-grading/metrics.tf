# Metrics for scaling: messages and consumers by queue and broker node, messages and receives by queue of SQS, and
# running tasks.
#
# CloudWatch receives them with one or two minutes delay, not all at the same time, and nothing from the standby node of a
# pair. IF without an else skips minutes that no node has reported yet; FILL alone would count them as empty queues.

locals {
  queue_pairs = [for pair in setproduct(var.queue.broker_node_names, var.queue.names) : { node = pair[0], queue = pair[1] }]

  queue_dimensions = [for pair in local.queue_pairs : merge(
    { Broker = pair.node, Queue = pair.queue },
    var.queue.engine_type == "ActiveMQ" ? {} : { VirtualHost = var.queue.virtual_host },
  )]

  # Both include unacknowledged messages in flight.
  size_name = var.queue.engine_type == "ActiveMQ" ? "QueueSize" : "MessageCount"

  _broker_sizes = {
    for index, dimensions in local.queue_dimensions :
    "size${index}" => { namespace = "AWS/AmazonMQ", name = local.size_name, dimensions = dimensions }
  }
  _broker_consumers = {
    for index, dimensions in local.queue_dimensions :
    "consumers${index}" => { namespace = "AWS/AmazonMQ", name = "ConsumerCount", dimensions = dimensions }
  }

  # SQS does not count consumers. An idle one is seen by its receives, a busy one by the message in flight.
  _sqs_names = {
    visible  = "ApproximateNumberOfMessagesVisible"
    inflight = "ApproximateNumberOfMessagesNotVisible"
    received = "NumberOfMessagesReceived"
    empty    = "NumberOfEmptyReceives"
  }
  _sqs = { for id, name in local._sqs_names : id => {
    for index, queue in var.queue.sqs_queue_names :
    "${id}${index}" => { namespace = "AWS/SQS", name = name, dimensions = { QueueName = queue } }
  } }

  # Both exist while the transport changes: their sum counts, and the last task does not stop.
  has_broker = length(local.queue_pairs) > 0
  has_sqs    = length(var.queue.sqs_queue_names) > 0

  size_metrics     = merge(local._broker_sizes, local._sqs["visible"])
  work_metrics     = merge(local.size_metrics, local._sqs["inflight"])
  consumer_metrics = merge(local._broker_consumers, local._sqs["received"], local._sqs["empty"])
  task_metrics = {
    for id, name in { desired = "DesiredTaskCount", running = "RunningTaskCount" } : id => {
      namespace               = "ECS/ContainerInsights"
      name                    = name
      dimensions              = { ClusterName = aws_ecs_cluster.this.name, ServiceName = local.service.name }
    }
  }

  consumers          = join(" + ", [for id in keys(local.consumer_metrics) : "FILL(${id}, 0)"])
  consumers_reported = "${join(" + ", [for id in keys(local.consumer_metrics) : "FILL(${id} + 1, 0)"])} > 0"
  reported           = "${join(" + ", [for id in keys(local.size_metrics) : "FILL(${id} + 1, 0)"])} > 0"
  waiting            = join(" + ", [for id in keys(local.size_metrics) : "FILL(${id}, 0)"])

  # A broker counts messages in flight as waiting; in SQS they are apart.
  in_work     = join(" + ", [for id in keys(local.work_metrics) : "FILL(${id}, 0)"])
  busy_or_not = join(" + ", [for id in keys(merge(local.consumer_metrics, local._sqs["inflight"])) : "FILL(${id}, 0)"])
}
