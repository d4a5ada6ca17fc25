# Rules for address ranges; security-groups.tf has those between roles.

locals {
  load_balancer_rules = {
    for pair in setproduct(var.load_balancer_cidr_blocks, ["80", "443"]) :
    "${pair[0]}-${pair[1]}" => { block = pair[0], port = tonumber(pair[1]) }
  }
}

# The gateway endpoint of S3 is addressed by its prefix list.
resource "aws_vpc_security_group_egress_rule" "s3" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = setintersection(["web", "worker"], local.roles)

  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = local.s3_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = { Name = "${each.key}-to-s3" }
}

resource "aws_vpc_security_group_egress_rule" "internet" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = var.internet_egress_roles

  security_group_id = aws_security_group.this[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = { Name = "${each.key}-to-internet" }
}

# With private DNS, all of the VPC connects to the endpoints for their services.
resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = local.endpoint_clients

  security_group_id = aws_security_group.this["endpoints"].id
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = { Name = "endpoints-from-${each.key}" }
}

# Port 80 only redirects to port 443.
resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  # checkov:skip=CKV_AWS_260: port 80 redirects to TLS, and only for the given ranges
  for_each = local.load_balancer_rules

  security_group_id = aws_security_group.this["load_balancer"].id
  cidr_ipv4         = each.value.block
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port

  tags = { Name = "load-balancer-from-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  # checkov:skip=CKV_AWS_23: the tag Name states the purpose of the rule
  for_each = var.ssh_cidr_blocks

  security_group_id = aws_security_group.this["web"].id
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22

  tags = { Name = "ssh-from-${each.key}" }
}
