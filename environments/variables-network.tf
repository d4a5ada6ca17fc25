# The network.

variable "availability_zone_suffixes" {
  description = "Last letters of the zones to use, at least two; not used with vpc_existing."
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
    error_message = "availability_zone_suffixes must be two to six different letters: the database and a pair of brokers lie in two zones."
  }
}

variable "vpc_cidr_block" {
  description = "IPv4 range of the VPC, private and between /16 and /24; not used with vpc_existing."
  type        = string
  default     = "10.0.0.0/16"
}

variable "vpc_existing" {
  description = "A VPC that is there already, instead of a new one. Either private_route_table_ids, which get an endpoint for S3, or s3_prefix_list_id, where S3 can be reached already."
  type = object({
    vpc_id                  = string                     # vpc-...
    vpc_cidr_block          = string                     # its IPv4 range
    private_subnet_ids      = list(string)               # two or more, each in a zone of its own
    public_subnet_ids       = optional(list(string), []) # two or more, each in a zone of its own; for enable_web_tier
    private_route_table_ids = optional(list(string), []) # of the private subnets
    s3_prefix_list_id       = optional(string)           # pl-... of an S3 endpoint that is there
  })
  default = null

  validation {
    condition = var.vpc_existing == null || (
      var.vpc_nat_mode == "none" && var.vpc_flow_logs == null && alltrue([for value in values(var.vpc_subnets) : value == null])
    )
    error_message = "vpc_existing must leave vpc_nat_mode none, vpc_flow_logs null and vpc_subnets empty: they belong to whoever owns that VPC."
  }
}

variable "vpc_flow_logs" {
  description = "Keep a record of connections in CloudWatch Logs; null for none."
  type = object({
    retention_days = optional(number, 365)   # days for which it is kept
    traffic_type   = optional(string, "ALL") # ALL, ACCEPT or REJECT
  })
  default = null
}

variable "vpc_interface_endpoints" {
  description = "AWS services that private subnets reach without the internet, by the last part of the service name. Null for those that the other variables need, which without NAT is right."
  type        = set(string)
  default     = null
}

variable "vpc_internet_egress_roles" {
  description = "Who may open connections to any address on port 443: web, worker. Needs vpc_nat_mode, or vpc_existing that has its NAT."
  type        = set(string)
  default     = []
}

variable "vpc_nat_mode" {
  description = "Way from the private subnets to the internet: none, single (one NAT gateway for all zones), or per_zone."
  type        = string
  default     = "none"
}

variable "vpc_subnets" {
  description = "Subnets in each zone, and their ranges where they are not to be cut from vpc_cidr_block: first one for each zone, then the second of each, and so on."
  type = object({
    per_zone            = optional(number)       # private and public ones in each zone, 1 to 4; null for 1
    private_cidr_blocks = optional(list(string)) # null cuts them
    public_cidr_blocks  = optional(list(string)) # null cuts them
  })
  default  = {}
  nullable = false
}
