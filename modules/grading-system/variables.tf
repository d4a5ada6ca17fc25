variable "alarms" {
  description = "Recipients and choice of the alarms; null for none, such as with a call of the module monitoring."
  type = object({
    action_arns           = optional(list(string), []) # ARNs to notify, in addition to the topic that is created
    disabled              = optional(set(string), [])  # kinds of alarms to omit
    email_addresses       = optional(set(string), [])  # each receives a confirmation link
    queue_size_alarm_name = optional(string)           # null for <environment_name>-grading-queue-size-high
  })
  default = {}
}

variable "broker" {
  description = "Broker and login of the workers: outputs of the module messaging, or an existing ActiveMQ broker. Or sqs instead; both while the transport changes."
  type = object({
    cidr_blocks        = optional(list(string), []) # its addresses, if its groups cannot be referenced
    instance_type      = optional(string)           # burstable types (mq.t...) get an alarm for CPU credits
    node_names         = optional(list(string), []) # values of the CloudWatch dimension Broker: <name>-1, and <name>-2 for a pair
    password_version   = optional(number, 1)        # a higher version writes passwords.broker again
    security_group_ids = optional(list(string), []) # its groups
    stomp_endpoints    = optional(list(string), []) # stomp+ssl://<host>:61614, one per node
    user_names         = optional(list(string), []) # users of a new broker, of which username is one; empty if they are not known
    username           = optional(string, "worker") # user in the group grading-workers

    sqs = optional(object({            # outputs of the module sqs; null without queues of SQS
      active = optional(bool, true)    # with a broker too: true drains the broker, false drains the queues
      names = object({                 # names of the queues
        dead_letter = string           # receives what could not be graded
        priority    = optional(string) # urgent requests; null for none
        requests    = string           # requests
        results     = string           # results
      })
      urls = object({                  # their URLs
        dead_letter = string           # receives what could not be graded
        priority    = optional(string) # urgent requests; null for none
        requests    = string           # requests
        results     = string           # results
      })
      visibility_seconds = optional(number, 120) # seconds after which another worker gets the job of a crashed one
      wait_seconds       = optional(number, 20)  # longest time for which a receive waits
      worker_policy_json = string                # IAM policy document that allows a worker to use them
    }))
  })
  nullable = false

  validation {
    condition     = length(var.broker.stomp_endpoints) > 0 || var.broker.sqs != null
    error_message = "broker.stomp_endpoints must have one or more endpoints, without which a worker reaches no queue; a RabbitMQ broker has none. Or broker.sqs is required."
  }

  validation {
    condition     = alltrue([for each in var.broker.stomp_endpoints : can(regex("^stomp\\+ssl://[A-Za-z0-9.-]+:${local.worker_port.broker}$", each))])
    error_message = "broker.stomp_endpoints must be stomp+ssl://<host>:${local.worker_port.broker}: the worker speaks STOMP over TLS, and its security group allows this port."
  }

  validation {
    condition     = (length(var.broker.node_names) > 0) == (length(var.broker.stomp_endpoints) > 0) && alltrue([for name in var.broker.node_names : can(regex("-[12]$", name))])
    error_message = "broker.node_names must be the broker's name followed by -1 and, for a pair, also by -2: with another name, the number of workers does not follow the queues."
  }

  validation {
    condition     = length(var.broker.username) > 0
    error_message = "broker.username must be the user of the workers, not an empty text."
  }

  validation {
    condition     = length(var.broker.user_names) == 0 || contains(var.broker.user_names, var.broker.username)
    error_message = "broker.username must be one of broker.user_names, the users that the broker gets: add it to users of the module messaging, in the group grading-workers."
  }

  validation {
    condition     = !local.owns_group || length(var.broker.stomp_endpoints) == 0 || length(concat(var.broker.security_group_ids, var.broker.cidr_blocks)) > 0
    error_message = "broker requires security_group_ids or cidr_blocks without network.security_group_ids: the security group of the workers would have no egress to the broker."
  }

  validation {
    condition = local.owns_group || length(var.broker.security_group_ids) == 0 ? true : (
      contains(var.broker.security_group_ids, lookup(var.network.security_group_ids, "broker", var.broker.security_group_ids[0]))
    )
    error_message = "broker.security_group_ids must contain network.security_group_ids.broker, the group to which the workers' group has egress."
  }
}

variable "capacity" {
  description = "Initial number of workers, and the bounds of autoscaling."
  type = object({
    desired = optional(number, 2)  # initial number of tasks; fixed without autoscaling
    max     = optional(number, 10) # maximum number of tasks
    min     = optional(number, 1)  # minimum number of tasks; 0 stops the last one when the queues are idle

    spot = optional(object({               # run part of the tasks on Fargate Spot; null uses Fargate only
      fargate_base   = optional(number, 1) # number of tasks that always run on Fargate
      fargate_weight = optional(number, 1) # weight of Fargate for the remaining tasks
      spot_weight    = optional(number, 3) # weight of Fargate Spot for the remaining tasks
    }))
  })
  default  = {}
  nullable = false
}

variable "database" {
  description = "Database and login of the workers: outputs of the module database, or an existing MySQL database."
  type = object({
    cidr_blocks        = optional(list(string), []) # its addresses, if its groups cannot be referenced
    database_name      = string                     # schema
    endpoint           = string                     # <host>:3306
    identifier         = optional(string)           # RDS instance of the alarms; null for no database alarms
    password_version   = optional(number, 1)        # a higher version writes passwords.database again
    security_group_ids = optional(list(string), []) # its groups
    username           = optional(string, "grader") # the user of the workers; the module database has it as an output
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9.-]+:${local.worker_port.database}$", var.database.endpoint))
    error_message = "database.endpoint must be <host>:${local.worker_port.database}: the security group of the workers allows this port."
  }

  validation {
    condition     = alltrue([for text in [var.database.database_name, var.database.username] : text == null ? false : length(text) > 0])
    error_message = "database requires a database_name and a username, without which a worker cannot log in."
  }

  validation {
    condition     = !local.owns_group || length(concat(var.database.security_group_ids, var.database.cidr_blocks)) > 0
    error_message = "database requires security_group_ids or cidr_blocks without network.security_group_ids: the security group of the workers would have no egress to the database."
  }

  validation {
    condition = local.owns_group || length(var.database.security_group_ids) == 0 ? true : (
      contains(var.database.security_group_ids, lookup(var.network.security_group_ids, "database", var.database.security_group_ids[0]))
    )
    error_message = "database.security_group_ids must contain network.security_group_ids.database, the group to which the workers' group has egress."
  }
}

variable "environment_name" {
  description = "Environment; resources are named <environment_name>-grading-..., and parameters /<environment_name>/worker/..."
  type        = string
  nullable    = false
}

variable "image" {
  description = "Container image of the worker, with a digest or a tag other than latest; it must exist, or tasks start and stop until it does."
  type        = string

  validation {
    condition     = try(can(regex("(@sha256:[0-9a-f]{64}|:[^/:@]+)$", var.image)) && !endswith(var.image, ":latest"), false)
    error_message = "image is required, with a digest (name@sha256:...) or a tag other than latest (name:1.4.2): build the image of the worker and push it to a registry first."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key of passwords, logs and Fargate disks; the README has the few things with other keys. Null uses keys of AWS."
  type        = string
  default     = null
}

variable "network" {
  description = "Outputs of the module network, or an existing VPC, in which the workers get a security group."
  type = object({
    private_subnet_ids = list(string)          # of the tasks
    security_group_ids = optional(map(string)) # by role: tasks get that of worker, and no group is created; null creates one
    vpc_id             = optional(string)      # VPC of the group
    vpc_cidr_block     = optional(string)      # its IPv4 range
    s3_prefix_list_id  = optional(string)      # prefix list of S3 in the region; the VPC has a gateway endpoint for it
    internet_egress    = optional(bool, false) # workers may connect to any address on port 443, through NAT of the VPC

    endpoints = optional(object({                     # interface endpoints ecr.api, ecr.dkr, logs and ssm, with broker.sqs also sqs
      security_group_ids = optional(list(string), []) # their groups
      cidr_blocks        = optional(list(string), []) # their addresses, if their groups cannot be referenced
    }))
  })
  nullable = false

  validation {
    condition     = var.network.security_group_ids == null ? true : contains(keys(var.network.security_group_ids), "worker")
    error_message = "network.security_group_ids must contain a group for worker, the one of the tasks; without the map, one is created."
  }

  validation {
    condition     = var.network.security_group_ids != null || (var.network.vpc_id != null && var.network.vpc_cidr_block != null)
    error_message = "network requires vpc_id and vpc_cidr_block without security_group_ids: the workers get a security group in that VPC."
  }

  validation {
    condition     = var.network.security_group_ids != null || var.network.s3_prefix_list_id != null
    error_message = "network requires s3_prefix_list_id without security_group_ids: the workers would have no egress to the bucket. The module network can create an S3 endpoint."
  }

  validation {
    condition = var.network.security_group_ids != null || var.network.internet_egress || (
      var.network.endpoints == null ? false : length(concat(var.network.endpoints.security_group_ids, var.network.endpoints.cidr_blocks)) > 0
    )
    error_message = "network requires endpoints with security_group_ids or cidr_blocks, or internet_egress with NAT: the workers would have no egress to ECR, CloudWatch Logs and SSM."
  }
}

variable "passwords" {
  description = "Passwords of broker.username and database.username; write-only, not stored in state or plan. Without a broker, only that of the database."
  type        = object({ broker = optional(string), database = string })
  nullable    = false
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = (var.passwords.database == null ? false : length(var.passwords.database) > 0) && var.passwords.broker != ""
    error_message = "passwords requires a password for both broker and database, without which a worker cannot log in."
  }

  validation {
    condition     = var.passwords.broker != null || length(var.broker.node_names) == 0
    error_message = "passwords requires that of broker.username; only without a broker may it be null."
  }
}

variable "region" {
  description = "Region of all resources."
  type        = string
  nullable    = false
}

variable "scaling" {
  description = "Targets, cooldowns and schedules of autoscaling."
  type = object({
    cpu_target           = optional(number, 60)  # target CPU utilization in percent
    idle_minutes         = optional(number, 15)  # with capacity.min 0: minutes of empty queues before the last task stops
    in_cooldown_seconds  = optional(number, 300) # cooldown after a scale-in
    memory_target        = optional(number, 75)  # target memory utilization in percent
    messages_per_task    = optional(number, 10)  # target number of messages in the queues per running task
    out_cooldown_seconds = optional(number, 60)  # cooldown after a scale-out
    wake_up_tasks        = optional(number, 1)   # with capacity.min 0: tasks to start when a message arrives

    schedules = optional(map(object({    # scheduled changes of the bounds, by name
      schedule = string                  # cron(minute hour day month weekday year) or at(yyyy-mm-ddThh:mm:ss)
      max      = optional(number)        # new maximum; null keeps it
      min      = optional(number)        # new minimum; null keeps it
      timezone = optional(string, "UTC") # IANA name such as Asia/Seoul
    })), {})
  })
  default  = {}
  nullable = false
}

variable "service" {
  description = "Protection, deployment and log of the workers."
  type = object({
    allow_task_protection          = optional(bool, false) # a worker protects its task from scale-in while it has a job for more than 5 seconds
    ignore_task_definition_changes = optional(bool, false) # leave the revision that a pipeline deployed; see the README before turning it on or off
    log_retention_days             = optional(number, 30)  # retention of the log
  })
  default  = {}
  nullable = false
}

variable "settings" {
  description = "Optional settings of the worker, such as LOG_LEVEL; names of queues are also used by scaling and alarms."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length([for name in keys(var.settings) : name if contains(local.variable_names, name) || startswith(name, "SQS_") || contains(["DRAIN_OTHER_TRANSPORT", "USE_SQS_QUEUE"], name)]) == 0
    error_message = "settings must not contain ${join(", ", local.variable_names)}, DRAIN_OTHER_TRANSPORT, USE_SQS_QUEUE or SQS_*, which refer to what the other variables name."
  }
}

variable "storage" {
  description = "Outputs of the module storage, or an existing bucket with a policy for the workers."
  type = object({
    bucket_name        = string # bucket of submissions, problems and results
    worker_policy_json = string # IAM policy document that allows a worker to use it
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.storage.bucket_name))
    error_message = "storage.bucket_name must be the name of a bucket, not an ARN or URL."
  }

  validation {
    condition     = strcontains(var.storage.worker_policy_json, ":s3:::${var.storage.bucket_name}/")
    error_message = "storage.worker_policy_json must allow access to the objects of storage.bucket_name: it is a policy of another bucket."
  }
}

variable "task" {
  description = "Size, architecture and secrets of a worker."
  type = object({
    architecture          = optional(string, "X86_64") # X86_64 or ARM64; must match the image
    cpu                   = optional(number, 512)      # CPU units; 1024 are one vCPU
    ephemeral_storage_gib = optional(number)           # disk on Fargate, 21 to 200; null means 20
    memory                = optional(number, 1024)     # MB

    repository_credentials_arn = optional(string)           # secret with the login for image in a private registry that is not ECR
    secret_arns                = optional(map(string), {})  # SSM parameter or secret by the environment variable that gets its value
    secret_kms_key_arns        = optional(list(string), []) # customer managed keys that encrypt these secrets
  })
  default  = {}
  nullable = false
}
