# count was added for existing brokers and for RabbitMQ, which has no XML configuration.
moved {
  from = aws_mq_broker.this
  to   = aws_mq_broker.this[0]
}

moved {
  from = aws_mq_configuration.this
  to   = aws_mq_configuration.this[0]
}
