# The network.

variable "availability_zone_suffixes" {
  description = "Letters of the availability zones to use, at least two; ignored with vpc_existing."
  type        = list(string)
  default     = ["a", "c"]

  validation {
    condition     = alltrue([for suffix in var.availability_zone_suffixes : can(regex("^[a-f]$", suffix))])
    error_message = "availability_zone_suffixes must be letters from a to f."
  }

  validation {
    condition = (
      length(distinct(var.availability_zone_suffixes)) == length(var.availability_zone_suffixes) &&
      contains(range(2, 6 + 1), length(var.availability_zone_suffixes))
    )
    error_message = "availability_zone_suffixes must be two to six distinct letters: the database and a broker pair need two zones."
  }
}

variable "vpc_cidr_block" {
  description = "Private IPv4 range of the VPC, between /16 and /24; ignored with vpc_existing."
  type        = string
  default     = "10.0.0.0/16"
}

variable "vpc_existing" {
  description = "Existing VPC to use instead of a new one. Requires either private_route_table_ids, which get an S3 endpoint, or s3_prefix_list_id of an existing one."
  type = object({
    vpc_id                  = string                     # vpc-...
    vpc_cidr_block          = string                     # its IPv4 range
    private_subnet_ids      = list(string)               # two or more, each in a different zone
    public_subnet_ids       = optional(list(string), []) # two or more, each in a different zone; for enable_web_tier and enable_api
    private_route_table_ids = optional(list(string), []) # route tables of the private subnets
    s3_prefix_list_id       = optional(string)           # pl-... of an existing S3 endpoint
    restrict_s3             = optional(bool, false)      # all clients of these route tables may change only buckets of this account
    other_cidr_blocks       = optional(list(string), []) # secondary ranges of the VPC, and networks that use its DNS
    endpoint_private_dns    = optional(bool, true)       # all of the VPC uses vpc_interface_endpoints for their services

    endpoints = optional(object({                     # existing interface endpoints
      security_group_ids = optional(list(string), []) # their groups, which must allow the groups of workers and web; or:
      cidr_blocks        = optional(list(string), []) # their addresses
    }))
  })
  default = null

  validation {
    condition = var.vpc_existing == null || (
      var.vpc_nat_mode == "none" && var.vpc_flow_logs == null && alltrue([for value in values(var.vpc_subnets) : value == null])
    )
    error_message = "vpc_existing requires vpc_nat_mode none, vpc_flow_logs null and an empty vpc_subnets: configure these where the VPC is managed."
  }
}

variable "vpc_flow_logs" {
  description = "VPC flow logs in CloudWatch Logs; null disables them."
  type = object({
    retention_days = optional(number, 365)   # retention of the log
    traffic_type   = optional(string, "ALL") # ALL, ACCEPT or REJECT
  })
  default = null
}

variable "vpc_interface_endpoints" {
  description = "AWS services to reach through interface endpoints, by the last part of the service name. Null creates those that the other variables need in a new VPC, which is right without NAT, and none in an existing one."
  type        = set(string)
  default     = null
}

variable "vpc_internet_egress_roles" {
  description = "Roles (web, worker) that may connect to any address on port 443; requires vpc_nat_mode, or vpc_existing with NAT."
  type        = set(string)
  default     = []
}

variable "vpc_nat_mode" {
  description = "NAT gateways of the private subnets: none, single (one for all zones) or per_zone."
  type        = string
  default     = "none"
}

variable "vpc_subnets" {
  description = "Number of subnets per zone, and their ranges if not derived from vpc_cidr_block: the first of each zone, then the second of each, and so on."
  type = object({
    per_zone            = optional(number)       # of private and of public subnets, 1 to 4; null means 1
    private_cidr_blocks = optional(list(string)) # null derives them
    public_cidr_blocks  = optional(list(string)) # null derives them
  })
  default  = {}
  nullable = false
}
