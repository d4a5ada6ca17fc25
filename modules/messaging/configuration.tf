resource "aws_mq_configuration" "this" {
  count = local.configures ? 1 : 0

  name           = var.name
  description    = "Queues and delivery rules of ${var.name}."
  engine_type    = var.engine_type
  engine_version = local.engine_version
  data           = local.broker_xml

  # A new engine version needs a new configuration: the broker switches before the old one is destroyed.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # RabbitMQ has no XML configuration.
  configures = local.makes_broker && var.engine_type == "ActiveMQ"

  # Dead-letter queues are declared too, so that they can be browsed before their first message.
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
