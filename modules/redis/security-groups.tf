# The rules of both sides are here, so that the network of a root without Redis has none.

locals {
  # where the clients connect to: the group created here, or what exists, whose groups are named by their position
  # because their IDs may be unknown
  _ends = local.creates ? { "" = { group_id = aws_security_group.this[0].id, cidr_block = null } } : merge(
    { for at, id in var.existing.security_group_ids : "-group-${at + 1}" => { group_id = id, cidr_block = null } },
    { for block in var.existing.cidr_blocks : "-${block}" => { group_id = null, cidr_block = block } },
  )
  egress = merge([for client, group in var.client_security_group_ids : {
    for suffix, end in local._ends : "${client}-to-redis-${var.port}${suffix}" => merge(end, { client_group_id = group })
  }]...)
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5: it is attached to the replication group
  count = local.creates ? 1 : 0

  name        = var.name
  description = "Redis."
  vpc_id      = var.vpc_id

  tags = { Name = var.name }
}

resource "aws_vpc_security_group_egress_rule" "client" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = local.egress

  security_group_id            = each.value.client_group_id
  referenced_security_group_id = each.value.group_id
  cidr_ipv4                    = each.value.cidr_block
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port

  tags = { Name = each.key }
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = local.creates ? var.client_security_group_ids : {}

  security_group_id            = aws_security_group.this[0].id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port

  tags = { Name = "${each.key}-to-redis-${var.port}" }
}
