variable "capacity" {
  description = "Number of tasks: at the start, and the bounds between which autoscaling moves it."
  type = object({
    desired = optional(number, 2)
    max     = optional(number, 10)
    min     = optional(number, 1)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for count in values(var.capacity) : count >= 0 && floor(count) == count])
    error_message = "capacity must be whole numbers, 0 or more."
  }

  validation {
    condition = !var.enable_autoscaling || (
      1 <= var.capacity.min && var.capacity.min <= var.capacity.desired && var.capacity.desired <= var.capacity.max
    )
    error_message = "capacity must satisfy 1 <= min <= desired <= max while autoscaling is on."
  }
}

variable "ec2_capacity" {
  description = "Instances to run the tasks on; null runs them on Fargate."
  type = object({
    instance_type = optional(string, "m6i.large")
    max_instances = optional(number, 10)
    min_instances = optional(number, 0)
  })
  default = null

  validation {
    condition = var.ec2_capacity == null ? true : (
      0 <= var.ec2_capacity.min_instances &&
      var.ec2_capacity.min_instances <= var.ec2_capacity.max_instances &&
      1 <= var.ec2_capacity.max_instances
    )
    error_message = "ec2_capacity must satisfy 0 <= min_instances <= max_instances, and max_instances at least 1."
  }
}

variable "enable_autoscaling" {
  description = "Follow CPU, memory and the waiting messages; otherwise the desired number of tasks is held."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Environment variables of the worker."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "environment needs names of A-Z, 0-9 and _, the first a letter."
  }
}

variable "environment_name" {
  description = "Environment; everything here is named <environment_name>-grading-..."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, the first a letter."
  }
}

variable "image" {
  description = "Container image of the worker; leave to pull is given when it lies in ECR."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9][^\\s]*$", var.image))
    error_message = "image must be an image reference such as 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/grading-worker:1.0."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the worker's log."
  type        = number
  default     = 30

  validation {
    condition     = contains(local.retention_days, var.log_retention_days)
    error_message = "log_retention_days must be one of ${join(", ", local.retention_days)}."
  }
}

variable "queue" {
  description = "Queues whose waiting messages drive the scaling, and the broker nodes as CloudWatch names them."
  type = object({
    broker_node_names = list(string)
    names             = optional(list(string), ["grading-requests", "grading-priority"])
  })

  validation {
    condition = contains(
      range(1, 8 + 1), length(var.queue.broker_node_names) * length(var.queue.names)
    )
    error_message = "queue needs at least one node and one name, and at most eight pairs of them (a scaling policy takes ten metrics)."
  }
}

variable "region" {
  description = "Region of the log group."
  type        = string
}

variable "scaling" {
  description = "Targets of autoscaling: percent of CPU and memory, and waiting messages for each task."
  type = object({
    cpu_target        = optional(number, 60)
    memory_target     = optional(number, 75)
    messages_per_task = optional(number, 10)
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
}

variable "security_group_ids" {
  description = "Security groups of the tasks."
  type        = list(string)

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids needs at least one group."
  }
}

variable "service_discovery" {
  description = "VPC in which the workers get a DNS name; null for none."
  type = object({
    vpc_id = string
  })
  default = null
}

variable "subnet_ids" {
  description = "Private subnets of the tasks."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids needs at least one subnet."
  }
}

variable "task" {
  description = "Size of a task: CPU units (1024 are one vCPU) and memory in MB."
  type = object({
    cpu    = optional(number, 512)
    memory = optional(number, 1024)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.ec2_capacity != null || contains(lookup(local.fargate_memory_mb, tostring(var.task.cpu), []), var.task.memory)
    error_message = "task must be a pair that Fargate offers; ${lookup(local.fargate_memory_hint, tostring(var.task.cpu), "cpu must be one of 256, 512, 1024, 2048, 4096, 8192, 16384")}."
  }
}

variable "task_policies" {
  description = "Name to IAM policy document of what the worker may do."
  type        = map(string)
  default     = {}

  validation {
    condition = (
      alltrue([for document in values(var.task_policies) : can(jsondecode(document).Statement)]) &&
      !contains(keys(var.task_policies), "logs")
    )
    error_message = "task_policies needs IAM policy documents as JSON; the name logs is taken."
  }
}

locals {
  retention_days = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
  ]

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
  fargate_memory_mb = {
    "256"   = [512, 1024, 2048]
    "512"   = range(1024, 4096 + 1, 1024)
    "1024"  = range(2048, 8192 + 1, 1024)
    "2048"  = range(4096, 16384 + 1, 1024)
    "4096"  = range(8192, 30720 + 1, 1024)
    "8192"  = range(16384, 61440 + 1, 4096)
    "16384" = range(32768, 122880 + 1, 8192)
  }
  fargate_memory_hint = {
    for cpu, memory in local.fargate_memory_mb :
    cpu => "with cpu ${cpu}, memory must be one of ${join(", ", memory)}"
  }
}
