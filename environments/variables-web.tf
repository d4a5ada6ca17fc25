# The load balancer and the application behind it: the HTTP API (enable_api), or another one (enable_web_tier).

variable "api_task_cpu" {
  description = "CPU units of a task of the API; 1024 equal one vCPU."
  type        = number
  default     = 256
}

variable "api_task_memory" {
  description = "Memory of a task of the API in MB."
  type        = number
  default     = 512
}

variable "enable_api" {
  description = "Run the HTTP API and its page as an ECS service behind a load balancer, with grading_container_image; requires web_cidr_blocks, and web_certificate_arn or web_hosted_zone_id."
  type        = bool
  default     = false

  validation {
    condition     = !var.enable_api || !var.enable_web_tier
    error_message = "enable_api requires enable_web_tier = false: the load balancer has one application. To change from one to the other, set both in one apply."
  }

  validation {
    condition     = !var.enable_api || var.web_certificate_arn != null || (var.web_hosted_zone_id != null && var.web_domain_name != null)
    error_message = "enable_api requires web_certificate_arn, the ARN of an ACM certificate in ${var.aws_region}, or web_domain_name and web_hosted_zone_id, with which one is created; a listener without TLS is not supported."
  }

  validation {
    condition     = !var.enable_api || length(var.web_cidr_blocks) > 0
    error_message = "enable_api requires web_cidr_blocks, the IPv4 ranges of the clients, such as [\"203.0.113.0/24\"], or [\"0.0.0.0/0\"] for everyone."
  }

  validation {
    condition     = !var.enable_api || (length(var.web_command) == 0 && var.web_container_image == null && var.web_image_id == null)
    error_message = "enable_api allows neither web_command nor web_container_image nor web_image_id, which are for enable_web_tier: the API runs grading_container_image."
  }
}

variable "enable_ssh_access" {
  description = "Allow SSH to the web tier from ssh_cidr_blocks."
  type        = bool
  default     = false
}

variable "enable_web_tier" {
  description = "Create a load balancer and instances for the web application; requires web_certificate_arn, web_cidr_blocks, and web_container_image or web_image_id."
  type        = bool
  default     = false

  validation {
    condition     = !var.enable_web_tier || var.web_certificate_arn != null || (var.web_hosted_zone_id != null && var.web_domain_name != null)
    error_message = "enable_web_tier requires web_certificate_arn, the ARN of an ACM certificate in ${var.aws_region}, or web_domain_name and web_hosted_zone_id, with which one is created; a listener without TLS is not supported."
  }

  validation {
    condition     = !var.enable_web_tier || length(var.web_cidr_blocks) > 0
    error_message = "enable_web_tier requires web_cidr_blocks, the IPv4 ranges of the clients, such as [\"203.0.113.0/24\"], or [\"0.0.0.0/0\"] for everyone."
  }

  validation {
    condition     = !var.enable_web_tier || var.web_container_image != null || var.web_image_id != null
    error_message = "enable_web_tier requires web_container_image with a digest or a tag other than latest, or web_image_id, an AMI with the unit grading-web.service."
  }
}

variable "ssh_cidr_blocks" {
  description = "IPv4 ranges for enable_ssh_access; the default is the range of the VPC."
  type        = list(string)
  default     = []
}

variable "web_access_logs" {
  description = "Access log of the load balancer; null disables it."
  type = object({
    bucket_name    = optional(string)     # existing bucket; null creates one
    prefix         = optional(string, "") # path in the bucket
    retention_days = optional(number, 90) # age at which files of the created bucket are deleted
  })
  default = {}
}

variable "web_certificate_arn" {
  description = "ACM certificate of the load balancer, in aws_region; null creates one for web_domain_name in web_hosted_zone_id."
  type        = string
  default     = null
}

variable "web_cidr_blocks" {
  description = "IPv4 ranges allowed to reach the load balancer on ports 443 and 80, which redirects to 443; 0.0.0.0/0 for everyone."
  type        = set(string)
  default     = []
}

variable "web_command" {
  description = "Arguments of the container of the web application."
  type        = list(string)
  default     = []
}

variable "web_container_image" {
  description = "Image of the web application, with a digest or a tag other than latest."
  type        = string
  default     = null
}

variable "web_cpu_target_value" {
  description = "Target CPU utilization of the instances, or of the tasks of the API, in percent; null disables this target."
  type        = number
  default     = 60
}

variable "web_desired_count" {
  description = "Initial number of instances or tasks; fixed without web_cpu_target_value and web_requests_target_value, or with equal web_min_capacity and web_max_capacity."
  type        = number
  default     = 2
}

variable "web_domain_name" {
  description = "Domain name of the certificate, used in the outputs api_url and web_url. With web_hosted_zone_id it gets a DNS record; otherwise create one yourself."
  type        = string
  default     = null
}

variable "web_enable_internal" {
  description = "Place the load balancer in the private subnets, for clients in the VPC and its peers."
  type        = bool
  default     = false
}

variable "web_health_check_path" {
  description = "Path that returns 200 when the application is ready for requests."
  type        = string
  default     = "/health"
}

variable "web_hosted_zone_id" {
  description = "Hosted zone of Route 53 that gets a record for web_domain_name, and without web_certificate_arn the one that validates a new certificate; null for none."
  type        = string
  default     = null
}

variable "web_image_id" {
  description = "AMI of the instances; null uses the newest ECS-optimized Amazon Linux 2023."
  type        = string
  default     = null
}

variable "web_instance_type" {
  description = "Instance type of the web tier; Graviton types use the ARM64 AMI."
  type        = string
  default     = "t3.small"
}

variable "web_max_capacity" {
  description = "Maximum number of instances or tasks."
  type        = number
  default     = 4
}

variable "web_min_capacity" {
  description = "Minimum number of instances or tasks."
  type        = number
  default     = 2
}

variable "web_port" {
  description = "Port of the application."
  type        = number
  default     = 8080
}

variable "web_requests_target_value" {
  description = "Target number of requests per minute and instance or task; null is 3000 for the API with web_cpu_target_value, and no such target otherwise."
  type        = number
  default     = null
}

variable "web_settings" {
  description = "Additional environment variables of the application; must not contain secrets."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.web_settings), keys(local.web_environment))) == 0
    error_message = "web_settings must not contain ${join(", ", keys(local.web_environment))}, which are already set."
  }
}

variable "web_ssh_key_name" {
  description = "Key pair for enable_ssh_access; null for none. Session Manager needs neither."
  type        = string
  default     = null
}

variable "web_waf" {
  description = "Web ACL that is created in front of the load balancer: it blocks addresses with a bad reputation and limits the requests of one address. Null for none."
  type = object({
    requests_per_5_minutes = optional(number, 3000) # of one address, beyond which it is blocked
  })
  default = null
}

variable "web_waf_acl_arn" {
  description = "Regional web ACL of AWS WAF in front of the load balancer; null for none."
  type        = string
  default     = null
}
