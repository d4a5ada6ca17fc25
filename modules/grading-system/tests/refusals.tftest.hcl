# What a worker lacks is refused in the plan.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment_name = "test"
  region           = "ap-northeast-2"
  image            = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/test-grading-worker:1.0"
  passwords        = { broker = "a-Password-for-tests-1", database = "a-Password-for-tests-2" }
  storage = {
    bucket_name        = "test-files"
    worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:s3:::test-files/*\"}]}"
  }
  network = {
    vpc_id             = "vpc-0123456789abcdef0"
    vpc_cidr_block     = "10.20.0.0/16"
    private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    s3_prefix_list_id  = "pl-78a54011"
    endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
  }
  broker = {
    node_names         = ["shared-1"]
    stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
  database = {
    database_name      = "judge"
    endpoint           = "db.example.com:3306"
    security_group_ids = ["sg-0123456789abcdef1"]
  }
}

run "rejects_what_is_empty" {
  command = plan

  variables {
    image = ""
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = []
      security_group_ids = ["sg-0123456789abcdef0"]
    }
    database = {
      database_name      = ""
      endpoint           = "db.example.com:3306"
      security_group_ids = ["sg-0123456789abcdef1"]
    }
  }

  expect_failures = [var.broker, var.database, var.image]
}

run "rejects_an_empty_password" {
  command = plan

  variables {
    passwords = { broker = "a-Password-for-tests-1", database = "" }
  }

  expect_failures = [var.passwords]
}

run "rejects_wrong_references" {
  command = plan

  variables {
    settings = { DB_NAME_PARAM = "/other/db/name" }
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = ["ssl://mq.example.com:61617"]
      security_group_ids = ["sg-0123456789abcdef0"]
    }
    database = {
      database_name      = "judge"
      endpoint           = "db.example.com"
      security_group_ids = ["sg-0123456789abcdef1"]
    }
    storage = {
      bucket_name        = "test-files"
      worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:s3:::other-files/*\"}]}"
    }
  }

  expect_failures = [var.broker, var.database, var.settings, var.storage]
}

run "rejects_names_of_other_things" {
  command = plan

  variables {
    image = "registry.example.com/grading-worker:latest"
    broker = {
      node_names         = ["shared"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef0"]
    }
    storage = {
      bucket_name        = "arn:aws:s3:::test-files"
      worker_policy_json = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Resource\":\"arn:aws:s3:::arn:aws:s3:::test-files/*\"}]}"
    }
  }

  expect_failures = [var.broker, var.image, var.storage]
}

run "rejects_an_empty_broker_user" {
  command = plan

  variables {
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef0"]
      username           = ""
    }
  }

  expect_failures = [var.broker]
}

run "rejects_a_user_that_the_new_broker_lacks" {
  command = plan

  variables {
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef0"]
      user_names         = ["admin", "grading"]
    }
  }

  expect_failures = [var.broker]
}

run "rejects_broker_and_database_that_the_workers_cannot_reach" {
  command = plan

  variables {
    broker = {
      node_names      = ["shared-1"]
      stomp_endpoints = ["stomp+ssl://mq.example.com:61614"]
    }
    database = {
      database_name      = "judge"
      endpoint           = "db.example.com:3306"
      security_group_ids = []
    }
  }

  expect_failures = [var.broker, var.database]
}

run "rejects_broker_and_database_in_other_groups_than_the_workers_reach" {
  command = plan

  variables {
    network = {
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      security_group_ids = { broker = "sg-0123456789abcdef0", database = "sg-0123456789abcdef1", worker = "sg-0123456789abcdef9" }
    }
    broker = {
      node_names         = ["shared-1"]
      stomp_endpoints    = ["stomp+ssl://mq.example.com:61614"]
      security_group_ids = ["sg-0123456789abcdef1"]
    }
    database = {
      database_name      = "judge"
      endpoint           = "db.example.com:3306"
      security_group_ids = ["sg-0123456789abcdef0"]
    }
  }

  expect_failures = [var.broker, var.database]
}

run "rejects_groups_without_that_of_the_workers" {
  command = plan

  variables {
    network = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "10.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
      endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
      security_group_ids = { web = "sg-0123456789abcdef9" }
    }
  }

  expect_failures = [var.network]
}

run "rejects_a_network_without_vpc" {
  command = plan

  variables {
    network = {
      vpc_cidr_block     = "10.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
      endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
    }
  }

  expect_failures = [var.network]
}

run "rejects_a_network_without_way_to_the_bucket" {
  command = plan

  variables {
    network = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "10.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      endpoints          = { security_group_ids = ["sg-0123456789abcdef2"] }
    }
  }

  expect_failures = [var.network]
}

run "rejects_a_network_without_way_to_aws" {
  command = plan

  variables {
    network = {
      vpc_id             = "vpc-0123456789abcdef0"
      vpc_cidr_block     = "10.20.0.0/16"
      private_subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
      s3_prefix_list_id  = "pl-78a54011"
    }
  }

  expect_failures = [var.network]
}
