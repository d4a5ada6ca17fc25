locals {
  # null for an existing VPC that already has an S3 endpoint
  creates_s3_endpoint = local.creates_vpc ? true : length(var.existing.private_route_table_ids) > 0
  s3_prefix_list_id   = local.creates_s3_endpoint ? aws_vpc_endpoint.s3[0].prefix_list_id : var.existing.s3_prefix_list_id

  # an endpoint accepts one subnet per zone: the first
  endpoint_subnet_ids = (
    local.creates_vpc ? [for zone in var.availability_zones : aws_subnet.private[zone].id] : var.existing.private_subnet_ids
  )

  interface_endpoints = (
    var.interface_endpoints != null ? var.interface_endpoints :
    toset(local.creates_vpc ? ["ecr.api", "ecr.dkr", "logs", "ssm"] : [])
  )

  # Everything in a new VPC has a group of this module; an existing one has other clients.
  endpoint_clients = toset(
    local.creates_vpc || length(local.interface_endpoints) == 0 ? [] :
    concat([var.existing.vpc_cidr_block], var.existing.other_cidr_blocks)
  )

  # The policy applies to all clients of the route tables.
  restricts_s3 = local.creates_vpc ? true : var.existing.restrict_s3

  # what AWS sets where no policy is given
  _any_s3_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "All"
      Effect    = "Allow"
      Principal = "*" # teams that use these route tables
      Action    = "*" # the callers' own policies apply
      Resource  = "*" # the callers' own policies apply
    }]
  })

  # Data stays in this account: buckets of other accounts can be neither written to nor listed.
  _own_s3_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AllInThisAccount"
        Effect    = "Allow"
        Principal = "*"    # a gateway endpoint accepts nothing else; the callers' own policies apply
        Action    = "s3:*" # the callers' own policies apply
        Resource  = "*"    # any bucket of the account in the condition
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account_id } }
      },
      {
        Sid       = "ReadImageLayersAndPackages"
        Effect    = "Allow"
        Principal = "*" # layers are fetched with presigned URLs of ECR, not by a principal of this account
        Action    = "s3:GetObject"
        Resource  = "*" # layers and packages are in AWS buckets whose names differ by region and change
      },
    ]
  })
}

resource "aws_vpc_endpoint" "s3" {
  count = local.creates_s3_endpoint ? 1 : 0

  vpc_id            = local.vpc_id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = local.private_route_table_ids
  policy            = local.restricts_s3 ? local._own_s3_policy : local._any_s3_policy

  tags = { Name = "${var.name}-s3" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_endpoints

  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = local.endpoint_subnet_ids
  security_group_ids  = [aws_security_group.this["endpoints"].id]
  private_dns_enabled = local.creates_vpc ? true : var.existing.endpoint_private_dns

  tags = { Name = "${var.name}-${each.key}" }
}
