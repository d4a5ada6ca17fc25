# Since a broker of your own can be brought, and RabbitMQ has no configuration in XML.
moved {
  from = aws_mq_broker.this
  to   = aws_mq_broker.this[0]
}

moved {
  from = aws_mq_configuration.this
  to   = aws_mq_configuration.this[0]
}
