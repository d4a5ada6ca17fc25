locals {
  # Defaults of a policy; null leaves the setting to ActiveMQ.
  policy_defaults = {
    dead_letter_queue            = "grading-dlq"
    expired_to_dead_letter_queue = true
    expiry_check_ms              = null
    max_browse_page_size         = 1000
    max_destinations             = null
    memory_limit_mb              = null
    prefetch                     = null
    prioritized                  = true
    producer_flow_control        = null
    redelivery                   = { backoff_multiplier = 2, delay_ms = 5000, maximum = 3, maximum_delay_ms = 60000 }
    send_timeout_ms              = null
    strict_order                 = null
    use_cache                    = null
  }

  # A browse keeps what it read in the memory of the broker until it is consumed. These two bound that:
  # a small message takes 3 kB of the heap, of which ActiveMQ counts less than half by default; and all
  # queues together may page in 80 % of the memory for messages, so that reading stops no other queue.
  browse_limits = {
    cursorMemoryHighWaterMark = min(70, max(1, floor(80 / length(local.queue_names))))
    minimumMessageSize        = 3072
  }

  # ActiveMQ applies only the most specific policy to a queue, so each policy is written out in full.
  given_policies = {
    for queue, policy in var.queue_policies :
    queue => { for name, value in policy : name => value if value != null }
  }
  general  = merge(local.policy_defaults, lookup(local.given_policies, ">", {}))
  policies = { for queue in setunion(keys(local.given_policies), [">"]) : queue => merge(local.general, lookup(local.given_policies, queue, {})) }

  rendered_policies = [
    for queue, policy in local.policies : {
      dead_letter_queue = policy.dead_letter_queue
      process_expired   = policy.expired_to_dead_letter_queue
      attributes = {
        for name, value in merge(local.browse_limits, {
          expireMessagesPeriod          = policy.expiry_check_ms
          maxBrowsePageSize             = policy.max_browse_page_size
          maxDestinations               = policy.max_destinations
          memoryLimit                   = policy.memory_limit_mb == null ? null : policy.memory_limit_mb * 1048576
          prioritizedMessages           = policy.prioritized
          producerFlowControl           = policy.producer_flow_control
          queue                         = replace(queue, ">", "&gt;")
          queuePrefetch                 = policy.prefetch
          sendFailIfNoSpaceAfterTimeout = policy.send_timeout_ms
          strictOrderDispatch           = policy.strict_order
          useCache                      = policy.use_cache
        }) : name => value if value != null
      }
    }
  ]

  redeliveries = [
    for queue, policy in var.queue_policies :
    { queue = replace(queue, ">", "&gt;"), policy = policy.redelivery } if queue != ">" && policy.redelivery != null
  ]
}
