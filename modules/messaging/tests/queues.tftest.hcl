mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "the_xml_contains_the_variables" {
  command = plan

  variables {
    queues = ["orders"]
    queue_policies = {
      ">" = {
        dead_letter_queue    = "orders-dlq"
        max_browse_page_size = 5000
        redelivery           = { maximum = 7, delay_ms = 2000, maximum_delay_ms = 9000, backoff_multiplier = 3 }
      }
    }
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "<queue physicalName=\"orders\"/>",
          "<queue physicalName=\"orders-dlq\"/>",
          "maxBrowsePageSize=\"5000\"",
          "maximumRedeliveries=\"7\"",
          "initialRedeliveryDelay=\"2000\"",
          "maximumRedeliveryDelay=\"9000\"",
          "backOffMultiplier=\"3\"",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "The XML contains queues, page size and redelivery."
  }

  assert {
    condition     = join(" ", output.queue_names) == "orders orders-dlq"
    error_message = "Only these queues are declared."
  }
}

run "every_option_of_a_queue_is_in_its_policy" {
  command = plan

  variables {
    queue_policies = {
      grading-requests = {
        expired_to_dead_letter_queue = false
        expiry_check_ms              = 1000
        max_destinations             = 5
        memory_limit_mb              = 64
        prefetch                     = 1
        prioritized                  = false
        producer_flow_control        = false
        send_timeout_ms              = 2000
        strict_order                 = true
        use_cache                    = false
      }
    }
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "expireMessagesPeriod=\"1000\"",
          "maxDestinations=\"5\"",
          "memoryLimit=\"67108864\"",
          "prioritizedMessages=\"false\" producerFlowControl=\"false\" queue=\"grading-requests\" queuePrefetch=\"1\"",
          "sendFailIfNoSpaceAfterTimeout=\"2000\" strictOrderDispatch=\"true\" useCache=\"false\">",
          "processExpired=\"false\"",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "Each option is an attribute."
  }

  assert {
    condition     = strcontains(output.broker_xml, "<policyEntry cursorMemoryHighWaterMark=\"20\" maxBrowsePageSize=\"1000\" minimumMessageSize=\"3072\" prioritizedMessages=\"true\" queue=\"&gt;\">")
    error_message = "Other queues keep the defaults."
  }
}

run "a_queue_inherits_the_policy_for_all" {
  command = plan

  variables {
    queue_policies = {
      ">"             = { memory_limit_mb = 1 }
      grading-results = { prefetch = 7, redelivery = { maximum = 0 } }
    }
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "memoryLimit=\"1048576\" minimumMessageSize=\"3072\" prioritizedMessages=\"true\" queue=\"&gt;\"",
          "memoryLimit=\"1048576\" minimumMessageSize=\"3072\" prioritizedMessages=\"true\" queue=\"grading-results\" queuePrefetch=\"7\"",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "Each policy contains the general one, because ActiveMQ applies only one."
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "<redeliveryPolicy queue=\"grading-results\" maximumRedeliveries=\"0\"",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "The queue has its own redelivery policy."
  }
}
