# count was added for services whose image a pipeline deploys.
moved {
  from = aws_ecs_service.this
  to   = aws_ecs_service.this[0]
}
