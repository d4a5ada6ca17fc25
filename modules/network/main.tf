resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: by flow_logs; they are billed by volume, and the private subnets have no way out
  count = local.creates_vpc ? 1 : 0

  cidr_block           = local.cidr_block
  enable_dns_hostnames = true # the private names of the interface endpoints need both
  enable_dns_support   = true

  tags = { Name = var.name }
}

# Nothing may use the group that every VPC is born with.
resource "aws_default_security_group" "this" {
  count = local.creates_vpc ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-default-unused" }
}
