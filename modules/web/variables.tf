variable "access_logs" {
  description = "Access log of the load balancer, in a bucket of the module or in bucket_name, whose policy must allow Elastic Load Balancing to write; null disables the log."
  type = object({
    bucket_name    = optional(string)      # existing bucket; null creates one
    force_destroy  = optional(bool, false) # allow deleting the created bucket while it contains files
    prefix         = optional(string, "")  # path in the bucket before AWSLogs/
    retention_days = optional(number, 90)  # age at which files of the created bucket are deleted
  })
  default = {}

  validation {
    condition     = var.access_logs == null ? true : can(regex("^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$", coalesce(var.access_logs.bucket_name, "own")))
    error_message = "access_logs.bucket_name must be the name of a bucket (3 to 63 characters of a-z, 0-9, . and -), or null to create one."
  }

  validation {
    condition     = var.access_logs == null ? true : can(regex("^([A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9])?$", var.access_logs.prefix)) && !strcontains(var.access_logs.prefix, "AWSLogs")
    error_message = "access_logs.prefix must be empty or a path such as logs/web, without leading or trailing slash and without AWSLogs, which Elastic Load Balancing adds."
  }

  validation {
    condition     = var.access_logs == null ? true : var.access_logs.retention_days >= 1 && floor(var.access_logs.retention_days) == var.access_logs.retention_days
    error_message = "access_logs.retention_days must be a whole number of days, at least 1."
  }
}

variable "application" {
  description = "Container image, command, port, health check and log of the application, and the ECS service that runs it; without service, the Auto Scaling group of instances runs it. With image null, the AMI of instances.image_id must provide a systemd unit grading-web.service."
  type = object({
    command            = optional(list(string), [])  # arguments of the container
    health_check_path  = optional(string, "/health") # must return 200 when the application is ready for requests
    image              = optional(string)            # with a digest or a tag other than latest
    log_kms_key_arn    = optional(string)            # KMS key of the container log, which CloudWatch Logs may use; null uses its own key
    log_retention_days = optional(number, 30)        # retention of the container log
    port               = optional(number, 8080)      # port on which the application listens
    read_only          = optional(bool, true)        # the container can write only to /tmp

    service = optional(object({                                    # tasks on Fargate instead of instances; null runs it on instances
      architecture               = optional(string, "X86_64")      # X86_64 or ARM64; must match the image
      cluster_name               = string                          # ECS cluster of the service
      cpu                        = optional(number, 256)           # CPU units of a task; 1024 are one vCPU
      desired                    = optional(number, 2)             # initial number of tasks; fixed without scaling
      max                        = optional(number, 4)             # maximum number
      memory                     = optional(number, 512)           # memory of a task in MB
      min                        = optional(number, 2)             # minimum number
      name                       = optional(string, "grading-api") # name of the container; service and log are named <environment_name>-<name>
      repository_credentials_arn = optional(string)                # secret with the login for image in a private registry that is not ECR
      secret_kms_key_arns        = optional(list(string), [])      # customer managed keys that encrypt this secret
      stop_timeout_seconds       = optional(number, 30)            # from SIGTERM to SIGKILL
    }))
  })

  validation {
    condition     = var.application.service == null || var.application.image != null
    error_message = "application.image is required with application.service: a task runs a container."
  }

  validation {
    condition     = var.application.service == null ? true : contains(["ARM64", "X86_64"], var.application.service.architecture)
    error_message = "application.service.architecture must be X86_64 or ARM64."
  }

  validation {
    condition = var.application.service == null ? true : contains(
      lookup(local.fargate_memory_mb, tostring(var.application.service.cpu), []), var.application.service.memory
    )
    error_message = "application.service.cpu and memory must be a combination that Fargate supports, such as 256 with 512, 1024 or 2048, 512 with 1024 to 4096, or 1024 with 2048 to 8192 in steps of 1024."
  }

  validation {
    condition = var.application.service == null ? true : (
      alltrue([
        for count in [var.application.service.min, var.application.service.desired, var.application.service.max] : count >= 0 && floor(count) == count
      ]) &&
      var.application.service.min <= var.application.service.desired && var.application.service.desired <= var.application.service.max &&
      var.application.service.max >= 1
    )
    error_message = "application.service must satisfy 0 <= min <= desired <= max in whole numbers, and max must be at least 1."
  }

  validation {
    condition = var.application.service == null ? true : (
      can(regex("^[a-z][a-z0-9-]{0,31}$", var.application.service.name)) && can(regex("^[A-Za-z0-9_-]{1,255}$", var.application.service.cluster_name))
    )
    error_message = "application.service.name must have 1 to 32 characters of a-z, 0-9 and -, starting with a letter, and cluster_name must be the name of a cluster, not an ARN."
  }

  validation {
    condition = var.application.service == null ? true : (
      2 <= var.application.service.stop_timeout_seconds && var.application.service.stop_timeout_seconds <= 120 &&
      floor(var.application.service.stop_timeout_seconds) == var.application.service.stop_timeout_seconds
    )
    error_message = "application.service.stop_timeout_seconds must be a whole number from 2 to 120."
  }

  validation {
    condition = var.application.service == null ? true : (
      var.application.service.repository_credentials_arn == null ? true : (
        can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.application.service.repository_credentials_arn)) &&
        !can(regex("^[0-9]{12}\\.dkr\\.ecr\\.", var.application.image)) && alltrue([
          for arn in var.application.service.secret_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))
        ])
      )
    )
    error_message = "application.service.repository_credentials_arn must be the complete ARN of a secret, arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>, or null for images in ECR; secret_kms_key_arns must be ARNs of keys."
  }

  validation {
    condition = var.application.image == null ? true : can(regex(
      "^[a-z0-9][a-z0-9._/:-]*((:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$", var.application.image
    )) && !endswith(var.application.image, ":latest")
    error_message = "application.image must have a digest (name@sha256:...) or a tag other than latest (name:1.4.2)."
  }

  validation {
    condition     = var.application.image != null || startswith(coalesce(var.instances.image_id, "none"), "ami-")
    error_message = "application.image must be set, or instances.image_id must be an AMI (ami-...) with the unit grading-web.service."
  }

  validation {
    condition     = 1024 <= var.application.port && var.application.port <= 65535 && floor(var.application.port) == var.application.port
    error_message = "application.port must be a whole number from 1024 to 65535; the container has no right to bind lower ports."
  }

  validation {
    condition     = can(regex("^/[!-~]*$", var.application.health_check_path)) && length(var.application.health_check_path) <= 1024
    error_message = "application.health_check_path must start with / and have at most 1024 printable ASCII characters without spaces."
  }

  validation {
    condition     = contains(local.retention_days, var.application.log_retention_days)
    error_message = "application.log_retention_days must be one of ${join(", ", local.retention_days)}."
  }

  validation {
    condition     = var.application.log_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.application.log_kms_key_arn))
    error_message = "application.log_kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the HTTPS listener, in the region of the load balancer. Null creates one for load_balancer.domain_name and validates it in load_balancer.zone_id."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn != null || (var.load_balancer.zone_id != null && var.load_balancer.domain_name != null)
    error_message = "certificate_arn is required without load_balancer.domain_name and zone_id, with which a certificate is created; a listener without TLS is not supported."
  }

  validation {
    condition     = var.certificate_arn == null ? true : can(regex("^arn:aws[a-z-]*:acm:${var.region}:[0-9]{12}:certificate/[A-Za-z0-9-]+$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of an ACM certificate in ${var.region}, such as arn:aws:acm:${var.region}:123456789012:certificate/...; a listener without TLS is not supported."
  }
}

variable "environment" {
  description = "Environment variables of the application. Must not contain secrets: they are readable in the user data or the task definition."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "environment must have names of A-Z, 0-9 and _ that start with a letter."
  }

  validation {
    condition = alltrue([
      for name in keys(var.environment) :
      !can(regex("(PASSWORD|SECRET|TOKEN|ACCESS_KEY|ACCESS_KEY_ID|PRIVATE_KEY)$", name))
    ])
    error_message = "environment must not contain secrets: pass the name of an SSM parameter as ..._PARAM (MQ_PASSWORD_PARAM), which the application reads with its role."
  }

  validation {
    condition = alltrue([
      for name in keys(var.environment) : !can(regex("^(LD_.*|DOCKER_.*|PATH|HOME|IFS|ENV|PPID|OPTIND|PS[0-9])$", name))
    ])
    error_message = "environment must not contain names that affect the shell or Docker on the instance: PATH, HOME, IFS, ENV, PPID, OPTIND, PS1..., LD_... and DOCKER_...."
  }

  validation {
    condition     = alltrue([for value in values(var.environment) : !can(regex("[\\x00-\\x08\\x0b-\\x1f\\x7f]", value))])
    error_message = "environment must have values without control characters other than tab and newline."
  }
}

variable "environment_name" {
  description = "Environment; all resources are named <environment_name>-grading-web..."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", var.environment_name)) && !startswith(var.environment_name, "internal-")
    error_message = "environment_name must have 1 to 20 characters of a-z, 0-9 and -, start with a letter, not end with - and not start with internal-; a load balancer's name has at most 32 characters, 12 of which are -grading-web."
  }
}

variable "instances" {
  description = "Type, number, encrypted gp3 volume and AMI of the instances. image_id null uses the newest ECS-optimized Amazon Linux 2023; an AMI ID or resolve:ssm:/name pins it."
  type = object({
    desired     = optional(number, 2)          # initial number; fixed without scaling
    image_id    = optional(string)             # ami-... or resolve:ssm:/name; null uses the newest ECS-optimized AMI
    kms_key_arn = optional(string)             # KMS key of the volume; null uses the account's EBS key
    max         = optional(number, 4)          # maximum number
    min         = optional(number, 2)          # minimum number
    type        = optional(string, "t3.small") # Graviton types use the ARM64 AMI
    volume_gb   = optional(number, 30)         # size of the root volume
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for count in [var.instances.min, var.instances.desired, var.instances.max] : count >= 0 && floor(count) == count
      ]) && (
      var.instances.min <= var.instances.desired && var.instances.desired <= var.instances.max && var.instances.max >= 1
    )
    error_message = "instances must satisfy 0 <= min <= desired <= max in whole numbers, and max must be at least 1."
  }

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.([0-9]*xlarge|nano|micro|small|medium|large|metal)$", var.instances.type))
    error_message = "instances.type must be an EC2 instance type such as t3.small or m7g.large."
  }

  validation {
    condition     = var.instances.image_id == null ? true : can(regex("^(ami-[0-9a-f]{8,17}|resolve:ssm:/?[A-Za-z0-9._/-]+(:[A-Za-z0-9._-]+)?)$", var.instances.image_id))
    error_message = "instances.image_id must be an AMI ID (ami-0123456789abcdef0), resolve:ssm:/name/of/a/parameter (optionally with :version), or null."
  }

  validation {
    condition     = 30 <= var.instances.volume_gb && var.instances.volume_gb <= 16384 && floor(var.instances.volume_gb) == var.instances.volume_gb
    error_message = "instances.volume_gb must be a whole number from 30 (size of the ECS-optimized AMI) to 16384."
  }

  validation {
    condition     = var.instances.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.instances.kms_key_arn))
    error_message = "instances.kms_key_arn must be the ARN of a KMS key (not of an alias), or null for the account's EBS key."
  }
}

variable "load_balancer" {
  description = "Deletion protection, domain name and its DNS zone, idle timeout, scheme, TLS policy and web ACL of the load balancer."
  type = object({
    deletion_protection  = optional(bool, true)                                    # disable only for disposable environments
    domain_name          = optional(string)                                        # domain name of the certificate; used in the output url
    idle_timeout_seconds = optional(number, 60)                                    # idle timeout of connections
    internal             = optional(bool, false)                                   # place it in the private subnets, for clients in the VPC and its peers
    ssl_policy           = optional(string, "ELBSecurityPolicy-TLS13-1-2-2021-06") # TLS 1.2 and 1.3 only
    zone_id              = optional(string)                                        # hosted zone of Route 53 that gets an alias record for domain_name; null for none

    waf = optional(object({                           # web ACL that blocks known bad addresses and limits requests; null for none
      requests_per_5_minutes = optional(number, 3000) # requests of one address within 5 minutes, beyond which it is blocked
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^ELBSecurityPolicy-TLS13-1-[23]-[A-Za-z0-9-]+$", var.load_balancer.ssl_policy))
    error_message = "load_balancer.ssl_policy must start with ELBSecurityPolicy-TLS13-1-2- or ELBSecurityPolicy-TLS13-1-3-; older TLS versions are not allowed."
  }

  validation {
    condition = (
      1 <= var.load_balancer.idle_timeout_seconds && var.load_balancer.idle_timeout_seconds <= 4000 &&
      floor(var.load_balancer.idle_timeout_seconds) == var.load_balancer.idle_timeout_seconds
    )
    error_message = "load_balancer.idle_timeout_seconds must be a whole number from 1 to 4000."
  }

  validation {
    condition     = var.load_balancer.domain_name == null ? true : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.load_balancer.domain_name))
    error_message = "load_balancer.domain_name must be a DNS name such as grading.example.com."
  }

  validation {
    condition     = var.load_balancer.zone_id == null ? true : can(regex("^Z[A-Z0-9]{1,31}$", var.load_balancer.zone_id)) && var.load_balancer.domain_name != null
    error_message = "load_balancer.zone_id must be the ID of a hosted zone of Route 53 (Z...), and requires load_balancer.domain_name."
  }

  validation {
    condition = var.load_balancer.waf == null ? true : (
      10 <= var.load_balancer.waf.requests_per_5_minutes && var.load_balancer.waf.requests_per_5_minutes <= 2000000000 &&
      floor(var.load_balancer.waf.requests_per_5_minutes) == var.load_balancer.waf.requests_per_5_minutes
    )
    error_message = "load_balancer.waf.requests_per_5_minutes must be a whole number from 10 to 2000000000."
  }

  validation {
    condition     = var.load_balancer.waf == null || var.waf_acl_arn == null
    error_message = "load_balancer.waf must be null with waf_acl_arn: a load balancer has one web ACL."
  }
}

variable "policies" {
  description = "IAM policy documents of the application by name, such as web_policy_json of storage and reader_policy_json of parameters."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = (
      alltrue([for document in values(var.policies) : can(jsondecode(document).Statement)]) &&
      alltrue([for name in keys(var.policies) : can(regex("^[A-Za-z0-9_+=,.@-]{1,128}$", name))]) &&
      length(setintersection(keys(var.policies), ["logs", "pull", "session"])) == 0
    )
    error_message = "policies must be IAM policy documents as JSON with names of letters, digits and + = , . @ _ -, other than logs, pull and session."
  }
}

variable "region" {
  description = "Region of the load balancer and of the log group."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region)) && !startswith(var.region, "cn-")
    error_message = "region must be a region name such as ap-northeast-2, not one of China, where services have other domains."
  }
}

variable "scaling" {
  description = "Targets of autoscaling: average CPU in percent, requests per minute and instance or task, or both. With both null, the number is fixed at desired."
  type = object({
    cpu_percent         = optional(number) # average CPU of the instances or tasks
    requests_per_target = optional(number) # requests per minute and instance or task
  })
  default  = { cpu_percent = 60 }
  nullable = false

  validation {
    condition     = var.scaling.cpu_percent == null ? true : 1 <= var.scaling.cpu_percent && var.scaling.cpu_percent <= 100
    error_message = "scaling.cpu_percent must be from 1 to 100, or null."
  }

  validation {
    condition     = var.scaling.requests_per_target == null ? true : var.scaling.requests_per_target >= 1
    error_message = "scaling.requests_per_target must be at least 1 request per minute, or null."
  }
}

variable "security_group_ids" {
  description = "Security groups of the load balancer and of the instances or tasks; the module adds no rules."
  type = object({
    load_balancer = string # must allow ports 443 and 80 from clients
    web           = string # must allow application.port from the load balancer
  })

  validation {
    condition     = var.security_group_ids.load_balancer != var.security_group_ids.web
    error_message = "security_group_ids must be two different groups, so that clients of the load balancer cannot reach the application directly."
  }
}

variable "ssh" {
  description = "Key pair for SSH; null for none. Session Manager needs neither a key nor an open port."
  type = object({
    key_name = string # key pair in the account and region
  })
  default = null

  validation {
    condition     = var.ssh == null ? true : can(regex("^[!-~]([ -~]{0,253}[!-~])?$", var.ssh.key_name))
    error_message = "ssh.key_name must be the name of a key pair: 1 to 255 printable ASCII characters, without leading or trailing space."
  }
}

variable "subnet_ids" {
  description = "Subnets in at least two zones: public ones for the load balancer, private ones for the instances or tasks and an internal load balancer."
  type = object({
    private = list(string)               # for the instances or tasks
    public  = optional(list(string), []) # for the load balancer, unless it is internal
  })

  validation {
    condition = (
      length(distinct(var.subnet_ids.private)) >= 2 &&
      (var.load_balancer.internal || length(distinct(var.subnet_ids.public)) >= 2)
    )
    error_message = "subnet_ids must contain at least two distinct private subnets, and two distinct public ones unless load_balancer.internal is true; a load balancer spans two zones."
  }
}

variable "vpc_id" {
  description = "VPC of the subnets."
  type        = string

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "vpc_id must be a VPC ID such as vpc-0123456789abcdef0."
  }
}

variable "waf_acl_arn" {
  description = "Regional web ACL of AWS WAF in front of the load balancer; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.waf_acl_arn == null ? true : can(regex("^arn:aws[a-z-]*:wafv2:${var.region}:[0-9]{12}:regional/webacl/[^/]+/[A-Za-z0-9-]+$", var.waf_acl_arn))
    error_message = "waf_acl_arn must be the ARN of a regional web ACL of AWS WAF in ${var.region}, or null."
  }
}

locals {
  retention_days = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
  ]

  # memory in MB that Fargate offers by CPU units
  fargate_memory_mb = {
    "256"   = [512, 1024, 2048]
    "512"   = range(1024, 4096 + 1, 1024)
    "1024"  = range(2048, 8192 + 1, 1024)
    "2048"  = range(4096, 16384 + 1, 1024)
    "4096"  = range(8192, 30720 + 1, 1024)
    "8192"  = range(16384, 61440 + 1, 4096)
    "16384" = range(32768, 122880 + 1, 8192)
  }
}
