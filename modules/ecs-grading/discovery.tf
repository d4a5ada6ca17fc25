# Only with service_discovery: a private DNS name for the workers.

resource "aws_service_discovery_private_dns_namespace" "this" {
  count = var.service_discovery == null ? 0 : 1

  name        = "${local.name}.internal"
  description = "Names of the ${local.name} services."
  vpc         = var.service_discovery.vpc_id
}

resource "aws_service_discovery_service" "this" {
  count = var.service_discovery == null ? 0 : 1

  name          = local.container_name
  force_destroy = true # ECS deregisters the last tasks after it reports the service as deleted

  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.this[0].id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }
}
