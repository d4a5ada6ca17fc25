# Metrics for scaling: messages and consumers by queue and broker node, and running tasks.
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

  size_metrics = {
    for index, dimensions in local.queue_dimensions :
    "size${index}" => { namespace = "AWS/AmazonMQ", name = local.size_name, dimensions = dimensions }
  }
  consumer_metrics = {
    for index, dimensions in local.queue_dimensions :
    "consumers${index}" => { namespace = "AWS/AmazonMQ", name = "ConsumerCount", dimensions = dimensions }
  }
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
}
