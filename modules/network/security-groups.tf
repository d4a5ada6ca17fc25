locals {
  roles = {
    broker    = "Message broker."
    database  = "Database."
    endpoints = "Interface endpoints of AWS services."
    web       = "Web tier and its load balancer."
    worker    = "Grading workers."
  }

  # who may open a connection to whom, and on which port
  _fixed_rules = [
    { from = "web", to = "broker", port = 61614 }, # STOMP
    { from = "web", to = "broker", port = 61617 }, # OpenWire
    { from = "web", to = "database", port = 3306 },
    { from = "web", to = "endpoints", port = 443 },
    { from = "worker", to = "broker", port = 61614 },
    { from = "worker", to = "database", port = 3306 },
    { from = "worker", to = "endpoints", port = 443 },
  ]
  _optional_rules = var.allow_web_to_worker ? [{ from = "web", to = "worker", port = 8080 }] : []
  rules = {
    for rule in concat(local._fixed_rules, local._optional_rules) :
    "${rule.from}-to-${rule.to}-${rule.port}" => rule
  }
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5: the root attaches each group to its role
  for_each = local.roles

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "role" {
  # checkov:skip=CKV_AWS_23: the tag Name says what the rule is for
  for_each = local.rules

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}

resource "aws_vpc_security_group_ingress_rule" "role" {
  # checkov:skip=CKV_AWS_23: the tag Name says what the rule is for
  for_each = local.rules

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}

# S3 is reached through the gateway endpoint, so by its prefix list.
resource "aws_vpc_security_group_egress_rule" "s3" {
  # checkov:skip=CKV_AWS_23: the tag Name says what the rule is for
  for_each = toset(["web", "worker"])

  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = { Name = "${each.key}-to-s3" }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  # checkov:skip=CKV_AWS_23: the tag Name says what the rule is for
  for_each = var.ssh_cidr_blocks

  security_group_id = aws_security_group.this["web"].id
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22

  tags = { Name = "ssh-from-${each.key}" }
}
