# Names, regions, zones and ranges that AWS rejects, or that are likely mistakes.

mock_provider "aws" {}

variables {
  name               = "test-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "refuses_a_region_that_does_not_exist" {
  command = plan

  variables {
    region             = "eu-middle-1"
    availability_zones = ["eu-middle-1a", "eu-middle-1b"]
  }

  expect_failures = [var.region]
}

run "refuses_a_region_of_china" {
  command = plan

  variables {
    region             = "cn-north-1"
    availability_zones = ["cn-north-1a", "cn-north-1b"]
  }

  expect_failures = [var.region]
}

run "refuses_one_zone" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_a_zone_of_another_region" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "us-east-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_the_same_zone_twice" {
  command = plan

  variables {
    availability_zones = ["ap-northeast-2a", "ap-northeast-2a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_a_range_too_small_to_divide" {
  command = plan

  variables {
    cidr_block = "10.0.0.0/26"
  }

  expect_failures = [var.cidr_block]
}

run "refuses_a_range_with_host_bits" {
  command = plan

  variables {
    cidr_block = "10.0.0.1/16"
  }

  expect_failures = [var.cidr_block]
}

run "refuses_a_range_of_the_public_internet" {
  command = plan

  variables {
    cidr_block = "172.32.0.0/16"
  }

  expect_failures = [var.cidr_block]
}

run "refuses_a_name_with_capitals" {
  command = plan

  variables {
    name = "Test"
  }

  expect_failures = [var.name]
}

run "refuses_a_name_like_a_group_id" {
  command = plan

  variables {
    name = "sg-grading"
  }

  expect_failures = [var.name]
}
