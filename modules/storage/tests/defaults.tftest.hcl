mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "is_private_encrypted_versioned_and_expires" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule[*].apply_server_side_encryption_by_default[0].sse_algorithm) == "AES256"
    error_message = "Objects are encrypted with AES-256."
  }

  assert {
    condition     = alltrue([aws_s3_bucket_public_access_block.this.restrict_public_buckets, aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.block_public_policy, aws_s3_bucket_public_access_block.this.ignore_public_acls])
    error_message = "Nothing is public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "There are no ACLs."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Old versions are kept."
  }

  assert {
    condition     = toset(aws_s3_bucket_lifecycle_configuration.this.rule[*].id) == toset(["temp", "unfinished-uploads", "submissions", "results"])
    error_message = "Submissions and results expire, problems do not."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.abort_incomplete_multipart_upload[0].days_after_initiation if rule.id == "unfinished-uploads"] == [1]
    error_message = "Incomplete uploads are removed after a day."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket with objects is not deleted."
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) + length(aws_s3_bucket_notification.this) + length(aws_s3_bucket_logging.this) + length(aws_lambda_permission.this) == 0
    error_message = "CORS, notifications and access logs are off."
  }
}

run "denies_plain_connections_old_tls_and_other_encryption" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid] == ["TlsOnly", "Tls12OrNewer", "NoOtherEncryption", "NoKeyOfTheWritersOwn"]
    error_message = "All four statements deny all principals."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect == "Deny" && statement.Principal == "*"])
    error_message = "The bucket policy has no Allow statements."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[1].Condition.NumericLessThan["s3:TlsVersion"] == "1.2"
    error_message = "Both plain HTTP and old TLS are denied."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[2].Condition.StringNotEquals["s3:x-amz-server-side-encryption"] == "AES256"
    error_message = "An upload may request only AES-256."
  }
}

run "a_worker_may_write_only_results_and_temp" {
  command = plan

  assert {
    condition = flatten([
      for statement in jsondecode(output.worker_policy_json).Statement :
      statement.Resource if contains(flatten([statement.Action]), "s3:PutObject")
    ]) == ["arn:aws:s3:::test-grading-files/results/*", "arn:aws:s3:::test-grading-files/temp/*"]
    error_message = "A worker overwrites no submission and no problem."
  }

  assert {
    condition     = !strcontains(output.worker_policy_json, "kms:")
    error_message = "Without a key the policies have no KMS statements."
  }
}

run "the_web_tier_may_only_upload_submissions_and_read_results" {
  command = plan

  assert {
    condition = { for statement in jsondecode(output.web_policy_json).Statement : statement.Resource => flatten([statement.Action]) } == {
      "arn:aws:s3:::test-grading-files/submissions/*" = ["s3:PutObject", "s3:AbortMultipartUpload"]
      "arn:aws:s3:::test-grading-files/results/*"     = ["s3:GetObject"]
    }
    error_message = "The web tier may only write submissions and read results."
  }
}

run "the_api_reads_no_test_case_and_no_source" {
  command = plan

  assert {
    condition = { for statement in jsondecode(output.api_policy_json).Statement : statement.Sid => statement.Resource } == {
      ListBucket        = "arn:aws:s3:::test-grading-files"
      UploadSubmissions = "arn:aws:s3:::test-grading-files/submissions/*"
      ReadMetadataAndStatements = [
        "arn:aws:s3:::test-grading-files/problems/*/description.md", "arn:aws:s3:::test-grading-files/problems/*/problem.yaml",
        "arn:aws:s3:::test-grading-files/submissions/*/metadata.json",
      ]
    }
    error_message = "The API writes submissions; it reads metadata and statements, not results, which are in the rows."
  }
}

run "workers_read_functions" {
  command = plan

  variables {
    enable_functions = true
  }

  assert {
    condition     = strcontains(output.worker_policy_json, "arn:aws:s3:::test-grading-files/functions/*") && !strcontains(output.api_policy_json, "functions/")
    error_message = "Only workers read the code of functions."
  }
}

run "can_be_deleted_with_its_objects_and_without_versions" {
  command = plan

  variables {
    force_destroy     = true
    enable_versioning = false
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy && aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Suspended"
    error_message = "Objects and versions do not prevent deletion."
  }
}
