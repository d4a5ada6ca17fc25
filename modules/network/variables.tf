variable "allow_web_to_worker" {
  description = "Let the web tier reach the workers on port 8080 (health and metrics)."
  type        = bool
  default     = false
}

variable "availability_zones" {
  description = "Names of two to eight zones; each gets one private and one public subnet."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 8
    error_message = "availability_zones needs two to eight zones."
  }

  validation {
    condition = (
      length(distinct(var.availability_zones)) == length(var.availability_zones) &&
      alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    )
    error_message = "availability_zones must be different zones of the region given."
  }
}

variable "cidr_block" {
  description = "IPv4 range of the VPC; it is cut into 16 equal parts."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition = (
      can(cidrnetmask(var.cidr_block)) &&
      try(contains(range(16, 24 + 1), tonumber(split("/", var.cidr_block)[1])), false)
    )
    error_message = "cidr_block must be an IPv4 range such as 10.0.0.0/16, between /16 and /24."
  }
}

variable "interface_endpoints" {
  description = "AWS services that private tasks reach without the internet, by the last part of the service name."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "ssm"]

  validation {
    condition     = alltrue([for name in var.interface_endpoints : can(regex("^[a-z][a-z0-9.-]*$", name)) && name != "s3"])
    error_message = "interface_endpoints must be service names such as ecr.api or ssm; s3 has its gateway endpoint already."
  }
}

variable "name" {
  description = "Name of the VPC and prefix of what is in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "name must have 1 to 40 characters of a-z, 0-9 and -, the first a letter."
  }
}

variable "region" {
  description = "Region of the VPC, part of the names of the endpoint services."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region name such as ap-northeast-2."
  }
}

variable "ssh_cidr_blocks" {
  description = "IPv4 ranges that may open SSH to the web tier; none by default."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for block in var.ssh_cidr_blocks : can(cidrnetmask(block)) && block != "0.0.0.0/0"])
    error_message = "ssh_cidr_blocks must be IPv4 ranges such as 203.0.113.0/24, and never the whole internet."
  }
}
