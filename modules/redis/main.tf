locals {
  creates = var.existing == null
}

# Clients authenticate with one token. Terraform would store it in the state, so it sets a random one at creation, and
# `gradectl apply` sets the one in Parameter Store afterwards.
resource "aws_elasticache_replication_group" "this" {
  # checkov:skip=CKV_AWS_191: kms_key_arn sets a key; the default is the key of ElastiCache
  # checkov:skip=CKV2_AWS_50: nodes = 2 turns on the takeover; results are also in queue and row
  count = local.creates ? 1 : 0

  replication_group_id = var.name
  description          = "Results and progress of gradings for those who wait for them."
  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  num_cache_clusters   = var.nodes
  port                 = var.port

  automatic_failover_enabled = var.nodes > 1
  multi_az_enabled           = var.nodes > 1

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = uuid()

  subnet_group_name  = aws_elasticache_subnet_group.this[0].name
  security_group_ids = [aws_security_group.this[0].id]

  apply_immediately          = var.apply_immediately
  auto_minor_version_upgrade = true
  maintenance_window         = var.maintenance_window
  snapshot_retention_limit   = 0 # everything in it expires within minutes

  lifecycle {
    ignore_changes = [auth_token, auth_token_update_strategy]
  }
}

resource "aws_elasticache_subnet_group" "this" {
  count = local.creates ? 1 : 0

  name        = var.name
  description = "Private subnets of Redis."
  subnet_ids  = var.subnet_ids
}
