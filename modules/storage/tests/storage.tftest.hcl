mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::test-grading-files"
    }
  }
}

variables {
  bucket_name = "test-grading-files"
}

run "private_encrypted_versioned_and_aging" {
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule[*].apply_server_side_encryption_by_default[0].sse_algorithm) == "AES256"
    error_message = "Objects are encrypted with AES-256."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_public_access_block.this.block_public_acls
    error_message = "Nothing is public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Old versions are kept."
  }

  assert {
    condition     = toset(aws_s3_bucket_lifecycle_configuration.this.rule[*].id) == toset(["temp", "unfinished-uploads", "submissions", "results"])
    error_message = "Finished work ages, problems do not."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket with objects is not deleted."
  }
}

run "a_worker_cannot_overwrite_submissions_or_problems" {
  assert {
    condition = flatten([
      for statement in jsondecode(output.worker_policy_json).Statement :
      statement.Resource if contains(flatten([statement.Action]), "s3:PutObject")
    ]) == ["arn:aws:s3:::test-grading-files/results/*", "arn:aws:s3:::test-grading-files/temp/*"]
    error_message = "A worker writes results/ and temp/ only."
  }
}

run "temp_is_emptied_even_when_nothing_ages" {
  variables {
    lifecycle_days = null
  }

  assert {
    condition     = toset(aws_s3_bucket_lifecycle_configuration.this.rule[*].id) == toset(["temp", "unfinished-uploads"])
    error_message = "temp/ is always emptied."
  }
}

run "archives_before_it_deletes" {
  variables {
    lifecycle_days = { archive = 30, expiration = 365 }
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      one(rule.transition[*].days) == 30 if contains(["submissions", "results"], rule.id)
    ])
    error_message = "Submissions and results are archived after 30 days."
  }
}

run "refuses_to_archive_after_deletion" {
  command = plan

  variables {
    lifecycle_days = { archive = 90, expiration = 60 }
  }

  expect_failures = [var.lifecycle_days]
}

run "refuses_a_bucket_name_with_capitals" {
  command = plan

  variables {
    bucket_name = "Grading-Files"
  }

  expect_failures = [var.bucket_name]
}
