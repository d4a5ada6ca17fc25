variable "capacity" {
  description = "Initial number of tasks, and the bounds of autoscaling."
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

  validation {
    condition = alltrue([
      for count in [var.capacity.desired, var.capacity.max, var.capacity.min] : count >= 0 && floor(count) == count
    ])
    error_message = "capacity.desired, max and min must be whole numbers, 0 or more."
  }

  validation {
    condition = !var.enable_autoscaling || (
      0 <= var.capacity.min && var.capacity.min <= var.capacity.desired &&
      var.capacity.desired <= var.capacity.max && 1 <= var.capacity.max
    )
    error_message = "capacity must satisfy 0 <= min <= desired <= max with autoscaling, and max must be at least 1."
  }

  validation {
    condition     = var.capacity.spot == null || var.ec2_capacity == null
    error_message = "capacity.spot must be null when ec2_capacity is set: Spot capacity is for Fargate."
  }

  validation {
    condition = var.capacity.spot == null ? true : (
      alltrue([for number in values(var.capacity.spot) : number >= 0 && floor(number) == number]) &&
      var.capacity.spot.fargate_base <= 100000 &&
      max(var.capacity.spot.fargate_weight, var.capacity.spot.spot_weight) <= 1000 &&
      var.capacity.spot.spot_weight >= 1
    )
    error_message = "capacity.spot must have whole numbers: fargate_base from 0 to 100000, fargate_weight from 0 to 1000, spot_weight from 1 to 1000."
  }
}

variable "ec2_capacity" {
  description = "EC2 instances for the tasks; null uses Fargate."
  type = object({
    enable_session          = optional(bool, false)         # allow shells on the instances with Session Manager
    image_id                = optional(string)              # AMI with the ECS agent; null uses Amazon's for the architecture
    instance_type           = optional(string, "m6i.large") # must match the architecture of the task
    max_instances           = optional(number, 10)          # maximum number of instances
    max_lifetime_days       = optional(number, 14)          # age at which an instance is replaced by one with the newest AMI
    min_instances           = optional(number, 0)           # minimum number of instances
    target_capacity_percent = optional(number, 100)         # target utilization; less than 100 keeps spare capacity
    volume_gib              = optional(number, 50)          # encrypted disk of an instance, shared by images and tasks
    volume_kms_key_arn      = optional(string)              # KMS key of the disk; null uses the account's default key
  })
  default = null

  validation {
    condition = var.ec2_capacity == null ? true : (
      alltrue([for count in [var.ec2_capacity.min_instances, var.ec2_capacity.max_instances] : floor(count) == count]) &&
      0 <= var.ec2_capacity.min_instances &&
      var.ec2_capacity.min_instances <= var.ec2_capacity.max_instances &&
      1 <= var.ec2_capacity.max_instances
    )
    error_message = "ec2_capacity must satisfy 0 <= min_instances <= max_instances in whole numbers, and max_instances must be at least 1."
  }

  validation {
    condition     = var.ec2_capacity == null ? true : contains(range(1, 365 + 1), var.ec2_capacity.max_lifetime_days)
    error_message = "ec2_capacity.max_lifetime_days must be a whole number from 1 to 365."
  }

  validation {
    condition     = var.ec2_capacity == null ? true : can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.ec2_capacity.instance_type))
    error_message = "ec2_capacity.instance_type must be an instance type such as m6i.large."
  }

  validation {
    condition = var.ec2_capacity == null ? true : (
      1 <= var.ec2_capacity.target_capacity_percent && var.ec2_capacity.target_capacity_percent <= 100 &&
      30 <= var.ec2_capacity.volume_gib && var.ec2_capacity.volume_gib <= 16384
    )
    error_message = "ec2_capacity.target_capacity_percent must be from 1 to 100, and volume_gib from 30 to 16384."
  }

  validation {
    condition = (
      try(var.ec2_capacity.image_id, null) == null ? true : can(regex("^ami-[0-9a-f]{8,17}$", var.ec2_capacity.image_id))
    )
    error_message = "ec2_capacity.image_id must be an AMI ID such as ami-0123456789abcdef0, or null."
  }

  validation {
    condition     = try(var.ec2_capacity.volume_kms_key_arn, null) == null ? true : can(regex(local.kms_key_pattern, var.ec2_capacity.volume_kms_key_arn))
    error_message = "ec2_capacity.volume_kms_key_arn must be the ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "enable_autoscaling" {
  description = "Scale by CPU, memory, waiting messages and schedules; false holds the desired number of tasks."
  type        = bool
  default     = true
}

variable "queue" {
  description = "Queues whose waiting messages drive autoscaling: those of broker nodes, of SQS, or of both while the transport changes."
  type = object({
    broker_node_names = optional(list(string), [])                                       # values of the CloudWatch dimension Broker; empty without a broker
    engine_type       = optional(string, "ActiveMQ")                                     # ActiveMQ or RabbitMQ, which have different metrics
    names             = optional(list(string), ["grading-requests", "grading-priority"]) # queues that the workers consume
    sqs_queue_names   = optional(list(string), [])                                       # names of SQS queues that the workers consume, instead of or in addition to those of a broker
    virtual_host      = optional(string, "/")                                            # virtual host of a RabbitMQ broker
  })

  validation {
    condition = contains(
      range(1, 8 + 1), length(var.queue.broker_node_names) * length(var.queue.names) + length(var.queue.sqs_queue_names)
    )
    error_message = "queue must have at least one node and one name, or one SQS queue, and at most eight such pairs and queues (a scaling policy is limited to ten metrics)."
  }

  validation {
    condition     = !var.enable_autoscaling || local.smallest > 0 || min(length(var.queue.broker_node_names), length(var.queue.sqs_queue_names)) > 0 || length(var.queue.broker_node_names) * length(var.queue.names) + 2 * length(var.queue.sqs_queue_names) <= 4
    error_message = "queue must have at most four pairs of node and name, or two SQS queues, if capacity.min or the min of a schedule is 0 (an alarm is limited to ten metrics)."
  }

  validation {
    condition     = contains(["ActiveMQ", "RabbitMQ"], var.queue.engine_type)
    error_message = "queue.engine_type must be ActiveMQ or RabbitMQ."
  }
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

  validation {
    condition     = alltrue([for target in [var.scaling.cpu_target, var.scaling.memory_target] : target >= 1 && target <= 100])
    error_message = "scaling.cpu_target and memory_target must be from 1 to 100 percent."
  }

  validation {
    condition     = var.scaling.messages_per_task > 0
    error_message = "scaling.messages_per_task must be greater than 0."
  }

  validation {
    condition = alltrue([
      for seconds in [var.scaling.in_cooldown_seconds, var.scaling.out_cooldown_seconds] : seconds >= 0 && seconds <= 3600 && floor(seconds) == seconds
    ])
    error_message = "scaling.in_cooldown_seconds and out_cooldown_seconds must be whole seconds from 0 to 3600."
  }

  validation {
    condition     = var.scaling.idle_minutes >= 5 && var.scaling.idle_minutes <= 1440 && floor(var.scaling.idle_minutes) == var.scaling.idle_minutes
    error_message = "scaling.idle_minutes must be whole minutes from 5 to 1440."
  }

  validation {
    condition     = var.scaling.wake_up_tasks >= 1 && var.scaling.wake_up_tasks <= max(1, var.capacity.max) && floor(var.scaling.wake_up_tasks) == var.scaling.wake_up_tasks
    error_message = "scaling.wake_up_tasks must be a whole number from 1 to capacity.max."
  }

  validation {
    condition     = alltrue([for name in keys(var.scaling.schedules) : can(regex("^[a-z0-9][a-z0-9-]{0,63}$", name))])
    error_message = "scaling.schedules must have names of 1 to 64 characters of a-z, 0-9 and -."
  }

  validation {
    condition = alltrue([
      for each in values(var.scaling.schedules) :
      can(regex(local.cron_pattern, each.schedule)) ? length(regexall("\\?", each.schedule)) == 1 :
      can(timeadd("${regex("^at\\((\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2})\\)$", each.schedule)[0]}Z", "0s"))
    ])
    error_message = "scaling.schedules.*.schedule must be cron(minute hour day-of-month month day-of-week year) with ? for exactly one of the two days, such as cron(30 8 ? * MON-FRI *), or a time such as at(2026-06-15T08:30:00)."
  }

  validation {
    condition = alltrue([
      for each in values(var.scaling.schedules) : can(regex("^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]*){1,2})$", each.timezone))
    ])
    error_message = "scaling.schedules.*.timezone must be an IANA name such as Asia/Seoul, or UTC."
  }

  validation {
    condition = alltrue([
      for each in values(var.scaling.schedules) :
      (each.min != null || each.max != null) &&
      alltrue([for count in [each.min, each.max] : count == null ? true : count >= 0 && floor(count) == count]) &&
      (each.min == null ? var.capacity.min : each.min) <= (each.max == null ? var.capacity.max : each.max)
    ])
    error_message = "scaling.schedules.* must set min, max or both, whole numbers with min <= max; an omitted one is that of capacity."
  }
}
