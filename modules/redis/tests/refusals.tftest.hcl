# Invalid values.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "test-grading-redis"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-1", "subnet-2"]
  client_security_group_ids = { worker = "sg-2" }
}

run "refuses_no_client" {
  command = plan

  variables {
    client_security_group_ids = {}
  }

  expect_failures = [var.client_security_group_ids]
}

run "refuses_a_version_of_redis" {
  command = plan

  variables {
    engine_version = "6.2"
  }

  expect_failures = [var.engine_version]
}

run "refuses_an_existing_redis_without_an_address" {
  command = plan

  variables {
    existing = {}
  }

  expect_failures = [var.existing]
}

run "refuses_a_key_by_its_alias" {
  command = plan

  variables {
    kms_key_arn = "alias/redis"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_window_without_a_day" {
  command = plan

  variables {
    maintenance_window = "19:00-20:00"
  }

  expect_failures = [var.maintenance_window]
}

run "refuses_a_name_that_ends_with_a_hyphen" {
  command = plan

  variables {
    name = "test-"
  }

  expect_failures = [var.name]
}

run "refuses_a_type_of_ec2" {
  command = plan

  variables {
    node_type = "t4g.micro"
  }

  expect_failures = [var.node_type]
}

run "refuses_no_node" {
  command = plan

  variables {
    nodes = 0
  }

  expect_failures = [var.nodes]
}

run "refuses_a_privileged_port" {
  command = plan

  variables {
    port = 80
  }

  expect_failures = [var.port]
}

run "refuses_no_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "refuses_no_vpc" {
  command = plan

  variables {
    vpc_id = null
  }

  expect_failures = [var.vpc_id]
}
