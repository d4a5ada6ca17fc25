# count was added for existing VPCs
moved {
  from = aws_vpc.this
  to   = aws_vpc.this[0]
}

# depends on the VPC
moved {
  from = aws_default_security_group.this
  to   = aws_default_security_group.this[0]
}

# depends on the VPC
moved {
  from = aws_internet_gateway.this
  to   = aws_internet_gateway.this[0]
}

# depends on the VPC
moved {
  from = aws_route_table.public
  to   = aws_route_table.public[0]
}

# depends on the VPC
moved {
  from = aws_route.internet
  to   = aws_route.internet[0]
}

# keyed by zone since nat = per_zone; "all" is the shared table
moved {
  from = aws_route_table.private
  to   = aws_route_table.private["all"]
}

# an existing VPC may have its own endpoint
moved {
  from = aws_vpc_endpoint.s3
  to   = aws_vpc_endpoint.s3[0]
}
