locals {
  # the module's own endpoint, unless the owner of an existing VPC says that S3 can be reached already
  creates_s3_endpoint = local.creates_vpc ? true : length(var.existing.private_route_table_ids) > 0
  s3_prefix_list_id   = local.creates_s3_endpoint ? aws_vpc_endpoint.s3[0].prefix_list_id : var.existing.s3_prefix_list_id

  # an endpoint takes one subnet in each zone: the first
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

  # What leaves stays in this account: nothing can be written to, or listed in, a bucket of another one.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AllInThisAccount"
        Effect    = "Allow"
        Principal = "*"    # a gateway endpoint takes no other; who may do what is said by their own policies
        Action    = "s3:*" # the same
        Resource  = "*"    # any bucket of the account in the condition
        Condition = { StringEquals = { "aws:ResourceAccount" = local.account_id } }
      },
      {
        Sid       = "ReadImageLayersAndPackages"
        Effect    = "Allow"
        Principal = "*" # layers come by a signed address of ECR, not as a principal of this account
        Action    = "s3:GetObject"
        Resource  = "*" # layers and packages lie in buckets of AWS whose names differ by region and change
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
