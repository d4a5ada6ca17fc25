resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: flow_logs enables them; they are billed by volume, and private subnets have no internet access
  count = local.creates_vpc ? 1 : 0

  cidr_block           = local.cidr_block
  enable_dns_hostnames = true # private DNS of the interface endpoints needs both
  enable_dns_support   = true

  tags = { Name = var.name }
}

# The default security group of the VPC gets no rules.
resource "aws_default_security_group" "this" {
  count = local.creates_vpc ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-default-unused" }
}
