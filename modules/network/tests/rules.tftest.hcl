# Rules between roles.

mock_provider "aws" {}

variables {
  name               = "test-grading"
  region             = "ap-northeast-2"
  availability_zones = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "web_and_load_balancer_reach_the_workers_only_when_allowed" {
  command = plan

  variables {
    allow_web_to_worker       = true
    load_balancer_cidr_blocks = ["0.0.0.0/0"]
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.role["web-to-worker-8080"].from_port == 8080 && aws_vpc_security_group_egress_rule.role["web-to-worker-8080"].from_port == 8080
    error_message = "allow_web_to_worker adds egress and ingress rules for port 8080."
  }

  assert {
    condition     = contains(keys(aws_vpc_security_group_ingress_rule.role), "load_balancer-to-worker-8080")
    error_message = "The load balancer may reach the workers too."
  }
}

run "without_a_load_balancer_only_the_web_tier_reaches_the_workers" {
  command = plan

  variables {
    allow_web_to_worker = true
  }

  assert {
    condition     = [for name in keys(aws_vpc_security_group_ingress_rule.role) : name if strcontains(name, "load_balancer") || endswith(name, "-8080")] == ["web-to-worker-8080"]
    error_message = "Without a load balancer there are no rules for it."
  }
}

run "the_load_balancer_accepts_the_given_ranges" {
  command = plan

  variables {
    load_balancer_cidr_blocks = ["198.51.100.0/24", "203.0.113.0/24"]
    web_port                  = 8443
  }

  assert {
    condition = { for name, rule in aws_vpc_security_group_ingress_rule.load_balancer : name => [rule.cidr_ipv4, rule.from_port, rule.to_port] } == {
      "198.51.100.0/24-80" = ["198.51.100.0/24", 80, 80], "198.51.100.0/24-443" = ["198.51.100.0/24", 443, 443]
      "203.0.113.0/24-80"  = ["203.0.113.0/24", 80, 80], "203.0.113.0/24-443" = ["203.0.113.0/24", 443, 443]
    }
    error_message = "Each range may use ports 80 and 443."
  }

  assert {
    condition     = contains(keys(aws_vpc_security_group_ingress_rule.role), "load_balancer-to-web-8443") && contains(keys(aws_vpc_security_group_egress_rule.role), "load_balancer-to-web-8443")
    error_message = "The load balancer reaches only web_port of the web tier."
  }
}

run "the_ports_of_rabbitmq" {
  command = plan

  variables {
    broker_ports = [5671]
  }

  assert {
    condition     = [for name in keys(aws_vpc_security_group_ingress_rule.role) : name if strcontains(name, "to-broker")] == ["web-to-broker-5671", "worker-to-broker-5671"]
    error_message = "Only AMQP is open to the broker."
  }
}

run "workers_use_the_first_port_of_the_broker_only" {
  command = plan

  variables {
    broker_ports = [61617, 8883, 61614, 61619]
  }

  assert {
    condition     = [for name in keys(aws_vpc_security_group_ingress_rule.role) : name if startswith(name, "worker-to-broker")] == ["worker-to-broker-61617"]
    error_message = "Workers reach only the first port."
  }
}

run "without_a_broker_there_is_no_group_for_one" {
  command = plan

  variables {
    broker_ports = []
  }

  assert {
    condition     = !contains(keys(aws_security_group.this), "broker")
    error_message = "Nothing has the group."
  }

  assert {
    condition     = length([for name in concat(keys(aws_vpc_security_group_egress_rule.role), keys(aws_vpc_security_group_ingress_rule.role)) : name if strcontains(name, "broker")]) == 0
    error_message = "No rule leads to a broker."
  }
}

run "ssh_is_open_to_the_given_ranges" {
  command = plan

  variables {
    ssh_cidr_blocks = ["10.0.0.0/8", "203.0.113.0/25", "203.0.113.128/25", "198.51.0.0/16", "192.0.2.1/32"]
  }

  assert {
    condition     = keys(output.ssh_rule_ids) == ["10.0.0.0/8", "192.0.2.1/32", "198.51.0.0/16", "203.0.113.0/25", "203.0.113.128/25"]
    error_message = "Adjacent ranges do not overlap, and a whole private range is accepted."
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_ingress_rule.ssh) : rule.from_port == 22 && rule.to_port == 22])
    error_message = "Each range may use port 22."
  }
}

run "refuses_ssh_from_everywhere" {
  command = plan

  variables {
    ssh_cidr_blocks = ["0.0.0.0/0"]
  }

  expect_failures = [var.ssh_cidr_blocks]
}

run "refuses_ssh_from_a_range_one_bit_too_wide" {
  command = plan

  variables {
    ssh_cidr_blocks = ["198.50.0.0/15"]
  }

  expect_failures = [var.ssh_cidr_blocks]
}

run "refuses_ssh_from_a_range_beyond_a_private_one" {
  command = plan

  variables {
    ssh_cidr_blocks = ["172.0.0.0/8"]
  }

  expect_failures = [var.ssh_cidr_blocks]
}

run "refuses_invalid_ipv4_ranges" {
  command = plan

  variables {
    load_balancer_cidr_blocks = ["2001:db8::/32"]
    ssh_cidr_blocks           = ["203.0.113.5/24"] # has host bits set
  }

  expect_failures = [var.load_balancer_cidr_blocks, var.ssh_cidr_blocks]
}

run "refuses_ranges_that_overlap" {
  command = plan

  variables {
    load_balancer_cidr_blocks = ["0.0.0.0/0", "203.0.113.0/24"]
    ssh_cidr_blocks           = ["203.0.113.64/26", "203.0.113.0/24"]
  }

  expect_failures = [var.load_balancer_cidr_blocks, var.ssh_cidr_blocks]
}

run "refuses_unknown_ports" {
  command = plan

  variables {
    broker_ports = [61613] # STOMP without TLS
    web_port     = 22
  }

  expect_failures = [var.broker_ports, var.web_port]
}
