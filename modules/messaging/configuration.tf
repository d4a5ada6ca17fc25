resource "aws_mq_configuration" "this" {
  count = local.configures ? 1 : 0

  name           = var.name
  description    = "Queues and delivery rules of ${var.name}."
  engine_type    = var.engine_type
  engine_version = local.engine_version
  data           = local.broker_xml

  # Another version is another configuration: the broker moves to it before the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # RabbitMQ has no configuration in XML.
  configures = local.makes_broker && var.engine_type == "ActiveMQ"

  # The dead-letter queues are declared with the others, so that they can be looked at before they are used.
  dead_letter_queues = toset([for policy in values(local.policies) : policy.dead_letter_queue])
  queue_names        = sort(setunion(var.queues, local.dead_letter_queues))

  broker_xml = templatefile("${path.module}/templates/broker.xml.tftpl", {
    authorization      = var.authorization == null ? [] : local.rights
    default_redelivery = local.general.redelivery
    memory_percent     = var.nodes.memory_percent
    policies           = local.rendered_policies
    queue_names        = local.queue_names
    redeliveries       = local.redeliveries
    send_timeout_ms    = var.nodes.send_timeout_ms
    temporary_groups   = join(",", local.all_groups)
  })
}
