# Functions, and results by push: Redis and webhooks.

variable "enable_functions" {
  description = "Let the workers also run functions, whose code is in functions/ of the bucket."
  type        = bool
  default     = false
}

variable "enable_redis" {
  description = "Publish results and progress to Redis as well: a replication group of Valkey, or redis_existing."
  type        = bool
  default     = false
}

variable "enable_webhooks" {
  description = "Send results to the webhookUrl of a request, if webhook_allowed_hosts contains its host. Workers send them, so with ecs_min_capacity = 0 a repetition waits for the next worker. They connect to the internet on port 443, which requires vpc_nat_mode, or vpc_existing with NAT."
  type        = bool
  default     = false

  validation {
    condition     = !var.enable_webhooks || length(var.webhook_allowed_hosts) > 0
    error_message = "enable_webhooks requires webhook_allowed_hosts, such as [\"lms.example.com\"]; [\"*\"] allows every public host."
  }

  validation {
    condition = !var.enable_webhooks || (
      var.vpc_nat_mode != "none" || var.vpc_existing != null || length(setsubtract(var.webhook_allowed_hosts, var.webhook_private_hosts)) == 0
    )
    error_message = "enable_webhooks requires vpc_nat_mode single or per_zone, or vpc_existing with NAT: without, workers reach only hosts that are also in webhook_private_hosts."
  }
}

variable "redis_endpoint_override" {
  description = "URL rediss://host:port that workers and API use instead of that of the replication group; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.redis_endpoint_override == null ? true : can(regex("^rediss://[^:/@\\s]+:[0-9]{1,5}$", var.redis_endpoint_override))
    error_message = "redis_endpoint_override must be rediss://host:port."
  }
}

variable "redis_existing" {
  description = "Existing Redis or Valkey with TLS, used by enable_redis; null creates one."
  type = object({
    url_parameter      = string                     # SSM parameter with its URL, rediss://host:port
    password_parameter = optional(string)           # SSM SecureString with its password, encrypted with the key of SSM; null for none
    security_group_ids = optional(list(string), []) # its groups, which must allow the groups of workers and web; or:
    cidr_blocks        = optional(list(string), []) # its addresses
    port               = optional(number, 6379)     # its port
  })
  default = null

  validation {
    condition = var.redis_existing == null ? true : alltrue([
      for name in compact([var.redis_existing.url_parameter, var.redis_existing.password_parameter]) : can(regex("^(/[A-Za-z0-9_.-]+)+$", name))
    ])
    error_message = "redis_existing.url_parameter and password_parameter must be full names of SSM parameters, such as /shared/redis/url."
  }

  validation {
    condition     = var.redis_existing == null || var.enable_redis
    error_message = "redis_existing requires enable_redis = true."
  }
}

variable "redis_maintenance_window" {
  description = "Weekly maintenance window of Redis in UTC, such as sun:19:00-sun:20:00; null lets ElastiCache choose one."
  type        = string
  default     = null
}

variable "redis_node_type" {
  description = "Type of the nodes of Redis."
  type        = string
  default     = "cache.t4g.micro"
}

variable "redis_nodes" {
  description = "Number of nodes of Redis; with two or more, another node takes over when the primary or its zone fails."
  type        = number
  default     = 1
}

variable "redis_password" {
  description = "Token with which clients log in to Redis; generated when absent. gradectl sets it in ElastiCache."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.redis_password == null ? true : can(regex("^[A-Za-z0-9!&#$^<>-]{16,128}$", var.redis_password))
    error_message = "redis_password must have 16 to 128 letters, digits and ! & # $ ^ < > -, which ElastiCache accepts."
  }
}

variable "redis_password_version" {
  description = "Increase by one to apply a new redis_password."
  type        = number
  default     = 1
}

variable "webhook_allowed_hosts" {
  description = "Hosts that may receive webhooks: a name, *.example.com for its subdomains, or * for every public host."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for host in var.webhook_allowed_hosts : host == "*" || can(regex("^(\\*\\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", host))
    ])
    error_message = "webhook_allowed_hosts must be names in lower case such as lms.example.com, *.example.com, or *; without a scheme, port or path."
  }
}

variable "webhook_header_secrets" {
  description = "Headers that receivers of webhooks want, such as a token: value by name by host. Written with webhook_secret."
  type        = map(map(string))
  default     = {}
  nullable    = false
  ephemeral   = true
  sensitive   = true
}

variable "webhook_private_hosts" {
  description = "Those of the allowed hosts that may have private addresses, such as a receiver in the VPC. The workers' group also needs a rule to reach it."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.webhook_private_hosts, var.webhook_allowed_hosts)) == 0
    error_message = "webhook_private_hosts may contain only hosts of webhook_allowed_hosts."
  }
}

variable "webhook_secret" {
  description = "Secret that signs webhooks, whsec_ and base64 of 24 to 64 bytes; several, separated by spaces, while it is rotated. Generated when absent."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.webhook_secret == null ? true : can(regex("^whsec_[A-Za-z0-9+/]{32,86}={0,2}( whsec_[A-Za-z0-9+/]{32,86}={0,2})*$", var.webhook_secret))
    error_message = "webhook_secret must be one or more secrets of whsec_ and base64 of 24 to 64 bytes, separated by spaces."
  }
}

variable "webhook_secret_version" {
  description = "Increase by one to apply a new webhook_secret or webhook_header_secrets."
  type        = number
  default     = 1
}
