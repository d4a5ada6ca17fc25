locals {
  # null for an existing VPC that already has an S3 endpoint
  creates_s3_endpoint = local.creates_vpc ? true : length(var.existing.private_route_table_ids) > 0
  s3_prefix_list_id   = local.creates_s3_endpoint ? aws_vpc_endpoint.s3[0].prefix_list_id : var.existing.s3_prefix_list_id

  # an endpoint accepts one subnet per zone: the first
  endpoint_subnet_ids = (
    local.creates_vpc ? [for zone in var.availability_zones : aws_subnet.private[zone].id] : var.existing.private_subnet_ids
  )
}

resource "aws_vpc_endpoint" "s3" {
  count = local.creates_s3_endpoint ? 1 : 0

  vpc_id            = local.vpc_id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = local.private_route_table_ids

  # Data stays in this account: buckets of other accounts can be neither written to nor listed.
  policy = jsonencode({
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

  tags = { Name = "${var.name}-s3" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = local.endpoint_subnet_ids
  security_group_ids  = [aws_security_group.this["endpoints"].id]
  private_dns_enabled = true

  tags = { Name = "${var.name}-${each.key}" }
}
