output "names" {
  description = "Full name of each parameter by its key, known once it is written."
  value       = { for key, parameter in local.parameters : key => parameter.name }
}

output "reader_policy_json" {
  description = "Leave to read exactly these parameters, as an IAM policy document."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters"]
      Resource = [for parameter in values(local.parameters) : parameter.arn]
    }]
  })
}

output "secret_versions" {
  description = "Version of each SecureString by its key, known once it is written."
  value       = { for key, parameter in aws_ssm_parameter.secret : key => parameter.value_wo_version }
}
