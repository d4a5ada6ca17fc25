# Mocked values of the provider in tests, in the format of AWS.

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    id                       = "test-grading-redis"
    primary_endpoint_address = "master.test-grading-redis.abcdef.apn2.cache.amazonaws.com"
  }
}

mock_resource "aws_security_group" {
  defaults = {
    id = "sg-0123456789abcdef9"
  }
}
