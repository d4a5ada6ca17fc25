# The web tier, which is made only with enable_web_tier.

variable "enable_ssh_access" {
  description = "Open SSH to the web tier from ssh_cidr_blocks."
  type        = bool
  default     = false
}

variable "enable_web_tier" {
  description = "Make a load balancer and instances for the web application; they need web_certificate_arn, web_cidr_blocks, and web_container_image or web_image_id."
  type        = bool
  default     = false

  validation {
    condition     = !var.enable_web_tier || var.web_certificate_arn != null
    error_message = "enable_web_tier needs web_certificate_arn, the ARN of an ACM certificate in ${var.aws_region}: there is no listener without TLS."
  }

  validation {
    condition     = !var.enable_web_tier || length(var.web_cidr_blocks) > 0
    error_message = "enable_web_tier needs web_cidr_blocks, the IPv4 ranges that may reach it, such as [\"203.0.113.0/24\"], or [\"0.0.0.0/0\"] for everyone."
  }

  validation {
    condition     = !var.enable_web_tier || var.web_container_image != null || var.web_image_id != null
    error_message = "enable_web_tier needs web_container_image, by digest or by a tag other than latest, or web_image_id, an AMI of your own with the unit grading-web.service."
  }
}

variable "ssh_cidr_blocks" {
  description = "IPv4 ranges for enable_ssh_access; by default the VPC's own."
  type        = list(string)
  default     = []
}

variable "web_access_logs" {
  description = "Where the load balancer's log of every request goes; null writes none."
  type = object({
    bucket_name    = optional(string)     # a bucket that is there already; null makes one
    prefix         = optional(string, "") # path in the bucket
    retention_days = optional(number, 90) # age at which files of the own bucket are deleted
  })
  default = {}
}

variable "web_certificate_arn" {
  description = "ACM certificate of the load balancer, in the region of everything."
  type        = string
  default     = null
}

variable "web_cidr_blocks" {
  description = "IPv4 ranges that may reach the load balancer on ports 80, which leads to 443, and 443; 0.0.0.0/0 for everyone."
  type        = set(string)
  default     = []
}

variable "web_command" {
  description = "Words after the image of the web application."
  type        = list(string)
  default     = []
}

variable "web_container_image" {
  description = "Image of the web application, by digest or by a tag other than latest."
  type        = string
  default     = null
}

variable "web_cpu_target_value" {
  description = "Percent of CPU at which autoscaling holds the instances; null does not look at it."
  type        = number
  default     = 60
}

variable "web_desired_count" {
  description = "Instances at the start; without web_cpu_target_value and web_requests_target_value, always."
  type        = number
  default     = 2
}

variable "web_domain_name" {
  description = "DNS name that the certificate is for; it is in the output web_url. Its record is yours to make."
  type        = string
  default     = null
}

variable "web_enable_internal" {
  description = "Put the load balancer into the private subnets, for clients inside the VPC and its peers."
  type        = bool
  default     = false
}

variable "web_health_check_path" {
  description = "Path that answers 200 when the application may get requests."
  type        = string
  default     = "/health"
}

variable "web_image_id" {
  description = "AMI of the instances; null is the newest ECS-optimized Amazon Linux 2023."
  type        = string
  default     = null
}

variable "web_instance_type" {
  description = "Size of the instances; a Graviton type gets the AMI for ARM64."
  type        = string
  default     = "t3.small"
}

variable "web_max_capacity" {
  description = "Most instances that autoscaling starts."
  type        = number
  default     = 4
}

variable "web_min_capacity" {
  description = "Fewest instances that autoscaling leaves."
  type        = number
  default     = 2
}

variable "web_port" {
  description = "Port on which the application listens."
  type        = number
  default     = 8080
}

variable "web_requests_target_value" {
  description = "Requests a minute for each instance at which autoscaling holds them; null does not look at them."
  type        = number
  default     = null
}

variable "web_settings" {
  description = "More environment variables of the application; never a secret."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.web_settings), keys(local.web_environment))) == 0
    error_message = "web_settings must not hold ${join(", ", keys(local.web_environment))}, which are set already."
  }
}

variable "web_ssh_key_name" {
  description = "Key pair for enable_ssh_access; null for none. Session Manager needs neither."
  type        = string
  default     = null
}

variable "web_waf_acl_arn" {
  description = "Regional web ACL of AWS WAF in front of the load balancer; null for none."
  type        = string
  default     = null
}
