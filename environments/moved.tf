# count was added for environments without a broker
moved {
  from = module.messaging
  to   = module.messaging[0]
}

# exist with the broker
moved {
  from = module.mq_parameters
  to   = module.mq_parameters[0]
}
