locals {
  # Sixteenth of the range for the first, second, ... subnet of the first zone; further zones follow. Adding a
  # zone or a subnet per zone therefore moves no existing subnet.
  _first_parts = [0, 4, 2, 6]

  # name of each pair of private and public subnet to its position; the first of a zone is named after the zone
  subnets = merge([
    for turn in range(var.subnets.per_zone) : {
      for number, zone in var.availability_zones :
      (turn == 0 ? zone : "${zone}-${turn + 1}") => {
        zone  = zone
        order = turn * length(var.availability_zones) + number
        part  = local._first_parts[turn] + number
      }
    }
  ]...)

  # names in the order of the outputs: the first of each zone, then the second of each
  subnet_names = flatten([
    for turn in range(var.subnets.per_zone) :
    [for zone in var.availability_zones : turn == 0 ? zone : "${zone}-${turn + 1}"]
  ])

  private_subnet_ids = tolist(
    local.creates_vpc ? [for name in local.subnet_names : aws_subnet.private[name].id] : var.existing.private_subnet_ids
  )
  public_subnet_ids = tolist(
    local.creates_vpc ? [for name in local.subnet_names : aws_subnet.public[name].id] : var.existing.public_subnet_ids
  )
}

resource "aws_subnet" "private" {
  for_each = local.subnets

  vpc_id            = local.vpc_id
  availability_zone = each.value.zone
  cidr_block = (
    var.subnets.private_cidr_blocks == null
    ? cidrsubnet(local.cidr_block, 4, each.value.part)
    : var.subnets.private_cidr_blocks[each.value.order]
  )

  tags = { Name = "${var.name}-private-${each.key}" }
}

# The public ranges start at the middle of the VPC's range.
resource "aws_subnet" "public" {
  for_each = local.subnets

  vpc_id            = local.vpc_id
  availability_zone = each.value.zone
  cidr_block = (
    var.subnets.public_cidr_blocks == null
    ? cidrsubnet(local.cidr_block, 4, 8 + each.value.part)
    : var.subnets.public_cidr_blocks[each.value.order]
  )

  tags = { Name = "${var.name}-public-${each.key}" }
}
