# All options, and a Redis that exists already.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "test-grading-redis"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { worker = "sg-2" }
}

run "two_nodes_with_every_option" {
  variables {
    apply_immediately  = true
    engine_version     = "7.2"
    kms_key_arn        = "arn:aws:kms:ap-northeast-2:123456789012:key/12345678-1234-1234-1234-123456789012"
    maintenance_window = "sun:19:00-sun:20:00"
    node_type          = "cache.m7g.large"
    nodes              = 2
    port               = 6380
  }

  assert {
    condition = (
      aws_elasticache_replication_group.this[0].num_cache_clusters == 2 && aws_elasticache_replication_group.this[0].automatic_failover_enabled &&
      aws_elasticache_replication_group.this[0].multi_az_enabled
    )
    error_message = "The second node takes over."
  }

  assert {
    condition = (
      aws_elasticache_replication_group.this[0].engine_version == "7.2" && aws_elasticache_replication_group.this[0].node_type == "cache.m7g.large" &&
      aws_elasticache_replication_group.this[0].maintenance_window == "sun:19:00-sun:20:00" && aws_elasticache_replication_group.this[0].apply_immediately &&
      aws_elasticache_replication_group.this[0].kms_key_id == "arn:aws:kms:ap-northeast-2:123456789012:key/12345678-1234-1234-1234-123456789012"
    )
    error_message = "Version, type, window and key are as given."
  }

  assert {
    condition     = aws_elasticache_replication_group.this[0].port == 6380 && aws_vpc_security_group_ingress_rule.client["worker"].from_port == 6380 && endswith(output.url, ":6380")
    error_message = "Port and rules are as given."
  }
}

run "an_existing_redis_is_reached" {
  variables {
    existing   = { security_group_ids = ["sg-0123456789abcdef7"], cidr_blocks = ["10.9.0.4/32"] }
    subnet_ids = []
    vpc_id     = null
  }

  assert {
    condition = (
      length(aws_elasticache_replication_group.this) == 0 && length(aws_elasticache_subnet_group.this) == 0 && length(aws_security_group.this) == 0 &&
      length(aws_vpc_security_group_ingress_rule.client) == 0 && output.url == null && output.replication_group_id == null
    )
    error_message = "Nothing of it is created or changed."
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_egress_rule.client) == ["worker-to-redis-6379-10.9.0.4/32", "worker-to-redis-6379-group-1"] &&
      aws_vpc_security_group_egress_rule.client["worker-to-redis-6379-group-1"].referenced_security_group_id == "sg-0123456789abcdef7" &&
      aws_vpc_security_group_egress_rule.client["worker-to-redis-6379-10.9.0.4/32"].cidr_ipv4 == "10.9.0.4/32"
    )
    error_message = "The clients may connect to its groups and addresses."
  }
}
