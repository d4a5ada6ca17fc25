# What scaling looks at: the messages of each queue on each node of the broker, and the tasks that run.

locals {
  queue_pairs = { for index, pair in setproduct(var.queue.broker_node_names, var.queue.names) : "size${index}" => { node = pair[0], queue = pair[1] } }

  # Both count also the messages that a worker has taken and not yet acknowledged.
  queue_metrics = {
    for id, pair in local.queue_pairs : id => {
      namespace = "AWS/AmazonMQ"
      name      = var.queue.engine_type == "ActiveMQ" ? "QueueSize" : "MessageCount"
      dimensions = merge(
        { Broker = pair.node, Queue = pair.queue },
        var.queue.engine_type == "ActiveMQ" ? {} : { VirtualHost = var.queue.virtual_host },
      )
    }
  }

  metrics = merge(local.queue_metrics, {
    running = {
      namespace  = "ECS/ContainerInsights"
      name       = "RunningTaskCount"
      dimensions = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.this.name }
    }
  })

  # the idle node of a pair reports nothing
  waiting_expression = join(" + ", [for id in keys(local.queue_metrics) : "FILL(${id}, 0)"])
}
