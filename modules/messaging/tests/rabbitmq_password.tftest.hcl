mock_provider "aws" {}

variables {
  name               = "test-grading-mq"
  subnet_ids         = ["subnet-1"]
  security_group_ids = ["sg-1"]
}

run "outputs_the_initial_password_of_rabbitmq" {
  command = apply

  variables {
    engine_type = "RabbitMQ"
  }

  assert {
    condition     = length(output.initial_password) >= 12 && output.initial_password == one(aws_mq_broker.this[0].user).password
    error_message = "The output is the password of the broker's user."
  }
}

run "a_second_apply_does_not_change_users" {
  command = plan

  variables {
    engine_type    = "RabbitMQ"
    admin_username = "another"
  }

  assert {
    condition     = one(aws_mq_broker.this[0].user).username == "admin"
    error_message = "Terraform does not change users."
  }
}
