# Only with load_balancer.zone_id: the record of the domain name, and without certificate_arn also a certificate for it.

locals {
  creates_certificate = var.certificate_arn == null
  zones               = var.load_balancer.zone_id == null ? {} : { this = var.load_balancer.zone_id }
}

resource "aws_route53_record" "this" {
  # checkov:skip=CKV2_AWS_23: an alias record of the load balancer
  for_each = local.zones

  zone_id = each.value
  name    = var.load_balancer.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}

resource "aws_acm_certificate" "this" {
  count = local.creates_certificate ? 1 : 0

  domain_name       = var.load_balancer.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true # the listener needs one at any time
  }
}

resource "aws_route53_record" "validation" {
  # checkov:skip=CKV2_AWS_23: the record by which ACM validates the domain name, not an alias
  count = local.creates_certificate ? 1 : 0

  zone_id         = var.load_balancer.zone_id
  name            = one(aws_acm_certificate.this[0].domain_validation_options).resource_record_name
  type            = one(aws_acm_certificate.this[0].domain_validation_options).resource_record_type
  records         = [one(aws_acm_certificate.this[0].domain_validation_options).resource_record_value]
  ttl             = 300
  allow_overwrite = true # another certificate of the same domain name has the same record
}

resource "aws_acm_certificate_validation" "this" {
  count = local.creates_certificate ? 1 : 0

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [aws_route53_record.validation[0].fqdn]
}
