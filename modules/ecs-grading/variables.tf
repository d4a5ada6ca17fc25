variable "environment" {
  description = "Environment variables of the worker."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "environment must have names of A-Z, 0-9 and _ that start with a letter."
  }
}

variable "environment_name" {
  description = "Environment; all resources are named <environment_name>-grading-..."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,31}$", var.environment_name))
    error_message = "environment_name must have 1 to 32 characters of a-z, 0-9 and -, and start with a letter."
  }

  validation {
    condition     = var.ec2_capacity == null || !can(regex("^(aws|ecs|fargate)", var.environment_name))
    error_message = "environment_name must not start with aws, ecs or fargate when ec2_capacity is set: ECS reserves such names of capacity providers."
  }
}

variable "image" {
  description = "Container image of the worker, with a digest or a tag other than latest; images in ECR also get pull permission."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9][^\\s]*$", var.image))
    error_message = "image must be an image reference such as 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/grading-worker:1.0."
  }

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[^/:@]+)$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image must have a digest (name@sha256:...) or a tag other than latest (name:1.4.2)."
  }
}

variable "region" {
  description = "Region of the log group."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region)) && !startswith(var.region, "cn-")
    error_message = "region must be a region name such as ap-northeast-2, not one of China, where services have other domains."
  }
}

variable "security_group_ids" {
  description = "Security groups of the tasks."
  type        = list(string)

  validation {
    condition     = contains(range(1, 5 + 1), length(var.security_group_ids))
    error_message = "security_group_ids must contain one to five groups."
  }
}

variable "service" {
  description = "Deployment, logs, shells and load balancer of the service."
  type = object({
    allow_task_protection = optional(bool, false) # a worker protects its task from scale-in while it has a job for more than 5 seconds

    deployment = optional(object({                    # rolling deployment
      maximum_percent         = optional(number, 200) # of the desired number, while old and new tasks overlap
      minimum_healthy_percent = optional(number, 100) # of the desired number that must stay healthy
      rollback                = optional(bool, true)  # roll back when new tasks do not become healthy
    }), {})

    execute_command = optional(object({         # shells in running tasks with ECS Exec; null disables them
      kms_key_arn        = optional(string)     # KMS key of the session and its log; null uses keys of AWS
      log_retention_days = optional(number, 90) # retention of the session log
    }))

    ignore_task_definition_changes = optional(bool, false) # leave the revision that a pipeline deployed; see the README before turning it on or off

    load_balancer = optional(object({                   # target group that checks the health of the workers; null for none
      health_check_grace_seconds = optional(number, 60) # grace period for new tasks
      target_group_arn           = string               # target type ip, protocol HTTP, port 8080
    }))

    log = optional(object({                             # log of the worker and its sidecars
      kms_key_arn    = optional(string)                 # KMS key of the log group; null uses the key of CloudWatch Logs
      max_buffer_mb  = optional(number, 25)             # buffer for unsent lines in mode non-blocking
      mode           = optional(string, "non-blocking") # non-blocking: never delays work, may drop lines; blocking: keeps all lines
      retention_days = optional(number, 30)             # retention of the log
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition = (
      0 <= var.service.deployment.minimum_healthy_percent && var.service.deployment.minimum_healthy_percent <= 100 &&
      100 <= var.service.deployment.maximum_percent && var.service.deployment.maximum_percent <= 400 &&
      var.service.deployment.minimum_healthy_percent < var.service.deployment.maximum_percent
    )
    error_message = "service.deployment must satisfy 0 <= minimum_healthy_percent <= 100 <= maximum_percent <= 400, and not both be 100, which would prevent every replacement."
  }

  validation {
    condition = alltrue([
      for days in [var.service.log.retention_days, try(var.service.execute_command.log_retention_days, 1)] :
      contains(local.retention_days, days)
    ])
    error_message = "service.log.retention_days and service.execute_command.log_retention_days must be one of ${join(", ", local.retention_days)}."
  }

  validation {
    condition = (
      contains(["blocking", "non-blocking"], var.service.log.mode) &&
      1 <= var.service.log.max_buffer_mb && var.service.log.max_buffer_mb <= 256 && floor(var.service.log.max_buffer_mb) == var.service.log.max_buffer_mb
    )
    error_message = "service.log.mode must be blocking or non-blocking, and max_buffer_mb whole MB from 1 to 256."
  }

  validation {
    condition = alltrue([
      for arn in [var.service.log.kms_key_arn, try(var.service.execute_command.kms_key_arn, null)] :
      arn == null ? true : can(regex(local.kms_key_pattern, arn))
    ])
    error_message = "service.log.kms_key_arn and service.execute_command.kms_key_arn must be ARNs of KMS keys, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }

  validation {
    condition = var.service.load_balancer == null ? true : can(regex(
      "^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}$",
      var.service.load_balancer.target_group_arn,
    ))
    error_message = "service.load_balancer.target_group_arn must be arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<16 hexadecimal digits>."
  }

  validation {
    condition = var.service.load_balancer == null ? true : (
      0 <= var.service.load_balancer.health_check_grace_seconds && var.service.load_balancer.health_check_grace_seconds <= 86400
    )
    error_message = "service.load_balancer.health_check_grace_seconds must be from 0 to 86400."
  }

  validation {
    condition     = var.service.load_balancer == null || lookup(var.environment, "HEALTH_HOST", "") == "0.0.0.0"
    error_message = "service.load_balancer requires HEALTH_HOST = \"0.0.0.0\" in environment; by default a worker listens on 127.0.0.1 only."
  }
}

variable "service_discovery" {
  description = "Private DNS name of the workers; null for none."
  type = object({
    vpc_id = string # VPC of the private zone <environment_name>-grading.internal
  })
  default = null
}

variable "subnet_ids" {
  description = "Private subnets of the tasks."
  type        = list(string)

  validation {
    condition     = contains(range(1, 16 + 1), length(var.subnet_ids))
    error_message = "subnet_ids must contain one to sixteen subnets."
  }
}

variable "task" {
  description = "Size, architecture, disk, secrets and sidecars of a task."
  type = object({
    architecture                  = optional(string, "X86_64") # X86_64 or ARM64; must match the image
    cpu                           = optional(number, 512)      # CPU units; 1024 are one vCPU
    ephemeral_storage_gib         = optional(number)           # disk on Fargate, 21 to 200; null means 20
    ephemeral_storage_kms_key_arn = optional(string)           # KMS key of that disk, which Fargate may use, see the README; null uses a key of AWS
    memory                        = optional(number, 1024)     # MB
    read_only_root                = optional(bool, true)       # only writable_paths are writable
    stop_timeout_seconds          = optional(number, 120)      # from SIGTERM to SIGKILL; DRAIN_SECONDS is 20 less, but at least half, unless environment sets it

    repository_credentials_arn = optional(string)           # secret with the login for image in a private registry that is not ECR
    secret_arns                = optional(map(string), {})  # SSM parameter or secret by the environment variable that gets its value
    secret_kms_key_arns        = optional(list(string), []) # customer managed keys that encrypt these secrets

    sidecars = optional(map(object({                         # additional containers by name
      command                    = optional(list(string))    # null uses that of the image
      cpu                        = optional(number, 0)       # CPU units reserved for it
      environment                = optional(map(string), {}) # environment variables
      essential                  = optional(bool, false)     # stop the task when this container stops
      image                      = string                    # images in ECR also get pull permission
      memory                     = optional(number)          # memory limit in MB; null for no limit
      repository_credentials_arn = optional(string)          # as that of the task
      secret_arns                = optional(map(string), {}) # as those of the task
      start_before_worker        = optional(bool, false)     # start the worker after this container
      user                       = optional(string)          # user or user:group; null uses that of the image
      writable_paths             = optional(map(string), {}) # path by volume; volumes of the same name are shared with the worker
    })), {})

    writable_paths = optional(map(string), { # path by volume, writable for the worker
      boxes = "/var/lib/grader/boxes"
      tmp   = "/tmp"
    })
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["ARM64", "X86_64"], var.task.architecture)
    error_message = "task.architecture must be X86_64 or ARM64."
  }

  validation {
    condition     = var.ec2_capacity == null ? true : can(regex(local.arm_instance_pattern, var.ec2_capacity.instance_type)) == (var.task.architecture == "ARM64")
    error_message = "task.architecture must be that of ec2_capacity.instance_type: ARM64 for Graviton such as m7g.large, X86_64 for others such as m6i.large."
  }

  validation {
    condition     = var.ec2_capacity != null || contains(lookup(local.fargate_memory_mb, tostring(var.task.cpu), []), var.task.memory)
    error_message = "task.cpu and task.memory must be a combination that Fargate supports; ${lookup(local.fargate_memory_hint, tostring(var.task.cpu), "cpu must be one of 256, 512, 1024, 2048, 4096, 8192, 16384")}."
  }

  validation {
    condition     = var.ec2_capacity == null || (var.task.cpu >= 128 && var.task.cpu <= 196608 && var.task.memory >= 256)
    error_message = "task.cpu must be from 128 to 196608 and task.memory at least 256 with ec2_capacity."
  }

  validation {
    condition = var.task.ephemeral_storage_gib == null ? true : (
      var.ec2_capacity == null && contains(range(21, 200 + 1), var.task.ephemeral_storage_gib)
    )
    error_message = "task.ephemeral_storage_gib must be from 21 to 200 on Fargate, or null; instances use ec2_capacity.volume_gib."
  }

  validation {
    condition = var.task.ephemeral_storage_kms_key_arn == null ? true : (
      var.ec2_capacity == null && can(regex(local.kms_key_pattern, var.task.ephemeral_storage_kms_key_arn)) &&
      !strcontains(var.task.ephemeral_storage_kms_key_arn, ":key/mrk-")
    )
    error_message = "task.ephemeral_storage_kms_key_arn must be the ARN of a single-Region KMS key on Fargate, arn:aws:kms:<region>:<account>:key/<id>, or null; instances use ec2_capacity.volume_kms_key_arn."
  }

  validation {
    condition = (
      2 <= var.task.stop_timeout_seconds && var.task.stop_timeout_seconds <= (var.ec2_capacity == null ? 120 : 3600) &&
      floor(var.task.stop_timeout_seconds) == var.task.stop_timeout_seconds &&
      try(tonumber(lookup(var.environment, "DRAIN_SECONDS", "0")), -1) >= 0 &&
      try(tonumber(var.environment["DRAIN_SECONDS"]) + 5, 0) <= var.task.stop_timeout_seconds
    )
    error_message = "task.stop_timeout_seconds must be from 2 to 120 on Fargate (to 3600 on instances), and at least DRAIN_SECONDS + 5 if environment sets it: giving back the jobs that are not done takes up to 5 seconds."
  }

  validation {
    condition = alltrue(flatten([
      for paths in concat([var.task.writable_paths], values(var.task.sidecars)[*].writable_paths) : [
        for volume, path in paths :
        can(regex("^[A-Za-z0-9_-]{1,255}$", volume)) && can(regex("^(/[A-Za-z0-9._-]+)+$", path)) && !can(regex("/\\.\\.?(/|$)", path))
      ]
    ]))
    error_message = "task.writable_paths and those of sidecars must have volume names of A-Z, a-z, 0-9, _ and -, and normalized absolute paths below /."
  }

  validation {
    condition = alltrue([
      for name in keys(var.task.sidecars) : can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$", name)) && name != "grading-worker"
    ])
    error_message = "task.sidecars must have names of 1 to 255 letters, digits, _ and -, other than grading-worker."
  }

  validation {
    condition = (
      sum(concat([0], values(var.task.sidecars)[*].cpu)) < var.task.cpu &&
      sum(concat([0], [for each in values(var.task.sidecars) : each.memory == null ? 0 : each.memory])) < var.task.memory &&
      alltrue([for each in values(var.task.sidecars) : each.cpu >= 0 && (each.memory == null ? true : each.memory >= 6)])
    )
    error_message = "task.sidecars must leave resources for the worker: the sum of cpu must be less than task.cpu, the sum of memory less than task.memory, and each memory at least 6 MB."
  }

  validation {
    condition = alltrue([
      for arn in concat([var.task.repository_credentials_arn], values(var.task.sidecars)[*].repository_credentials_arn) :
      arn == null ? true : can(regex("${local.secret_pattern}$", arn))
    ])
    error_message = "task.repository_credentials_arn and those of sidecars must be complete ARNs of secrets, arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>, or null."
  }

  validation {
    condition = !anytrue([
      for each in concat([merge(var.task, { image = var.image })], values(var.task.sidecars)) :
      each.repository_credentials_arn != null && can(regex(local.ecr_pattern, each.image))
    ])
    error_message = "task.repository_credentials_arn must be null for images in ECR: the execution role has the permission to pull them."
  }

  validation {
    condition = alltrue(flatten([
      for arns in concat([var.task.secret_arns], values(var.task.sidecars)[*].secret_arns) : [
        for name, arn in arns :
        can(regex("^[A-Z][A-Z0-9_]*$", name)) && (can(regex(local.parameter_pattern, arn)) || can(regex("${local.secret_pattern}(:[^:]*:[^:]*:[^:]*)?$", arn)))
      ]
    ]))
    error_message = "task.secret_arns and those of sidecars must map names of A-Z, 0-9 and _ to arn:aws:ssm:<region>:<account>:parameter/<name>, or to the complete ARN of a secret, arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>, to which :<json key>:<stage>:<version> may be added."
  }

  validation {
    condition = (
      length(setintersection(concat(keys(var.environment), ["DRAIN_SECONDS", "TASK_PROTECTION"]), keys(var.task.secret_arns))) == 0 &&
      alltrue([for each in values(var.task.sidecars) : length(setintersection(keys(each.environment), keys(each.secret_arns))) == 0])
    )
    error_message = "task.secret_arns and those of sidecars must not contain a name that the container's environment has, nor, for the worker, DRAIN_SECONDS and TASK_PROTECTION, which the module sets."
  }

  validation {
    condition     = alltrue([for arn in var.task.secret_kms_key_arns : can(regex(local.kms_key_pattern, arn))])
    error_message = "task.secret_kms_key_arns must be ARNs of KMS keys, arn:aws:kms:<region>:<account>:key/<id>; keys of AWS need no permission."
  }
}

variable "task_policies" {
  description = "IAM policy documents of the task role by name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = (
      alltrue([for document in values(var.task_policies) : can(jsondecode(document).Statement)]) &&
      alltrue([for name in keys(var.task_policies) : can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", name))]) &&
      length(setintersection(keys(var.task_policies), ["execute-command", "task-protection"])) == 0
    )
    error_message = "task_policies must be IAM policy documents as JSON with names of 1 to 128 letters, digits and +=,.@_-, other than execute-command and task-protection."
  }
}
