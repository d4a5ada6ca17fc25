locals {
  nat_zones = {
    none     = []
    single   = slice(var.availability_zones, 0, min(1, length(var.availability_zones)))
    per_zone = var.availability_zones
  }[var.nat]
}

resource "aws_eip" "nat" {
  # checkov:skip=CKV2_AWS_19: for the NAT gateway of the zone
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-${each.key}" }

  depends_on = [aws_route.internet]
}

resource "aws_route" "nat" {
  for_each = toset(var.nat == "none" ? [] : local.private_tables)

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.key == "all" ? local.nat_zones[0] : each.key].id
}
