# Number and ranges of the subnets.

mock_provider "aws" {
  mock_resource "aws_subnet" {
    override_during = plan
    defaults        = {}
  }
}

variables {
  name               = "test-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "more_subnets_for_each_zone" {
  command = plan

  variables {
    subnets = { per_zone = 2 }
  }

  assert {
    condition = { for name, subnet in aws_subnet.private : name => subnet.cidr_block } == {
      ap-northeast-2a = "10.0.0.0/20", ap-northeast-2a-2 = "10.0.64.0/20", ap-northeast-2c = "10.0.16.0/20", ap-northeast-2c-2 = "10.0.80.0/20"
    }
    error_message = "The second subnets get new ranges, and the first ones keep theirs."
  }

  assert {
    condition     = aws_subnet.private["ap-northeast-2c-2"].availability_zone == "ap-northeast-2c" && aws_subnet.public["ap-northeast-2c-2"].cidr_block == "10.0.208.0/20"
    error_message = "There is the same number of public subnets."
  }

  assert {
    condition = output.private_subnet_ids == tolist([
      for name in ["ap-northeast-2a", "ap-northeast-2c", "ap-northeast-2a-2", "ap-northeast-2c-2"] : aws_subnet.private[name].id
    ])
    error_message = "The first subnet of each zone comes first, so that the first two are in different zones."
  }

  assert {
    condition = alltrue([
      for endpoint in values(aws_vpc_endpoint.interface) :
      endpoint.subnet_ids == toset([aws_subnet.private["ap-northeast-2a"].id, aws_subnet.private["ap-northeast-2c"].id])
    ])
    error_message = "An interface endpoint is in one subnet per zone; AWS rejects a second."
  }

  assert {
    condition     = length(aws_route_table_association.private) == 4 && length(aws_route_table_association.public) == 4
    error_message = "Each subnet has its routes."
  }
}

run "eight_subnets_never_overlap" {
  command = plan

  variables {
    subnets = { per_zone = 4 }
  }

  assert {
    condition = toset([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : subnet.cidr_block]) == toset([
      for part in range(16) : cidrsubnet("10.0.0.0/16", 4, part)
    ])
    error_message = "Sixteen subnets use each part of the range once."
  }
}

run "six_zones_fit_the_smallest_range" {
  command = plan

  variables {
    region             = "us-east-1"
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f"]
    cidr_block         = "192.168.7.0/24"
  }

  assert {
    condition     = aws_subnet.private["us-east-1f"].cidr_block == "192.168.7.80/28" && aws_subnet.public["us-east-1f"].cidr_block == "192.168.7.208/28"
    error_message = "A /24 is divided into /28, the smallest range that AWS accepts."
  }

  assert {
    condition     = output.vpc_cidr_block == "192.168.7.0/24"
    error_message = "The output is the given range."
  }
}

run "subnet_ranges_can_be_set" {
  command = plan

  variables {
    cidr_block = "10.8.0.0/20"
    subnets = {
      private_cidr_blocks = ["10.8.0.0/22", "10.8.4.0/22"]
      public_cidr_blocks  = ["10.8.8.0/28", "10.8.15.240/28"] # the last sixteen addresses of the VPC
    }
  }

  assert {
    condition     = aws_subnet.private["ap-northeast-2c"].cidr_block == "10.8.4.0/22" && aws_subnet.public["ap-northeast-2c"].cidr_block == "10.8.15.240/28"
    error_message = "Adjacent ranges up to the end of the VPC are accepted."
  }
}

run "ranges_of_second_subnets_follow_the_first_ones" {
  command = plan

  variables {
    subnets = {
      per_zone            = 2
      private_cidr_blocks = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]
      public_cidr_blocks  = ["10.0.4.0/24", "10.0.5.0/24", "10.0.6.0/24", "10.0.7.0/24"]
    }
  }

  assert {
    condition     = aws_subnet.private["ap-northeast-2a-2"].cidr_block == "10.0.2.0/24" && aws_subnet.public["ap-northeast-2c-2"].cidr_block == "10.0.7.0/24"
    error_message = "The ranges are in the order of the outputs."
  }
}

run "refuses_more_than_eight_private_subnets" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2b", "ap-northeast-2c"]
    subnets            = { per_zone = 3 }
  }

  expect_failures = [var.subnets]
}

run "refuses_ranges_for_private_subnets_alone" {
  command = plan

  variables {
    subnets = { private_cidr_blocks = ["10.0.0.0/24", "10.0.1.0/24"] }
  }

  expect_failures = [var.subnets]
}

run "refuses_fewer_ranges_than_zones" {
  command = plan

  variables {
    subnets = { private_cidr_blocks = ["10.0.0.0/24"], public_cidr_blocks = ["10.0.1.0/24"] }
  }

  expect_failures = [var.subnets]
}

run "refuses_a_subnet_just_outside_the_vpc" {
  command = plan

  variables {
    subnets = { private_cidr_blocks = ["10.0.0.0/24", "10.1.0.0/24"], public_cidr_blocks = ["10.0.2.0/24", "10.0.3.0/24"] }
  }

  expect_failures = [var.subnets]
}

run "refuses_a_subnet_larger_than_the_vpc" {
  command = plan

  variables {
    cidr_block = "10.0.0.0/20"
    subnets    = { private_cidr_blocks = ["10.0.0.0/16", "10.0.4.0/24"], public_cidr_blocks = ["10.0.2.0/24", "10.0.3.0/24"] }
  }

  expect_failures = [var.subnets]
}

run "refuses_a_subnet_inside_another_one" {
  command = plan

  variables {
    subnets = { private_cidr_blocks = ["10.0.0.0/20", "10.0.16.0/20"], public_cidr_blocks = ["10.0.31.0/24", "10.0.32.0/24"] }
  }

  expect_failures = [var.subnets]
}

run "refuses_the_same_range_twice" {
  command = plan

  variables {
    subnets = { private_cidr_blocks = ["10.0.0.0/24", "10.0.1.0/24"], public_cidr_blocks = ["10.0.2.0/24", "10.0.2.0/24"] }
  }

  expect_failures = [var.subnets]
}
