# The workers: an ECS service.

variable "ecs_architecture" {
  description = "X86_64, or ARM64 for Graviton; the image, and ecs_instance_type without Fargate, have to have it."
  type        = string
  default     = "X86_64"
}

variable "ecs_cpu_target_value" {
  description = "Percent of CPU at which autoscaling holds the workers."
  type        = number
  default     = 60
}

variable "ecs_desired_count" {
  description = "Workers at the start; with enable_ecs_autoscaling = false, always."
  type        = number
  default     = 2
}

variable "ecs_ephemeral_storage_gib" {
  description = "Disk of a worker on Fargate from 21 to 200 GiB; null is Fargate's 20."
  type        = number
  default     = null
}

variable "ecs_fargate_spot" {
  description = "Run part of the workers on Fargate Spot, which costs about a third and may be taken away with two minutes' notice; null runs none there."
  type = object({
    fargate_base   = optional(number, 1) # so many workers are always on Fargate
    fargate_weight = optional(number, 1) # share of the others that is on Fargate
    spot_weight    = optional(number, 3) # share of the others that is on Fargate Spot
  })
  default = null
}

variable "ecs_idle_minutes" {
  description = "With ecs_min_capacity = 0: after so many minutes of empty queues the last workers stop."
  type        = number
  default     = 15
}

variable "ecs_instance_type" {
  description = "Instances to run the workers on when use_fargate is false."
  type        = string
  default     = "m6i.large"
}

variable "ecs_max_capacity" {
  description = "Most workers that autoscaling starts."
  type        = number
  default     = 10
}

variable "ecs_memory_target_value" {
  description = "Percent of memory at which autoscaling holds the workers."
  type        = number
  default     = 75
}

variable "ecs_messages_per_task" {
  description = "Waiting requests for each worker at which autoscaling holds them."
  type        = number
  default     = 10
}

variable "ecs_min_capacity" {
  description = "Fewest workers that autoscaling leaves; 0 stops the last one when the queues are idle, and a request starts one again."
  type        = number
  default     = 1
}

variable "ecs_scheduled_scaling" {
  description = "Other bounds than ecs_min_capacity and ecs_max_capacity from a moment on, by name, such as for the hours of an exam."
  type = map(object({
    schedule = string                  # cron(minute hour day month weekday year) or at(yyyy-mm-ddThh:mm:ss)
    max      = optional(number)        # most workers from then on; null leaves it
    min      = optional(number)        # fewest workers from then on; null leaves it
    timezone = optional(string, "UTC") # IANA name such as Asia/Seoul
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.enable_ecs_autoscaling || length(var.ecs_scheduled_scaling) == 0
    error_message = "ecs_scheduled_scaling must be {} when enable_ecs_autoscaling is false: then ecs_desired_count is held."
  }
}

variable "ecs_sidecars" {
  description = "Containers beside the worker, by name."
  type = map(object({
    command             = optional(list(string))    # null is that of the image
    cpu                 = optional(number, 0)       # CPU units of the task kept for it
    environment         = optional(map(string), {}) # environment variables
    essential           = optional(bool, false)     # whether its end ends the task
    image               = string                    # leave to pull is given when it lies in ECR
    memory              = optional(number)          # most MB of the task that it may take
    start_before_worker = optional(bool, false)     # whether the worker waits until it has started
    user                = optional(string)          # user, or user:group
    writable_paths      = optional(map(string), {}) # volume to path
  }))
  default  = {}
  nullable = false
}

variable "ecs_target_group_arn" {
  description = "Target group (type ip, HTTP, port 8080) of a load balancer of yours that asks the workers for their health; needs enable_ecs_alb_access. Null for none."
  type        = string
  default     = null

  validation {
    condition     = var.ecs_target_group_arn == null || var.enable_ecs_alb_access
    error_message = "ecs_target_group_arn needs enable_ecs_alb_access = true: otherwise nothing may reach the workers."
  }
}

variable "ecs_task_cpu" {
  description = "CPU units of a worker; 1024 are one vCPU."
  type        = number
  default     = 512
}

variable "ecs_task_memory" {
  description = "Memory of a worker in MB."
  type        = number
  default     = 1024
}

variable "enable_ecs_alb_access" {
  description = "Let the web tier and its load balancer reach the workers on port 8080."
  type        = bool
  default     = false
}

variable "enable_ecs_autoscaling" {
  description = "Let the number of workers follow CPU, memory and the waiting messages."
  type        = bool
  default     = true
}

variable "enable_ecs_exec" {
  description = "Let operators open a shell in a running worker by ECS Exec; what they type is logged."
  type        = bool
  default     = false
}

variable "enable_ecs_task_protection" {
  description = "Let a worker protect itself from scale-in while it works."
  type        = bool
  default     = false
}

variable "enable_service_discovery" {
  description = "Give the workers a DNS name inside the VPC."
  type        = bool
  default     = false
}

variable "grading_container_image" {
  description = "Image of the worker; by default latest of the repository <environment_name>-grading-worker in this account."
  type        = string
  default     = null
}

variable "grading_worker_settings" {
  description = "More environment variables of the worker, such as WORKER_SLOTS or LOG_FORMAT."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract([for name in keys(var.grading_worker_settings) : name if !startswith(name, "HANDLER_")], [
      "DB_CA_FILE", "DRAIN_SECONDS", "JOB_HANDLER", "LANGUAGES", "LOG_FORMAT", "LOG_LEVEL", "LOOK_AHEAD", "MAX_ATTEMPTS",
      "MAX_MEMORY_LIMIT_MB", "MAX_SOURCE_BYTES", "MAX_TIME_LIMIT_MS", "RETRY_DELAY_MS", "WORKER_SLOTS",
    ])) == 0
    error_message = "grading_worker_settings may hold DB_CA_FILE, DRAIN_SECONDS, JOB_HANDLER, LANGUAGES, LOG_FORMAT, LOG_LEVEL, LOOK_AHEAD, MAX_ATTEMPTS, MAX_MEMORY_LIMIT_MB, MAX_SOURCE_BYTES, MAX_TIME_LIMIT_MS, RETRY_DELAY_MS, WORKER_SLOTS, and HANDLER_* for a handler of your own."
  }
}

variable "use_fargate" {
  description = "Run the workers on Fargate; otherwise on EC2 instances."
  type        = bool
  default     = true
}
