# The workers: an ECS service.

variable "ecs_architecture" {
  description = "X86_64, or ARM64 for Graviton; must match the image and, without Fargate, ecs_instance_type."
  type        = string
  default     = "X86_64"
}

variable "ecs_cpu_target_value" {
  description = "Target CPU utilization of the workers in percent."
  type        = number
  default     = 60
}

variable "ecs_desired_count" {
  description = "Initial number of workers; fixed with enable_ecs_autoscaling = false."
  type        = number
  default     = 2
}

variable "ecs_ephemeral_storage_gib" {
  description = "Disk of a worker on Fargate in GiB, 21 to 200; null means 20."
  type        = number
  default     = null
}

variable "ecs_fargate_spot" {
  description = "Run part of the workers on Fargate Spot, which costs about a third and may be interrupted with two minutes' notice; null disables it."
  type = object({
    fargate_base   = optional(number, 1) # number of workers that always run on Fargate
    fargate_weight = optional(number, 1) # weight of Fargate for the remaining workers
    spot_weight    = optional(number, 3) # weight of Fargate Spot for the remaining workers
  })
  default = null
}

variable "ecs_idle_minutes" {
  description = "With ecs_min_capacity = 0: minutes of empty queues before the last worker stops."
  type        = number
  default     = 15
}

variable "ecs_ignore_task_definition_changes" {
  description = "Leave the revision of the task definition that a pipeline deployed; see the README of the module ecs-grading before turning it on or off."
  type        = bool
  default     = false
  nullable    = false
}

variable "ecs_instance_type" {
  description = "Instance type of the workers when use_fargate is false."
  type        = string
  default     = "m6i.large"
}

variable "ecs_max_capacity" {
  description = "Maximum number of workers."
  type        = number
  default     = 10
}

variable "ecs_memory_target_value" {
  description = "Target memory utilization of the workers in percent."
  type        = number
  default     = 75
}

variable "ecs_messages_per_task" {
  description = "Target number of waiting requests per worker."
  type        = number
  default     = 10
}

variable "ecs_min_capacity" {
  description = "Minimum number of workers; 0 stops the last one when the queues are idle, and the next request starts one."
  type        = number
  default     = 1
}

variable "ecs_repository_credentials_arn" {
  description = "ARN of the secret with the login for grading_container_image in a private registry that is not ECR, {\"username\": ..., \"password\": ...}; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.ecs_repository_credentials_arn == null || var.grading_container_image != null
    error_message = "ecs_repository_credentials_arn requires grading_container_image, the image in the private registry."
  }
}

variable "ecs_scheduled_scaling" {
  description = "Scheduled changes of ecs_min_capacity and ecs_max_capacity by name, such as for the hours of an exam."
  type = map(object({
    schedule = string                  # cron(minute hour day month weekday year) or at(yyyy-mm-ddThh:mm:ss)
    max      = optional(number)        # new maximum; null keeps it
    min      = optional(number)        # new minimum; null keeps it
    timezone = optional(string, "UTC") # IANA name such as Asia/Seoul
  }))
  default  = {}
  nullable = false

  validation {
    condition     = var.enable_ecs_autoscaling || length(var.ecs_scheduled_scaling) == 0
    error_message = "ecs_scheduled_scaling must be {} when enable_ecs_autoscaling is false, which fixes ecs_desired_count."
  }
}

variable "ecs_secret_arns" {
  description = "SSM parameter (ARN) or secret (ARN, also with :<json key>:<stage>:<version>) by the environment variable HANDLER_* of the worker that gets its value."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.ecs_secret_arns) : startswith(name, "HANDLER_")])
    error_message = "ecs_secret_arns may contain only HANDLER_*, which a custom handler reads: all other settings of a worker are not secret, or read from SSM."
  }
}

variable "ecs_secret_kms_key_arns" {
  description = "Customer managed KMS keys that encrypt the secrets of ecs_repository_credentials_arn, ecs_secret_arns and ecs_sidecars."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "ecs_sidecars" {
  description = "Additional containers of a worker's task by name."
  type = map(object({
    command                    = optional(list(string))    # null uses that of the image
    cpu                        = optional(number, 0)       # CPU units reserved for it
    environment                = optional(map(string), {}) # environment variables
    essential                  = optional(bool, false)     # stop the task when this container stops
    image                      = string                    # images in ECR also get pull permission
    memory                     = optional(number)          # memory limit in MB; null for no limit
    repository_credentials_arn = optional(string)          # secret with the login for image in a private registry that is not ECR
    secret_arns                = optional(map(string), {}) # SSM parameter or secret by environment variable
    start_before_worker        = optional(bool, false)     # start the worker after this container
    user                       = optional(string)          # user or user:group; null uses that of the image
    writable_paths             = optional(map(string), {}) # path by volume
  }))
  default  = {}
  nullable = false
}

variable "ecs_target_group_arn" {
  description = "Target group (type ip, HTTP, port 8080) of a load balancer that checks the health of the workers; requires enable_ecs_alb_access. Null for none."
  type        = string
  default     = null

  validation {
    condition     = var.ecs_target_group_arn == null || var.enable_ecs_alb_access
    error_message = "ecs_target_group_arn requires enable_ecs_alb_access = true, which allows the load balancer to reach the workers."
  }
}

variable "ecs_task_cpu" {
  description = "CPU units of a worker; 1024 equal one vCPU."
  type        = number
  default     = 512
}

variable "ecs_task_memory" {
  description = "Memory of a worker in MB."
  type        = number
  default     = 1024
}

variable "enable_ecs_alb_access" {
  description = "Allow the web tier and its load balancer to reach the workers on port 8080."
  type        = bool
  default     = false
}

variable "enable_ecs_autoscaling" {
  description = "Scale the workers by CPU, memory and waiting messages."
  type        = bool
  default     = true
}

variable "enable_ecs_exec" {
  description = "Allow operators to open a shell in a running worker with ECS Exec; sessions are logged."
  type        = bool
  default     = false
}

variable "enable_ecs_task_protection" {
  description = "Let a worker protect its task from scale-in while it has a job for more than 5 seconds."
  type        = bool
  default     = false
}

variable "enable_service_discovery" {
  description = "Create a private DNS name for the workers."
  type        = bool
  default     = false
}

variable "grading_container_image" {
  description = "Image of the worker with a digest, which gradectl image push sets, or a tag other than latest. Null names one that does not exist, so no worker starts; gradectl apply refuses that."
  type        = string
  default     = null

  validation {
    condition     = var.grading_container_image == null ? true : can(regex("(@sha256:[0-9a-f]{64}|:[^/:@]+)$", var.grading_container_image)) && !endswith(var.grading_container_image, ":latest")
    error_message = "grading_container_image must have a digest (name@sha256:...) or a tag other than latest (name:1.4.2)."
  }
}

variable "grading_worker_settings" {
  description = "Additional environment variables of the worker, such as WORKER_SLOTS or LOG_FORMAT."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract([for name in keys(var.grading_worker_settings) : name if !startswith(name, "HANDLER_")], [
      "CLAIM_RENEWAL_SECONDS", "DB_CA_FILE", "DRAIN_SECONDS", "FUNCTION_MAX_OUTPUT_BYTES", "FUNCTION_POOL_MB", "JOB_HANDLER",
      "LANGUAGES", "LOG_FORMAT", "LOG_LEVEL", "LOOK_AHEAD", "MAX_ATTEMPTS", "MAX_CRASHES", "MAX_MEMORY_LIMIT_MB",
      "MAX_SOURCE_BYTES", "MAX_TIME_LIMIT_MS", "PROGRESS_INTERVAL_MS", "REDIS_CA_FILE", "RESULT_EXPIRY_SECONDS",
      "RETRY_DELAY_MS", "RETRY_MAX_DELAY_MS", "TASK_PROTECTION", "WEBHOOK_CA_FILE", "WORKER_SLOTS",
    ])) == 0
    error_message = "grading_worker_settings may contain only CLAIM_RENEWAL_SECONDS, DB_CA_FILE, DRAIN_SECONDS, FUNCTION_MAX_OUTPUT_BYTES, FUNCTION_POOL_MB, JOB_HANDLER, LANGUAGES, LOG_FORMAT, LOG_LEVEL, LOOK_AHEAD, MAX_ATTEMPTS, MAX_CRASHES, MAX_MEMORY_LIMIT_MB, MAX_SOURCE_BYTES, MAX_TIME_LIMIT_MS, PROGRESS_INTERVAL_MS, REDIS_CA_FILE, RESULT_EXPIRY_SECONDS, RETRY_DELAY_MS, RETRY_MAX_DELAY_MS, TASK_PROTECTION, WEBHOOK_CA_FILE, WORKER_SLOTS, and HANDLER_* for custom handlers."
  }
}

variable "use_fargate" {
  description = "Run the workers on Fargate; false uses EC2 instances."
  type        = bool
  default     = true
}
