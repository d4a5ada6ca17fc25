locals {
  roles = {
    broker        = "Message broker."
    database      = "Database."
    endpoints     = "Interface endpoints of AWS services."
    load_balancer = "Load balancer of the web tier."
    web           = "Web tier and its load balancer." # the load balancer once shared this group; another description would replace the group
    worker        = "Grading workers."
  }

  has_load_balancer = length(var.load_balancer_cidr_blocks) > 0

  # allowed connections: source role, destination role, port
  _fixed_rules = [
    { from = "web", to = "database", port = 3306 },
    { from = "web", to = "endpoints", port = 443 },
    { from = "worker", to = "broker", port = var.broker_ports[0] },
    { from = "worker", to = "database", port = 3306 },
    { from = "worker", to = "endpoints", port = 443 },
  ]
  _broker_rules        = [for port in var.broker_ports : { from = "web", to = "broker", port = port }]
  _load_balancer_rules = [{ from = "load_balancer", to = "web", port = var.web_port }]
  _worker_rules = [
    { from = "load_balancer", to = "worker", port = 8080 },
    { from = "web", to = "worker", port = 8080 },
  ]
  rules = {
    for rule in concat(
      local._fixed_rules,
      local._broker_rules,
      local._load_balancer_rules,
      var.allow_web_to_worker ? local._worker_rules : [],
    ) :
    "${rule.from}-to-${rule.to}-${rule.port}" => rule
    if local.has_load_balancer || rule.from != "load_balancer"
  }
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5: the root attaches the groups
  for_each = local.roles

  name        = "${var.name}-${replace(each.key, "_", "-")}"
  description = each.value
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-${replace(each.key, "_", "-")}" }
}

resource "aws_vpc_security_group_egress_rule" "role" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = local.rules

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}

resource "aws_vpc_security_group_ingress_rule" "role" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = local.rules

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}
