resource "aws_internet_gateway" "this" {
  count = local.creates_vpc ? 1 : 0

  vpc_id = local.vpc_id

  tags = { Name = var.name }
}

resource "aws_route_table" "public" {
  count = local.creates_vpc ? 1 : 0

  vpc_id = local.vpc_id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  count = local.creates_vpc ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each = local.subnets

  route_table_id = aws_route_table.public[0].id
  subnet_id      = aws_subnet.public[each.key].id
}

locals {
  # one table for all private subnets, or one per zone with nat = per_zone
  private_tables = !local.creates_vpc ? [] : var.nat == "per_zone" ? var.availability_zones : ["all"]

  private_route_table_ids = tolist(
    local.creates_vpc
    ? [for name in local.private_tables : aws_route_table.private[name].id]
    : var.existing.private_route_table_ids
  )
}

# Without NAT, private tasks reach AWS services through the endpoints only.
resource "aws_route_table" "private" {
  for_each = toset(local.private_tables)

  vpc_id = local.vpc_id

  tags = { Name = each.key == "all" ? "${var.name}-private" : "${var.name}-private-${each.key}" }

  # when nat changes, subnets and endpoint are moved before the old tables are destroyed
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route_table_association" "private" {
  for_each = local.subnets

  route_table_id = aws_route_table.private[var.nat == "per_zone" ? each.value.zone : "all"].id
  subnet_id      = aws_subnet.private[each.key].id
}
