resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: flow logs are billed by volume, and the private subnets have no way out
  cidr_block           = var.cidr_block
  enable_dns_hostnames = true # the private names of the interface endpoints need both
  enable_dns_support   = true

  tags = { Name = var.name }
}

# Nothing may use the group that every VPC is born with.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-unused" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr_block, 4, each.value)

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr_block, 4, each.value + 8)

  tags = { Name = "${var.name}-public-${each.key}" }
}

locals {
  # zone name to its number; private ranges count from 0, public ones from 8
  zones = { for index, zone in var.availability_zones : zone => index }

  private_subnet_ids = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}
