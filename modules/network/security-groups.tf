locals {
  _descriptions = {
    broker        = "Message broker."
    database      = "Database."
    endpoints     = "Interface endpoints of AWS services."
    load_balancer = "Load balancer of the web tier."
    web           = "Web tier and its load balancer." # the load balancer once shared this group; another description would replace the group
    worker        = "Grading workers."
  }

  # Groups and ranges of what exists already, by role; null: this network has a group for the role.
  # Without try, whose result is unknown if any ID is: groups and rules must be known before the IDs are.
  _existing = {
    broker        = var.existing == null ? null : var.existing.broker
    database      = var.existing == null ? null : var.existing.database
    endpoints     = var.existing == null ? null : var.existing.endpoints
    load_balancer = null
    web           = var.existing == null ? null : var.existing.web
    worker        = null
  }

  _has_load_balancer = length(var.load_balancer_cidr_blocks) > 0

  # Groups that stand for what exists are not created.
  _has_group = {
    broker        = local._existing["broker"] == null && length(var.broker_ports) > 0
    database      = local._existing["database"] == null
    endpoints     = length(local.interface_endpoints) > 0
    load_balancer = local._existing["web"] == null || local._has_load_balancer
    web           = local._existing["web"] == null
    worker        = true
  }
  roles = toset([for role, has in local._has_group : role if has])

  # The ends of a connection by role: the group created here, and existing groups and ranges. Groups are named by their
  # position, because their IDs may be unknown.
  _ends = {
    for role, existing in local._existing : role => concat(
      contains(local.roles, role) ? [{ suffix = "", group_id = null, cidr_block = null }] : [],
      [
        for at, id in(existing == null ? [] : existing.security_group_ids) :
        { suffix = "-group-${at + 1}", group_id = id, cidr_block = null }
      ],
      [
        for block in(existing == null ? [] : existing.cidr_blocks) :
        { suffix = "-${block}", group_id = null, cidr_block = block }
      ],
    )
  }

  # allowed connections: source role, destination role, port
  _connections = concat(
    [for port in var.broker_ports : { from = "web", to = "broker", port = port }],
    [for port in slice(var.broker_ports, 0, min(1, length(var.broker_ports))) : { from = "worker", to = "broker", port = port }],
    [
      { from = "web", to = "database", port = 3306 },
      { from = "web", to = "endpoints", port = 443 },
      { from = "worker", to = "database", port = 3306 },
      { from = "worker", to = "endpoints", port = 443 },
    ],
    local._has_load_balancer ? [{ from = "load_balancer", to = "web", port = var.web_port }] : [],
    local._has_load_balancer && var.allow_web_to_worker ? [{ from = "load_balancer", to = "worker", port = 8080 }] : [],
    var.allow_web_to_worker ? [{ from = "web", to = "worker", port = 8080 }] : [],
  )

  # Rules are only in groups created here: those of others do not change.
  _egress = flatten([
    for each in local._connections : [
      for end in local._ends[each.to] : merge(each, end, { name = "${each.from}-to-${each.to}-${each.port}${end.suffix}" })
    ] if contains(local.roles, each.from)
  ])
  _ingress = flatten([
    for each in local._connections : [
      for end in local._ends[each.from] : merge(each, end, { name = "${each.from}-to-${each.to}-${each.port}${end.suffix}" })
    ] if contains(local.roles, each.to)
  ])
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5: the root attaches the groups
  for_each = local.roles

  name        = "${var.name}-${replace(each.key, "_", "-")}"
  description = local._descriptions[each.key]
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-${replace(each.key, "_", "-")}" }
}

resource "aws_vpc_security_group_egress_rule" "role" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = { for rule in local._egress : rule.name => rule }

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = each.value.suffix == "" ? aws_security_group.this[each.value.to].id : each.value.group_id
  cidr_ipv4                    = each.value.cidr_block
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}

resource "aws_vpc_security_group_ingress_rule" "role" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = { for rule in local._ingress : rule.name => rule }

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = each.value.suffix == "" ? aws_security_group.this[each.value.from].id : each.value.group_id
  cidr_ipv4                    = each.value.cidr_block
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}
