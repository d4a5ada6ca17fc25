# count was added for services whose image a pipeline deploys. No root can move `pipeline[0]` to `this[0]` too:
# Terraform accepts one source for each address.
moved {
  from = aws_ecs_service.this
  to   = aws_ecs_service.this[0]
}
