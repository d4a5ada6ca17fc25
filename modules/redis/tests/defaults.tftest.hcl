# Defaults with only the required variables.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "test-grading-redis"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { web = "sg-1", worker = "sg-2" }
}

run "it_is_encrypted_and_asks_for_a_token" {
  assert {
    condition = (
      aws_elasticache_replication_group.this[0].transit_encryption_enabled && aws_elasticache_replication_group.this[0].transit_encryption_mode == "required" &&
      aws_elasticache_replication_group.this[0].at_rest_encryption_enabled == "true" && aws_elasticache_replication_group.this[0].kms_key_id == null
    )
    error_message = "Data is encrypted in transit and at rest."
  }

  assert {
    condition     = can(regex("^[0-9a-f-]{36}$", aws_elasticache_replication_group.this[0].auth_token))
    error_message = "The first token is random, so that no one can connect before gradectl sets the real one."
  }
}

run "it_is_one_small_node" {
  command = plan

  assert {
    condition = (
      aws_elasticache_replication_group.this[0].engine == "valkey" && aws_elasticache_replication_group.this[0].engine_version == "8.0" &&
      aws_elasticache_replication_group.this[0].node_type == "cache.t4g.micro" && aws_elasticache_replication_group.this[0].num_cache_clusters == 1 &&
      aws_elasticache_replication_group.this[0].automatic_failover_enabled == false && aws_elasticache_replication_group.this[0].multi_az_enabled == false &&
      aws_elasticache_replication_group.this[0].snapshot_retention_limit == 0 && aws_elasticache_replication_group.this[0].apply_immediately == false
    )
    error_message = "One node of Valkey without snapshots; changes wait for the maintenance window."
  }

  assert {
    condition     = aws_elasticache_subnet_group.this[0].subnet_ids == toset(["subnet-1", "subnet-2"])
    error_message = "It is in the private subnets."
  }
}

run "only_the_clients_reach_it" {
  assert {
    condition = (
      keys(aws_vpc_security_group_ingress_rule.client) == ["web", "worker"] &&
      alltrue([for rule in values(aws_vpc_security_group_ingress_rule.client) : rule.from_port == 6379 && rule.to_port == 6379 && rule.security_group_id == "sg-0123456789abcdef9"]) &&
      aws_vpc_security_group_ingress_rule.client["web"].referenced_security_group_id == "sg-1"
    )
    error_message = "It accepts its port from the groups of the clients only."
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_egress_rule.client) == ["web-to-redis-6379", "worker-to-redis-6379"] &&
      aws_vpc_security_group_egress_rule.client["worker-to-redis-6379"].security_group_id == "sg-2" &&
      aws_vpc_security_group_egress_rule.client["worker-to-redis-6379"].referenced_security_group_id == "sg-0123456789abcdef9"
    )
    error_message = "The clients may connect to it."
  }

  assert {
    condition = (
      output.url == "rediss://master.test-grading-redis.abcdef.apn2.cache.amazonaws.com:6379" && output.replication_group_id == "test-grading-redis" &&
      output.security_group_id == "sg-0123456789abcdef9"
    )
    error_message = "The URL uses TLS."
  }
}
