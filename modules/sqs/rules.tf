# Reasons of refusals, for the validation of variables.

locals {
  fifo_reason = join("", [
    "order within a message group lets one running or retried job block all later ones of its group, each producer would ",
    "have to send a MessageGroupId, and SQS would drop a second request with the same deduplication ID for five minutes; ",
    "grading needs no order",
  ])
}
