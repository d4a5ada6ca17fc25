variable "allow_web_to_worker" {
  description = "Allow the web tier and its load balancer to reach the workers on port 8080 (health and metrics)."
  type        = bool
  default     = false
}

variable "broker_ports" {
  description = "Ports of the broker. The web tier may use all of them, workers only the first. Empty without a broker, which then gets no group."
  type        = list(number)
  default     = [61614, 61617] # STOMP, OpenWire
  nullable    = false

  validation {
    condition = (
      length(distinct(var.broker_ports)) == length(var.broker_ports) &&
      length(setsubtract(var.broker_ports, [5671, 8883, 61614, 61617, 61619])) == 0
    )
    error_message = "broker_ports must list distinct ports of Amazon MQ, or none: 5671 (AMQP), 8883 (MQTT), 61614 (STOMP), 61617 (OpenWire), 61619 (WebSocket)."
  }
}

variable "internet_egress_roles" {
  description = "Roles (web, worker) that may connect to any address on port 443; requires NAT."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.internet_egress_roles, ["web", "worker"])) == 0
    error_message = "internet_egress_roles may contain only web and worker."
  }

  validation {
    condition     = length(var.internet_egress_roles) == 0 || var.nat != "none" || !local.creates_vpc
    error_message = "internet_egress_roles requires nat = \"single\" or \"per_zone\", or an existing VPC with NAT."
  }

  validation {
    condition = local.creates_vpc ? true : (
      contains(var.internet_egress_roles, "worker") || length(local.interface_endpoints) > 0 || var.existing.endpoints != null
    )
    error_message = "internet_egress_roles must contain worker in an existing VPC without existing.endpoints and interface_endpoints: otherwise workers reach neither ECR nor CloudWatch Logs nor SSM."
  }

  validation {
    condition     = try(var.existing.web, null) == null || !contains(var.internet_egress_roles, "web")
    error_message = "internet_egress_roles must not contain web with existing.web, whose groups do not change."
  }
}

variable "load_balancer_cidr_blocks" {
  description = "IPv4 ranges allowed to reach the load balancer on ports 80 and 443; none by default, 0.0.0.0/0 for everyone."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for block in var.load_balancer_cidr_blocks : try(cidrnetmask(block) != "" && cidrsubnet(block, 0, 0) == block, false)
    ])
    error_message = "load_balancer_cidr_blocks must be IPv4 ranges with no host bits set, such as 203.0.113.0/24."
  }

  validation {
    condition = try(alltrue(flatten([
      for index, one in tolist(var.load_balancer_cidr_blocks) : [
        for other in slice(tolist(var.load_balancer_cidr_blocks), index + 1, length(var.load_balancer_cidr_blocks)) :
        cidrhost("${split("/", one)[0]}/${min(split("/", one)[1], split("/", other)[1])}", 0) !=
        cidrhost("${split("/", other)[0]}/${min(split("/", one)[1], split("/", other)[1])}", 0)
      ]
    ])), true)
    error_message = "load_balancer_cidr_blocks must not overlap: remove ranges contained in another one."
  }
}

variable "ssh_cidr_blocks" {
  description = "IPv4 ranges allowed to reach the web tier by SSH; none by default."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for block in var.ssh_cidr_blocks : try(cidrnetmask(block) != "" && cidrsubnet(block, 0, 0) == block, false)
    ])
    error_message = "ssh_cidr_blocks must be IPv4 ranges with no host bits set, such as 203.0.113.0/24."
  }

  validation {
    condition = alltrue([
      for block in var.ssh_cidr_blocks : try(tonumber(split("/", block)[1]) >= 16 || anytrue([
        for range in local.private_ranges :
        tonumber(split("/", block)[1]) >= tonumber(split("/", range)[1]) &&
        cidrhost("${split("/", block)[0]}/${split("/", range)[1]}", 0) == split("/", range)[0]
      ]), true)
    ])
    error_message = "ssh_cidr_blocks must be /16 or smaller, except for the private ranges ${join(", ", local.private_ranges)}."
  }

  validation {
    condition = try(alltrue(flatten([
      for index, one in tolist(var.ssh_cidr_blocks) : [
        for other in slice(tolist(var.ssh_cidr_blocks), index + 1, length(var.ssh_cidr_blocks)) :
        cidrhost("${split("/", one)[0]}/${min(split("/", one)[1], split("/", other)[1])}", 0) !=
        cidrhost("${split("/", other)[0]}/${min(split("/", one)[1], split("/", other)[1])}", 0)
      ]
    ])), true)
    error_message = "ssh_cidr_blocks must not overlap: remove ranges contained in another one."
  }

  validation {
    condition     = try(var.existing.web, null) == null || length(var.ssh_cidr_blocks) == 0
    error_message = "ssh_cidr_blocks must be empty with existing.web, whose groups do not change."
  }
}

variable "web_port" {
  description = "Port on which the load balancer reaches the web tier."
  type        = number
  default     = 8080

  validation {
    condition     = var.web_port >= 1 && var.web_port <= 65535 && floor(var.web_port) == var.web_port && var.web_port != 22
    error_message = "web_port must be a whole number from 1 to 65535, except 22 (SSH)."
  }
}
