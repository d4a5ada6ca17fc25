mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "refuses_no_queue" {
  command = plan

  variables {
    queues = []
  }

  expect_failures = [var.queues]
}

run "refuses_an_invalid_queue_name" {
  command = plan

  variables {
    queues = ["a\"/><x"]
  }

  expect_failures = [var.queues]
}

run "refuses_a_policy_with_an_invalid_queue_name" {
  command = plan

  variables {
    queue_policies = { "a&b" = {} }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_wildcard_as_dead_letter_queue" {
  command = plan

  variables {
    queue_policies = { ">" = { dead_letter_queue = "dlq.>" } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_redelivery_faster_than_a_second" {
  command = plan

  variables {
    queue_policies = { ">" = { redelivery = { delay_ms = 100 } } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_maximum_delay_below_the_first" {
  command = plan

  variables {
    queue_policies = { ">" = { redelivery = { delay_ms = 5000, maximum_delay_ms = 4000 } } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_unlimited_redelivery" {
  command = plan

  variables {
    queue_policies = { ">" = { redelivery = { maximum = -1 } } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_backoff_multiplier_below_one" {
  command = plan

  variables {
    queue_policies = { ">" = { redelivery = { backoff_multiplier = 0.5 } } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_page_smaller_than_that_of_activemq" {
  command = plan

  variables {
    queue_policies = { ">" = { max_browse_page_size = 399 } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_half_a_message" {
  command = plan

  variables {
    queue_policies = { ">" = { prefetch = 1.5 } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_memory_limit_of_zero" {
  command = plan

  variables {
    queue_policies = { ">" = { memory_limit_mb = 0 } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_destination_limit_of_zero" {
  command = plan

  variables {
    queue_policies = { ">" = { max_destinations = 0 } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_negative_expiry_check" {
  command = plan

  variables {
    queue_policies = { ">" = { expiry_check_ms = -1 } }
  }

  expect_failures = [var.queue_policies]
}

run "refuses_a_send_timeout_of_an_hour" {
  command = plan

  variables {
    queue_policies = { ">" = { send_timeout_ms = 3600000 } }
  }

  expect_failures = [var.queue_policies]
}
