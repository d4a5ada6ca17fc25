locals {
  # The subnets of an existing VPC are required and can be counted before it exists, unlike its ID.
  creates_vpc = var.existing == null ? true : length(var.existing.private_subnet_ids) == 0
  cidr_block  = coalesce(var.cidr_block, "10.0.0.0/16")
  vpc_id      = local.creates_vpc ? aws_vpc.this[0].id : var.existing.vpc_id

  # account ID without a data source: the owner of a security group created here
  account_id = aws_security_group.this["worker"].owner_id

  private_ranges = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]

  # retention periods of CloudWatch Logs
  log_retentions = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
  ]

  # all regions with Amazon MQ, without China, where service names differ
  regions = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
    "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
    "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
  ]
}
