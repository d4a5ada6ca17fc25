# a VPC may be there already, so it is made or not
moved {
  from = aws_vpc.this
  to   = aws_vpc.this[0]
}

# goes with the VPC
moved {
  from = aws_default_security_group.this
  to   = aws_default_security_group.this[0]
}

# goes with the VPC
moved {
  from = aws_internet_gateway.this
  to   = aws_internet_gateway.this[0]
}

# goes with the VPC
moved {
  from = aws_route_table.public
  to   = aws_route_table.public[0]
}

# goes with the VPC
moved {
  from = aws_route.internet
  to   = aws_route.internet[0]
}

# each zone may have a table of its own; this one is for all
moved {
  from = aws_route_table.private
  to   = aws_route_table.private["all"]
}

# an existing VPC may have its own
moved {
  from = aws_vpc_endpoint.s3
  to   = aws_vpc_endpoint.s3[0]
}
