variable "authorization" {
  description = "What the groups grading-web, grading-workers and grading-operators may do on ActiveMQ; null lets every user do everything."
  type = object({
    entries = optional(map(object({     # rights of groups of your own, by queue; a name may end in .> for all below
      admin = optional(set(string), []) # groups that may create and delete it
      read  = optional(set(string), []) # groups that may browse and consume
      write = optional(set(string), []) # groups that may send
    })), {})
    requests    = optional(set(string), ["grading-priority", "grading-requests"]) # those of `queues` that web writes and workers read
    results     = optional(set(string), ["grading-results"])                      # those of `queues` that workers write and web reads
    web_console = optional(bool, true)                                            # users with console access may use it, to do everything
  })
  default = {}

  validation {
    condition = var.authorization == null ? true : alltrue([
      for queue in keys(var.authorization.entries) : can(regex("^(>|[A-Za-z0-9][A-Za-z0-9._-]{0,79}(\\.[*>])?)$", queue))
    ])
    error_message = "authorization.entries must be keyed by queue names of A-Z, a-z, 0-9 and . _ -, which may end in .* or .>, or by > for all."
  }

  validation {
    condition = var.authorization == null ? true : alltrue(flatten([
      for entry in values(var.authorization.entries) : [
        for group in setunion(entry.admin, entry.read, entry.write) : can(regex("^[A-Za-z0-9._~-]{2,100}$", group))
      ]
    ]))
    error_message = "authorization.entries must name groups of 2 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -."
  }

  validation {
    condition     = var.authorization == null || var.engine_type == "ActiveMQ" ? true : length(var.authorization.entries) == 0
    error_message = "authorization.entries must be empty when engine_type is RabbitMQ: rights are given in its management console."
  }

  validation {
    condition     = var.authorization == null ? true : length(setintersection(var.authorization.requests, var.authorization.results)) == 0
    error_message = "authorization.requests and authorization.results must have no queue in common: what web may write it must not read."
  }
}

variable "queue_policies" {
  description = "How queues of ActiveMQ behave, by name, which may end in .> for all below; > stands for all. A queue has what is said for it, else for >, else the default."
  type = map(object({
    dead_letter_queue            = optional(string) # takes what expired or was refused too often: grading-dlq
    expired_to_dead_letter_queue = optional(bool)   # or is dropped: true
    expiry_check_ms              = optional(number) # how often a queue is searched for expired messages: ActiveMQ's 30000, 0 is never
    max_browse_page_size         = optional(number) # messages that a look into a queue shows at most: 100000
    max_destinations             = optional(number) # queues that may exist under this name: no limit
    memory_limit_mb              = optional(number) # memory that its messages may take: that of the broker
    prefetch                     = optional(number) # messages in the hands of a client that does not ask for fewer: 1000
    prioritized                  = optional(bool)   # the priority of a message counts: true
    producer_flow_control        = optional(bool)   # a sender waits when memory is full: true
    redelivery = optional(object({                  # of a message that a client refused
      backoff_multiplier = optional(number, 2)      # each delay is so many times the last
      delay_ms           = optional(number, 5000)   # before the first time; Amazon MQ allows no less than 1000
      maximum            = optional(number, 3)      # times, before it goes to the dead-letter queue
      maximum_delay_ms   = optional(number, 60000)  # longest delay
    }))
    send_timeout_ms = optional(number) # how long a send waits for a full broker before it fails: as nodes.send_timeout_ms
    strict_order    = optional(bool)   # every consumer sees one order: false
    use_cache       = optional(bool)   # messages that wait are kept in memory too: true
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.engine_type == "ActiveMQ" || length(var.queue_policies) == 0
    error_message = "queue_policies must be empty when engine_type is RabbitMQ: programs declare its queues, and policies are set in its management console."
  }

  validation {
    condition = alltrue([
      for queue in keys(var.queue_policies) : can(regex("^(>|[A-Za-z0-9][A-Za-z0-9._-]{0,79}(\\.[*>])?)$", queue))
    ])
    error_message = "queue_policies must be keyed by queue names of A-Z, a-z, 0-9 and . _ -, which may end in .* or .>, or by > for all."
  }

  validation {
    condition = alltrue([
      for policy in values(var.queue_policies) :
      policy.dead_letter_queue == null ? true : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", policy.dead_letter_queue))
    ])
    error_message = "queue_policies: dead_letter_queue must have 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, the first a letter or digit."
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
    error_message = "queue_policies must have whole numbers: expiry_check_ms 0 to 86400000, max_browse_page_size 400 to 1000000, max_destinations 1 to 10000, memory_limit_mb 1 to 10240, prefetch 0 to 10000, send_timeout_ms 1 to 600000."
  }

  validation {
    condition = alltrue([
      for redelivery in [for policy in values(var.queue_policies) : policy.redelivery if policy.redelivery != null] : (
        redelivery.delay_ms >= 1000 && redelivery.maximum_delay_ms >= redelivery.delay_ms &&
        0 <= redelivery.maximum && redelivery.maximum <= 100 && floor(redelivery.maximum) == redelivery.maximum &&
        1 <= redelivery.backoff_multiplier && redelivery.backoff_multiplier <= 10
      )
    ])
    error_message = "queue_policies: redelivery must have a delay_ms of at least 1000 (Amazon MQ), a maximum_delay_ms not below it, a whole maximum from 0 to 100 and a backoff_multiplier from 1 to 10."
  }
}

variable "queues" {
  description = "Queues of ActiveMQ that exist from the start, beside the dead-letter queues of their policies."
  type        = set(string)
  default     = ["grading-priority", "grading-requests", "grading-results"]
  nullable    = false

  validation {
    condition = length(var.queues) > 0 && alltrue([
      for name in var.queues : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", name))
    ])
    error_message = "queues needs at least one name; each has 1 to 80 characters of A-Z, a-z, 0-9 and . _ -, the first a letter or digit."
  }
}

variable "users" {
  description = "More users of ActiveMQ, by name."
  type = map(object({
    console_access = optional(bool, false)     # may do everything, in the web console
    groups         = optional(set(string), []) # what the user may do: grading-admins, -operators, -web, -workers, or of your own
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.engine_type == "ActiveMQ" || length(var.users) == 0
    error_message = "users must be empty when engine_type is RabbitMQ: Amazon MQ makes one user there, others are made in its management console."
  }

  validation {
    condition = length(var.users) < 250 && alltrue([
      for name in keys(var.users) : can(regex("^[A-Za-z0-9._~-]{2,100}$", name)) && name != var.admin_username
    ])
    error_message = "users must be at most 249 names of 2 to 100 characters of A-Z, a-z, 0-9 and . _ ~ -, without the admin_username."
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
