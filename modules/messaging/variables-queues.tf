variable "authorization" {
  description = "Rights of the groups grading-web, grading-workers and grading-operators on ActiveMQ; null lets every user do everything."
  type = object({
    entries = optional(map(object({     # rights of additional groups by queue; a name may end in .> for all queues below
      admin = optional(set(string), []) # groups that may create and delete the queue
      read  = optional(set(string), []) # groups that may browse and consume
      write = optional(set(string), []) # groups that may send
    })), {})
    requests    = optional(set(string), ["grading-priority", "grading-requests"]) # queues that web writes and workers read
    results     = optional(set(string), ["grading-results"])                      # queues that workers write and web reads
    web_console = optional(bool, true)                                            # users with console access have all rights there
  })
  default = {}

  validation {
    condition = var.authorization == null ? true : alltrue([
      for queue in keys(var.authorization.entries) : can(regex("^(>|[A-Za-z0-9][A-Za-z0-9._-]{0,79}(\\.[*>])?)$", queue))
    ])
    error_message = "authorization.entries must be keyed by queue names of A-Z, a-z, 0-9 and . _ -, which may end in .* or .>, or > for all."
  }

  validation {
    condition = var.authorization == null ? true : alltrue(flatten([
      for entry in values(var.authorization.entries) : [
        for group in setunion(entry.admin, entry.read, entry.write) : can(regex("^[A-Za-z0-9._~-]{2,100}$", group))
      ]
    ]))
    error_message = "authorization.entries must have groups of 2 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -."
  }

  validation {
    condition     = var.authorization == null || var.engine_type == "ActiveMQ" ? true : length(var.authorization.entries) == 0
    error_message = "authorization.entries must be empty when engine_type is RabbitMQ: set permissions in its management console."
  }

  validation {
    condition     = var.authorization == null ? true : length(setintersection(var.authorization.requests, var.authorization.results)) == 0
    error_message = "authorization.requests and authorization.results must have no queue in common: web must not read a queue that it writes."
  }
}

variable "queue_policies" {
  description = "ActiveMQ policies by queue name; a name may end in .> for all queues below, and > means all queues. Settings omitted for a queue come from >, else from the default."
  type = map(object({
    dead_letter_queue            = optional(string) # receives expired and repeatedly rejected messages: grading-dlq
    expired_to_dead_letter_queue = optional(bool)   # false drops expired messages: true
    expiry_check_ms              = optional(number) # interval of the search for expired messages: 30000 (ActiveMQ), 0 never searches
    max_browse_page_size         = optional(number) # most messages in one page of a browse: 1000
    max_destinations             = optional(number) # number of queues under this name: no limit
    memory_limit_mb              = optional(number) # memory for its messages: that of the broker
    prefetch                     = optional(number) # unacknowledged messages per consumer, unless the client asks for fewer: 1000
    prioritized                  = optional(bool)   # deliver by message priority: true
    producer_flow_control        = optional(bool)   # block senders when memory is full: true
    redelivery = optional(object({                  # of messages that a client rejected
      backoff_multiplier = optional(number, 2)      # factor between one delay and the next
      delay_ms           = optional(number, 5000)   # first delay; at least 1000 on Amazon MQ
      maximum            = optional(number, 3)      # redeliveries before the dead-letter queue
      maximum_delay_ms   = optional(number, 60000)  # longest delay
    }))
    send_timeout_ms = optional(number) # how long a send waits for a full broker before it fails: nodes.send_timeout_ms
    strict_order    = optional(bool)   # same order for all consumers: false
    use_cache       = optional(bool)   # cache waiting messages in memory: true
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.engine_type == "ActiveMQ" || length(var.queue_policies) == 0
    error_message = "queue_policies must be empty when engine_type is RabbitMQ: clients declare its queues, and its management console sets policies."
  }

  validation {
    condition = alltrue([
      for queue in keys(var.queue_policies) : can(regex("^(>|[A-Za-z0-9][A-Za-z0-9._-]{0,79}(\\.[*>])?)$", queue))
    ])
    error_message = "queue_policies must be keyed by queue names of A-Z, a-z, 0-9 and . _ -, which may end in .* or .>, or > for all."
  }

  validation {
    condition = alltrue([
      for policy in values(var.queue_policies) :
      policy.dead_letter_queue == null ? true : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", policy.dead_letter_queue))
    ])
    error_message = "queue_policies: dead_letter_queue must have 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, and start with a letter or digit."
  }

  validation {
    condition = alltrue(flatten([
      for policy in values(var.queue_policies) : [
        for range in [
          [policy.expiry_check_ms, 0, 86400000],
          [policy.max_browse_page_size, 400, 1000000],
          [policy.max_destinations, 1, 10000],
          [policy.memory_limit_mb, 1, 10240],
          [policy.prefetch, 0, 10000],
          [policy.send_timeout_ms, 1, 600000],
        ] : range[0] == null ? true : range[1] <= range[0] && range[0] <= range[2] && floor(range[0]) == range[0]
      ]
    ]))
    error_message = "queue_policies must have whole numbers in these ranges: expiry_check_ms 0 to 86400000, max_browse_page_size 400 to 1000000, max_destinations 1 to 10000, memory_limit_mb 1 to 10240, prefetch 0 to 10000, send_timeout_ms 1 to 600000."
  }

  validation {
    condition = alltrue([
      for redelivery in [for policy in values(var.queue_policies) : policy.redelivery if policy.redelivery != null] : (
        redelivery.delay_ms >= 1000 && redelivery.maximum_delay_ms >= redelivery.delay_ms &&
        0 <= redelivery.maximum && redelivery.maximum <= 100 && floor(redelivery.maximum) == redelivery.maximum &&
        1 <= redelivery.backoff_multiplier && redelivery.backoff_multiplier <= 10
      )
    ])
    error_message = "queue_policies: redelivery must have a delay_ms of at least 1000 (minimum of Amazon MQ), a maximum_delay_ms not below it, a whole maximum from 0 to 100 and a backoff_multiplier from 1 to 10."
  }
}

variable "queues" {
  description = "Queues that ActiveMQ declares at startup, in addition to the dead-letter queues of queue_policies."
  type        = set(string)
  default     = ["grading-priority", "grading-requests", "grading-results"]
  nullable    = false

  validation {
    condition = length(var.queues) > 0 && alltrue([
      for name in var.queues : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", name))
    ])
    error_message = "queues must contain at least one name; each has 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, and starts with a letter or digit."
  }
}

variable "users" {
  description = "Additional users of ActiveMQ by name."
  type = map(object({
    console_access = optional(bool, false)     # full rights in the web console
    groups         = optional(set(string), []) # grading-admins, -operators, -web, -workers, or groups of authorization.entries
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.engine_type == "ActiveMQ" || length(var.users) == 0
    error_message = "users must be empty when engine_type is RabbitMQ: Amazon MQ creates one user, and its management console the others."
  }

  validation {
    condition = length(var.users) < 250 && alltrue([
      for name in keys(var.users) : can(regex("^[A-Za-z0-9._~-]{2,100}$", name)) && name != var.admin_username
    ])
    error_message = "users must have at most 249 names of 2 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -, other than admin_username."
  }

  validation {
    condition = alltrue(flatten([
      for user in values(var.users) : [
        length(user.groups) <= 20,
        [for group in user.groups : can(regex("^[A-Za-z0-9._~-]{2,100}$", group))],
      ]
    ]))
    error_message = "users must have at most 20 groups each, of 2 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -."
  }
}
