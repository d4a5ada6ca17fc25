locals {
  # Selected by scheme: the order of the endpoints is not guaranteed.
  schemes = {
    amqp      = ["amqp+ssl://", "amqps://"]
    mqtt      = ["mqtt+ssl://"]
    openwire  = ["ssl://"]
    stomp     = ["stomp+ssl://"]
    websocket = ["wss://"]
  }

  # one list of endpoints per node
  all_endpoints = flatten(aws_mq_broker.this[*].instances[*].endpoints)

  existing_endpoints = local.makes_broker ? [] : concat(var.existing.stomp_endpoints, var.existing.endpoints)

  endpoints = {
    for protocol, schemes in local.schemes : protocol => [
      for endpoint in local.makes_broker ? local.all_endpoints : local.existing_endpoints :
      endpoint if anytrue([for scheme in schemes : startswith(endpoint, scheme)])
    ]
  }

  # CloudWatch names the nodes of ActiveMQ <name>-1 and, for an active/standby pair, <name>-2; RabbitMQ uses the broker's name.
  own_node_names = var.engine_type == "RabbitMQ" ? [var.name] : [for number in range(length(local.subnet_ids)) : "${var.name}-${number + 1}"]
  node_names     = [for name in local.makes_broker ? local.own_node_names : var.existing.node_names : name]
}
