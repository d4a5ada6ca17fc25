locals {
  name = "${var.environment_name}-grading-web"

  # The application runs in one of two ways: as tasks of an ECS service, or on instances.
  runs_on_instances = var.application.service == null
  services          = local.runs_on_instances ? {} : { this = var.application.service }

  # arn:aws:acm:<region>:<account>:certificate/<id>; a load balancer accepts only certificates of its own account
  certificate_arn = local.creates_certificate ? aws_acm_certificate_validation.this[0].certificate_arn : var.certificate_arn
  account_id      = split(":", local.creates_certificate ? aws_acm_certificate.this[0].arn : var.certificate_arn)[4]
  partition       = split(":", local.creates_certificate ? aws_acm_certificate.this[0].arn : var.certificate_arn)[1]
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_91: on by default; the check does not see a dynamic block
  # checkov:skip=CKV_AWS_150: on by default; the check does not see a value of an object
  # checkov:skip=CKV2_AWS_76: the rules of waf_acl_arn are managed elsewhere; those of load_balancer.waf are in waf.tf
  # checkov:skip=CKV2_AWS_28: waf_acl_arn or load_balancer.waf sets a web ACL, which is billed by rule and request
  name                       = local.name
  internal                   = var.load_balancer.internal
  load_balancer_type         = "application"
  subnets                    = var.load_balancer.internal ? var.subnet_ids.private : var.subnet_ids.public
  security_groups            = [var.security_group_ids.load_balancer]
  enable_deletion_protection = var.load_balancer.deletion_protection
  drop_invalid_header_fields = true
  idle_timeout               = var.load_balancer.idle_timeout_seconds

  dynamic "access_logs" {
    for_each = local.access_logs_bucket_name == null ? [] : [local.access_logs_bucket_name]

    content {
      enabled = true
      bucket  = access_logs.value
      prefix  = var.access_logs.prefix == "" ? null : var.access_logs.prefix
    }
  }

  # Elastic Load Balancing writes a test object when the log is enabled.
  depends_on = [aws_s3_bucket_policy.access_logs]
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer; security groups block all other clients of the application
  name                 = "${var.environment_name}-${local.runs_on_instances ? "web" : "api"}-${var.application.port}" # another port or type creates a new group before the old one is destroyed
  vpc_id               = var.vpc_id
  target_type          = local.runs_on_instances ? "instance" : "ip"
  protocol             = "HTTP"
  port                 = var.application.port
  deregistration_delay = 30

  health_check {
    path                = var.application.health_check_path
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "https" {
  # checkov:skip=CKV_AWS_103: the variable accepts only policies of TLS 1.2 and 1.3; the check does not see a value of an object
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  certificate_arn   = local.certificate_arn
  ssl_policy        = var.load_balancer.ssl_policy

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}
