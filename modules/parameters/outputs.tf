output "names" {
  description = "Full name of each parameter by its key, known once it is written."
  value       = { for key, parameter in local.parameters : key => parameter.name }
}

output "reader_policies" {
  description = "For each of readers, leave to read its keys and nothing else, as an IAM policy document."
  value       = { for reader in keys(var.readers) : reader => local.policies["reader ${reader}"] }
}

output "reader_policy_json" {
  description = "Leave to read exactly these parameters, as an IAM policy document."
  value       = local.policies["all"]
}

output "secret_versions" {
  description = "Version of each SecureString by its key, known once it is written; it changes too when kms_key_arn or tier do, for then the secret is written again."
  value       = { for key, parameter in aws_ssm_parameter.secret : key => parameter.value_wo_version }
}
