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

run "users_in_groups_beside_the_administrator" {
  command = plan

  variables {
    users = {
      operator = { groups = ["grading-operators"], console_access = true }
      web      = { groups = ["grading-web"] }
    }
  }

  assert {
    condition     = join(" ", sort([for user in aws_mq_broker.this[0].user : "${user.username}:${join(",", user.groups)}"])) == "admin:grading-admins operator:grading-operators web:grading-web"
    error_message = "Each is in its groups."
  }

  assert {
    condition     = [for user in aws_mq_broker.this[0].user : user.username if user.console_access] == ["admin", "operator"]
    error_message = "The web console is for those who were given it."
  }

  assert {
    condition     = join(" ", output.user_names) == "admin operator web"
    error_message = "All are named, the administrator first."
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
    error_message = "Requests go one way and results the other."
  }
}

run "without_authorization_everybody_may_do_everything" {
  command = plan

  variables {
    authorization = null
  }

  assert {
    condition     = !strcontains(output.broker_xml, "authorization")
    error_message = "There is no map."
  }
}

run "queues_of_other_names_have_the_rights_that_are_said" {
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
    error_message = "They are requests and results by another name."
  }

  assert {
    condition = (
      alltrue([
        for text in [
          "<authorizationEntry admin=\"teachers\" queue=\"exams.&gt;\" read=\"grading-web\" write=\"proctors\"/>",
        ] : strcontains(output.broker_xml, text)
      ])
    )
    error_message = "Groups of ones own have rights too."
  }

  assert {
    condition     = !strcontains(output.broker_xml, "activemq-webconsole")
    error_message = "The web console is closed."
  }
}
