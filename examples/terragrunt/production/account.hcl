locals {
  id     = "222222222222"
  name   = "production"
  nat    = "per_zone"
  broker = { instance_type = "mq.m5.large", deployment_mode = "ACTIVE_STANDBY_MULTI_AZ" }
}
