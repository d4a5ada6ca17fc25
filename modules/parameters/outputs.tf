output "names" {
  description = "Full name of each parameter by key; known once it is written."
  value       = { for key, parameter in local.parameters : key => parameter.name }
}

output "reader_policies" {
  description = "IAM policy document by reader, which allows reading only the reader's keys."
  value       = { for reader in keys(var.readers) : reader => local.policies["reader ${reader}"] }
}

output "reader_policy_json" {
  description = "IAM policy document that allows reading exactly these parameters."
  value       = local.policies["all"]
}

output "secret_versions" {
  description = "Version of each SecureString by key; known once it is written. It also changes with kms_key_arn or tier, which rewrite the secret."
  value       = { for key, parameter in aws_ssm_parameter.secret : key => parameter.value_wo_version }
}
