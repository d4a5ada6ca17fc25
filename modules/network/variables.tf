variable "availability_zones" {
  description = "Two to eight availability zones of the region; each gets private and public subnets. Must be empty with existing.vpc_id."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = !local.creates_vpc || (length(var.availability_zones) >= 2 && length(var.availability_zones) <= 8)
    error_message = "availability_zones must list two to eight zones."
  }

  validation {
    condition     = local.creates_vpc || length(var.availability_zones) == 0
    error_message = "availability_zones must be empty with existing.vpc_id, whose subnets determine the zones."
  }

  validation {
    condition = (
      length(distinct(var.availability_zones)) == length(var.availability_zones) &&
      alltrue([for zone in var.availability_zones : can(regex("^${var.region}[a-f]$", zone))])
    )
    error_message = "availability_zones must be distinct zones of the region: its name and a letter from a to f, such as ${var.region}a."
  }
}

variable "cidr_block" {
  description = "IPv4 range of the new VPC, divided into 16 equal parts; null means 10.0.0.0/16. Must be null with existing.vpc_id."
  type        = string
  default     = null

  validation {
    condition = var.cidr_block == null ? true : try(
      cidrnetmask(var.cidr_block) != "" && cidrsubnet(var.cidr_block, 0, 0) == var.cidr_block &&
      contains(range(16, 25), tonumber(split("/", var.cidr_block)[1])), false
    )
    error_message = "cidr_block must be an IPv4 range between /16 and /24 with no host bits set, such as 10.0.0.0/16."
  }

  validation {
    condition = var.cidr_block == null ? true : try(anytrue([
      for range in local.private_ranges :
      cidrhost("${split("/", var.cidr_block)[0]}/${split("/", range)[1]}", 0) == split("/", range)[0]
    ]), true)
    error_message = "cidr_block must be within a private range: ${join(", ", local.private_ranges)}."
  }

  validation {
    condition     = local.creates_vpc || var.cidr_block == null
    error_message = "cidr_block must be null with existing.vpc_id: set existing.vpc_cidr_block instead."
  }
}

variable "existing" {
  description = "What exists already and is used instead of a new one: the VPC, and groups or ranges of broker, database, endpoints and web tier. Null creates all."
  type = object({
    vpc_id                  = optional(string)           # VPC whose enableDnsHostnames and enableDnsSupport are on; null creates one
    vpc_cidr_block          = optional(string)           # its IPv4 range
    other_cidr_blocks       = optional(list(string), []) # its secondary ranges, and networks that use its DNS: clients of interface_endpoints
    private_subnet_ids      = optional(list(string), []) # two or more, each in a different zone
    public_subnet_ids       = optional(list(string), []) # for a load balancer
    private_route_table_ids = optional(list(string), []) # route tables of the private subnets; they get the S3 endpoint
    s3_prefix_list_id       = optional(string)           # prefix list of S3 in the region, if the VPC already has an S3 endpoint
    restrict_s3             = optional(bool, false)      # all clients of these route tables may change only buckets of this account
    endpoint_private_dns    = optional(bool, true)       # all of the VPC uses interface_endpoints for their services

    broker = optional(object({                        # existing broker; null creates a group for one
      security_group_ids = optional(list(string), []) # its groups
      cidr_blocks        = optional(list(string), []) # its addresses, if its groups cannot be referenced
    }))
    database = optional(object({                      # existing database; null creates a group for one
      security_group_ids = optional(list(string), []) # its groups
      cidr_blocks        = optional(list(string), []) # its addresses, if its groups cannot be referenced
    }))
    endpoints = optional(object({                     # existing interface endpoints; null: only interface_endpoints
      security_group_ids = optional(list(string), []) # their groups
      cidr_blocks        = optional(list(string), []) # their addresses, if their groups cannot be referenced
    }))
    web = optional(object({                           # existing web tier; null creates a group for one
      security_group_ids = optional(list(string), []) # its groups
      cidr_blocks        = optional(list(string), []) # its addresses, if its groups cannot be referenced
    }))
  })
  default = null

  validation {
    condition = var.existing == null ? true : alltrue(concat(
      [var.existing.vpc_id == null ? true : can(regex("^vpc-[0-9a-f]{8,17}$", var.existing.vpc_id))],
      [for id in var.existing.private_subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))],
      [for id in var.existing.public_subnet_ids : can(regex("^subnet-[0-9a-f]{8,17}$", id))],
      [for id in var.existing.private_route_table_ids : can(regex("^rtb-[0-9a-f]{8,17}$", id))],
      [var.existing.s3_prefix_list_id == null ? true : can(regex("^pl-[0-9a-f]{8,17}$", var.existing.s3_prefix_list_id))],
      [
        for id in flatten([for each in [var.existing.broker, var.existing.database, var.existing.endpoints, var.existing.web] : try(each.security_group_ids, [])]) :
        can(regex("^sg-[0-9a-f]{8,17}$", id))
      ],
    ))
    error_message = "existing must contain IDs of the right kind: vpc-..., subnet-..., rtb-..., pl-... and sg-..., each with 8 to 17 hexadecimal digits."
  }

  validation {
    condition = try(var.existing.vpc_id, null) == null ? true : (
      length(var.existing.private_subnet_ids) >= 2 &&
      length(distinct(concat(var.existing.private_subnet_ids, var.existing.public_subnet_ids))) ==
      length(var.existing.private_subnet_ids) + length(var.existing.public_subnet_ids)
    )
    error_message = "existing must list two or more private subnets in different zones, and each subnet once, as private or public."
  }

  validation {
    condition = try(var.existing.vpc_id, null) == null ? true : try(
      cidrnetmask(var.existing.vpc_cidr_block) != "" &&
      cidrsubnet(var.existing.vpc_cidr_block, 0, 0) == var.existing.vpc_cidr_block, false
    )
    error_message = "existing.vpc_cidr_block must be the IPv4 range of the VPC, such as 10.0.0.0/16."
  }

  validation {
    condition = var.existing == null ? true : alltrue([
      for block in concat(var.existing.other_cidr_blocks, flatten([
        for each in [var.existing.broker, var.existing.database, var.existing.endpoints, var.existing.web] : try(each.cidr_blocks, [])
      ])) : try(cidrnetmask(block) != "" && cidrsubnet(block, 0, 0) == block && block != "0.0.0.0/0", false)
    ])
    error_message = "existing.other_cidr_blocks and cidr_blocks must be IPv4 ranges with no host bits set, such as 10.20.0.0/24 or 10.20.3.4/32, not 0.0.0.0/0."
  }

  validation {
    condition = try(var.existing.vpc_id, null) == null ? true : (
      length(var.existing.private_route_table_ids) > 0 ? var.existing.s3_prefix_list_id == null : var.existing.s3_prefix_list_id != null
    )
    error_message = "existing requires exactly one of private_route_table_ids (the module creates an S3 endpoint) and s3_prefix_list_id (the VPC already has one)."
  }

  validation {
    condition     = try(var.existing.restrict_s3, false) ? length(var.existing.private_route_table_ids) > 0 : true
    error_message = "existing.restrict_s3 requires private_route_table_ids: the policy of an existing S3 endpoint does not change."
  }

  validation {
    condition = var.existing == null || try(var.existing.vpc_id, null) != null ? true : (
      var.existing.vpc_cidr_block == null && var.existing.s3_prefix_list_id == null && var.existing.endpoint_private_dns && 0 ==
      length(concat(var.existing.other_cidr_blocks, var.existing.private_subnet_ids, var.existing.public_subnet_ids, var.existing.private_route_table_ids))
    )
    error_message = "existing requires vpc_id with settings of an existing VPC: its ranges, subnets, route tables, prefix list and endpoint_private_dns."
  }

  validation {
    condition = var.existing == null ? true : alltrue([
      for each in [var.existing.broker, var.existing.database, var.existing.endpoints, var.existing.web] :
      each == null ? true : length(concat(each.security_group_ids, each.cidr_blocks)) > 0
    ])
    error_message = "existing.broker, database, endpoints and web require security_group_ids or cidr_blocks, without which no rule would allow a connection."
  }
}

variable "flow_logs" {
  description = "VPC flow logs in a log group; null disables them."
  type = object({
    retention_days = optional(number, 365)   # a retention period of CloudWatch Logs
    traffic_type   = optional(string, "ALL") # ALL, ACCEPT or REJECT
    kms_key_arn    = optional(string)        # KMS key that CloudWatch Logs may use; null for its own key
  })
  default = null

  validation {
    condition     = var.flow_logs == null ? true : contains(local.log_retentions, var.flow_logs.retention_days)
    error_message = "flow_logs.retention_days must be one of ${join(", ", local.log_retentions)}."
  }

  validation {
    condition     = var.flow_logs == null ? true : contains(["ACCEPT", "ALL", "REJECT"], var.flow_logs.traffic_type)
    error_message = "flow_logs.traffic_type must be ACCEPT, ALL or REJECT."
  }

  validation {
    condition     = try(var.flow_logs.kms_key_arn, null) == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.flow_logs.kms_key_arn))
    error_message = "flow_logs.kms_key_arn must be the ARN of a key, arn:aws:kms:<region>:<account>:key/<id>, or null."
  }

  validation {
    condition     = local.creates_vpc || var.flow_logs == null
    error_message = "flow_logs must be null with existing.vpc_id: configure them where the VPC is managed."
  }
}

variable "interface_endpoints" {
  description = "Interface endpoints to create, by the last part of the AWS service name. Null creates ecr.api, ecr.dkr, logs and ssm in a new VPC and none in an existing one."
  type        = set(string)
  default     = null

  validation {
    condition = var.interface_endpoints == null ? true : alltrue([
      for name in var.interface_endpoints :
      can(regex("^[a-z][a-z0-9-]*([.][a-z0-9-]+)*$", name)) && !can(regex("amazonaws", name))
    ])
    error_message = "interface_endpoints must contain last parts of service names, such as ecr.api, logs, monitoring, secretsmanager, ssm or ssmmessages."
  }

  validation {
    condition     = var.interface_endpoints == null ? true : length(setintersection(var.interface_endpoints, ["cloudwatch", "ecr", "parameter-store", "s3", "secrets", "secrets-manager"])) == 0
    error_message = "interface_endpoints must not contain s3, which has a gateway endpoint, nor product names: CloudWatch is monitoring, ECR is ecr.api and ecr.dkr, Parameter Store is ssm, Secrets Manager is secretsmanager."
  }

  validation {
    condition = (
      var.interface_endpoints == null || !local.creates_vpc || var.nat != "none" ? true :
      contains(var.interface_endpoints, "ecr.api") == contains(var.interface_endpoints, "ecr.dkr")
    )
    error_message = "interface_endpoints must contain both ecr.api and ecr.dkr or neither: without NAT, an image pull needs both."
  }
}

variable "name" {
  description = "Name of the VPC and prefix of the names of its resources."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name)) && !startswith(var.name, "sg-")
    error_message = "name must have 1 to 40 characters of a-z, 0-9 and -, start with a letter, and must not start with sg-, which AWS reserves for IDs."
  }
}

variable "nat" {
  description = "NAT gateways of the private subnets: none, single (one in the first zone) or per_zone."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "per_zone", "single"], var.nat)
    error_message = "nat must be none, single or per_zone."
  }

  validation {
    condition     = local.creates_vpc || var.nat == "none"
    error_message = "nat must be none with existing.vpc_id: the routes of an existing VPC are not changed."
  }
}

variable "region" {
  description = "Region of the VPC."
  type        = string

  validation {
    condition     = contains(local.regions, var.region)
    error_message = "region must be one of ${join(", ", local.regions)}."
  }
}

variable "subnets" {
  description = "Number of private and public subnets per zone, and their ranges if not derived from cidr_block."
  type = object({
    per_zone            = optional(number, 1)    # of private subnets, and the same number of public ones
    private_cidr_blocks = optional(list(string)) # the first of each zone, then the second of each, and so on
    public_cidr_blocks  = optional(list(string)) # in the same order; set both or neither
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([1, 2, 3, 4], var.subnets.per_zone) && var.subnets.per_zone * length(var.availability_zones) <= 8
    error_message = "subnets.per_zone must be from 1 to 4, and give at most 8 private subnets over all zones."
  }

  validation {
    condition = (var.subnets.private_cidr_blocks == null) == (var.subnets.public_cidr_blocks == null) && alltrue([
      for blocks in [var.subnets.private_cidr_blocks, var.subnets.public_cidr_blocks] :
      blocks == null ? true : length(blocks) == var.subnets.per_zone * length(var.availability_zones)
    ])
    error_message = "subnets requires both private_cidr_blocks and public_cidr_blocks or neither, each with per_zone ranges for each zone."
  }

  validation {
    condition = alltrue([
      for block in concat(coalesce(var.subnets.private_cidr_blocks, []), coalesce(var.subnets.public_cidr_blocks, [])) : try(
        cidrsubnet(block, 0, 0) == block && contains(range(16, 29), tonumber(split("/", block)[1])) &&
        tonumber(split("/", block)[1]) >= tonumber(split("/", local.cidr_block)[1]) &&
        cidrhost("${split("/", block)[0]}/${split("/", local.cidr_block)[1]}", 0) == cidrhost(local.cidr_block, 0), false
      )
    ])
    error_message = "subnets must have IPv4 ranges between /16 and /28 within the range of the VPC, with no host bits set."
  }

  validation {
    condition = try(alltrue(flatten([
      for index, one in concat(var.subnets.private_cidr_blocks, var.subnets.public_cidr_blocks) : [
        for other in slice(concat(var.subnets.private_cidr_blocks, var.subnets.public_cidr_blocks), index + 1, 2 * length(var.subnets.private_cidr_blocks)) :
        cidrhost("${split("/", one)[0]}/${min(split("/", one)[1], split("/", other)[1])}", 0) !=
        cidrhost("${split("/", other)[0]}/${min(split("/", one)[1], split("/", other)[1])}", 0)
      ]
    ])), true)
    error_message = "subnets must not overlap: no range may contain another one, private or public."
  }

  validation {
    condition     = local.creates_vpc || (var.subnets.per_zone == 1 && var.subnets.private_cidr_blocks == null && var.subnets.public_cidr_blocks == null)
    error_message = "subnets must not be set with existing.vpc_id, which lists its subnets."
  }
}
