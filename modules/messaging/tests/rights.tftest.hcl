mock_provider "aws" {
  mock_resource "aws_mq_configuration" {
    defaults = {
      arn = "arn:aws:mq:ap-northeast-2:123456789012:configuration:c-1"
      id  = "c-1"
    }
    override_during = plan
  }

  mock_resource "aws_mq_broker" {
    defaults = {
      id = "b-1"
      instances = [{
        console_url = "https://b-1.example.com:8162"
        endpoints = [
          "ssl://b-1.example.com:61617", "amqp+ssl://b-1.example.com:5671", "stomp+ssl://b-1.example.com:61614",
          "mqtt+ssl://b-1.example.com:8883", "wss://b-1.example.com:61619",
        ]
        ip_address = "10.0.0.10"
      }]
    }
    override_during = plan
  }
}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1", "subnet-2", "subnet-3", "subnet-4"]
  security_group_ids = ["sg-1"]
}

run "creates_users_in_groups" {
  command = plan

  variables {
    users = {
      operator = { groups = ["grading-operators"], console_access = true }
      web      = { groups = ["grading-web"] }
    }
  }

  assert {
    condition     = join(" ", sort([for user in aws_mq_broker.this[0].user : "${user.username}:${join(",", user.groups)}"])) == "admin:grading-admins operator:grading-operators web:grading-web"
    error_message = "Each user is in its groups."
  }

  assert {
    condition     = [for user in aws_mq_broker.this[0].user : user.username if user.console_access] == ["admin", "operator"]
    error_message = "Only these users have console access."
  }

  assert {
    condition     = join(" ", output.user_names) == "admin operator web"
    error_message = "The output lists all users, the administrator first."
  }
}

run "web_and_workers_have_opposite_rights" {
  command = plan

  assert {
    condition = (
      alltrue([
        for text in [
          "<authorizationEntry queue=\"grading-requests\" read=\"grading-workers\" write=\"grading-web,grading-workers\"/>",
          "<authorizationEntry queue=\"grading-results\" read=\"grading-web\" write=\"grading-workers\"/>",
          "<authorizationEntry queue=\"grading-dlq\" write=\"grading-workers\"/>",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "Web writes requests and reads results; workers the reverse."
  }
}

run "without_authorization_all_users_have_all_rights" {
  command = plan

  variables {
    authorization = null
  }

  assert {
    condition     = !strcontains(output.broker_xml, "authorization")
    error_message = "There is no authorization map."
  }
}

run "rights_follow_renamed_queues" {
  command = plan

  variables {
    queues = ["answers", "jobs"]
    authorization = {
      requests    = ["jobs"]
      results     = ["answers"]
      web_console = false
      entries     = { "exams.>" = { admin = ["teachers"], read = ["grading-web"], write = ["proctors"] } }
    }
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "<authorizationEntry queue=\"jobs\" read=\"grading-workers\" write=\"grading-web,grading-workers\"/>",
          "<authorizationEntry queue=\"answers\" read=\"grading-web\" write=\"grading-workers\"/>",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "Renamed queues have the rights of requests and results."
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "<authorizationEntry admin=\"teachers\" queue=\"exams.&gt;\" read=\"grading-web\" write=\"proctors\"/>",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "Additional groups have rights too."
  }

  assert {
    condition     = !strcontains(output.broker_xml, "activemq-webconsole")
    error_message = "The web console is disabled."
  }
}
