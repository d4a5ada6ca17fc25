locals {
  id     = "111111111111"
  name   = "staging"
  nat    = "none"
  broker = { instance_type = "mq.t3.micro", deployment_mode = "SINGLE_INSTANCE" }
}
