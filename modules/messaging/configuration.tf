resource "aws_mq_configuration" "this" {
  name           = var.name
  description    = "Queues and delivery rules of ${var.name}."
  engine_type    = var.engine_type
  engine_version = var.engine_version
  data           = local.broker_xml
}

locals {
  # The dead-letter queue is declared with the others, so that it can be looked at before it is used.
  queue_names = sort(distinct(concat(tolist(var.queues), [var.dead_letter_queue])))

  broker_xml = templatefile("${path.module}/templates/broker.xml.tftpl", {
    queue_names          = local.queue_names
    dead_letter_queue    = var.dead_letter_queue
    max_browse_page_size = var.max_browse_page_size
    redelivery           = var.redelivery
  })
}
