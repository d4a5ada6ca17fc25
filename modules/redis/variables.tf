variable "apply_immediately" {
  description = "Apply changes of version and node type at once; false lets them wait for the maintenance window."
  type        = bool
  default     = false
}

variable "client_security_group_ids" {
  description = "Security group of each kind of client by name, such as worker and web. The module adds the rules between them and Redis."
  type        = map(string)

  validation {
    condition     = length(var.client_security_group_ids) >= 1 && alltrue([for name in keys(var.client_security_group_ids) : can(regex("^[a-z][a-z0-9_-]{0,31}$", name))])
    error_message = "client_security_group_ids must have at least one group, with names of 1 to 32 characters of a-z, 0-9, _ and - that start with a letter."
  }
}

variable "engine_version" {
  description = "Version of Valkey."
  type        = string
  default     = "8.0"

  validation {
    condition     = can(regex("^(7\\.2|8\\.[0-9])$", var.engine_version))
    error_message = "engine_version must be 7.2 or a version 8.x of Valkey, such as 8.0."
  }
}

variable "existing" {
  description = "Redis or Valkey that exists already: the clients may connect to it, and nothing else is created. Null creates one."
  type = object({
    security_group_ids = optional(list(string), []) # its groups, which must allow the groups of the clients; or:
    cidr_blocks        = optional(list(string), []) # its addresses
  })
  default = null

  validation {
    condition = var.existing == null ? true : (
      length(var.existing.security_group_ids) + length(var.existing.cidr_blocks) > 0 &&
      alltrue([for block in var.existing.cidr_blocks : try(cidrsubnet(block, 0, 0) == block && block != "0.0.0.0/0", false)])
    )
    error_message = "existing must have security_group_ids or cidr_blocks, IPv4 ranges with no host bits set, such as 10.20.3.4/32, not 0.0.0.0/0."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts data at rest; null uses the key of ElastiCache. Changing it replaces Redis."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }
}

variable "maintenance_window" {
  description = "Weekly maintenance window in UTC, such as sun:19:00-sun:20:00; null lets ElastiCache choose one."
  type        = string
  default     = null

  validation {
    condition     = var.maintenance_window == null ? true : can(regex("^(mon|tue|wed|thu|fri|sat|sun):[0-2][0-9]:[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):[0-2][0-9]:[0-5][0-9]$", var.maintenance_window))
    error_message = "maintenance_window must be ddd:hh:mm-ddd:hh:mm in UTC, such as sun:19:00-sun:20:00, or null."
  }
}

variable "name" {
  description = "Name of the replication group, the security group and the subnet group."
  type        = string

  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.name)) && length(var.name) <= 40
    error_message = "name must have 1 to 40 characters of a-z, 0-9 and single -, start with a letter and not end with -."
  }
}

variable "node_type" {
  description = "Type of the nodes."
  type        = string
  default     = "cache.t4g.micro"

  validation {
    condition     = can(regex("^cache\\.[a-z][a-z0-9]*\\.(micro|small|medium|[0-9]*x?large)$", var.node_type))
    error_message = "node_type must be a node type of ElastiCache such as cache.t4g.micro."
  }
}

variable "nodes" {
  description = "Number of nodes. With two or more, another node takes over when the primary or its zone fails."
  type        = number
  default     = 1

  validation {
    condition     = contains(range(1, 6 + 1), var.nodes)
    error_message = "nodes must be a whole number from 1 to 6: one primary and at most five replicas."
  }
}

variable "port" {
  description = "Port of Redis."
  type        = number
  default     = 6379

  validation {
    condition     = 1024 <= var.port && var.port <= 65535 && floor(var.port) == var.port
    error_message = "port must be a whole number from 1024 to 65535."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the nodes, in different zones; none for an existing Redis."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.existing != null || length(distinct(var.subnet_ids)) >= min(var.nodes, 2)
    error_message = "subnet_ids must contain one private subnet, or two in different zones for two or more nodes."
  }
}

variable "vpc_id" {
  description = "VPC of the subnets; null for an existing Redis."
  type        = string
  default     = null

  validation {
    condition     = var.existing != null || startswith(coalesce(var.vpc_id, "none"), "vpc-")
    error_message = "vpc_id must be a VPC ID such as vpc-0123456789abcdef0; it is required unless existing is set."
  }
}
