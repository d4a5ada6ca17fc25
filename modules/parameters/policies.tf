locals {
  all_keys = toset(concat(keys(var.values), keys(var.secret_versions)))

  # keys by reader; the policy for all keys is built in the same way
  _readings = merge({ for reader, keys in var.readers : "reader ${reader}" => keys }, { all = local.all_keys })

  # SSM passes the parameter ARN as encryption context, so a reader can decrypt only its own parameters.
  policies = {
    for reader, keys in local._readings : reader => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        [{
          Sid      = "ReadParameters"
          Effect   = "Allow"
          Action   = ["ssm:GetParameter", "ssm:GetParameters"]
          Resource = [for key in sort(keys) : local.parameters[key].arn]
        }],
        var.kms_key_arn == null || length(setintersection(keys, keys(var.secret_versions))) == 0 ? [] : [{
          Sid      = "DecryptParameters"
          Effect   = "Allow"
          Action   = ["kms:Decrypt"]
          Resource = [var.kms_key_arn]
          Condition = {
            StringEquals = {
              "kms:EncryptionContext:PARAMETER_ARN" = [
                for key in sort(setintersection(keys, keys(var.secret_versions))) : aws_ssm_parameter.secret[key].arn
              ]
            }
          }
        }],
      )
    })
  }
}
