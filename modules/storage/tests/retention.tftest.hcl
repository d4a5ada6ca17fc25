mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "locks_and_copies_nothing_by_default" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_object_lock_configuration.this) + length(aws_s3_bucket_replication_configuration.this) + length(aws_iam_role.replication) + length(aws_iam_role_policy.replication) == 0
    error_message = "Both are by choice."
  }

  assert {
    condition     = output.replication_role_arn == null
    error_message = "There is no role."
  }
}

run "locks_objects_that_privileged_identities_may_delete" {
  command = plan

  variables {
    object_lock = { days = 30 }
  }

  assert {
    condition     = [for rule in aws_s3_bucket_object_lock_configuration.this[0].rule : [rule.default_retention[0].days, rule.default_retention[0].mode]] == [[30, "GOVERNANCE"]]
    error_message = "Each version is locked for 30 days."
  }

  assert {
    condition     = aws_s3_bucket.this.bucket == "test-grading-files" && length([for statement in jsondecode(output.worker_policy_json).Statement : statement if strcontains(jsonencode(statement), "Bypass")]) == 0
    error_message = "Workers cannot delete earlier."
  }
}

run "locks_objects_that_nobody_may_delete" {
  command = plan

  variables {
    object_lock = { days = 3650, mode = "COMPLIANCE" }
  }

  assert {
    condition     = one(aws_s3_bucket_object_lock_configuration.this[0].rule[*].default_retention[0].mode) == "COMPLIANCE"
    error_message = "The given mode is used."
  }
}

run "copies_objects_to_another_region" {
  command = plan

  variables {
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies" }
  }

  assert {
    condition = [for rule in aws_s3_bucket_replication_configuration.this[0].rule : [rule.id, rule.priority, rule.status, rule.filter[0].prefix, rule.delete_marker_replication[0].status]] == [
      ["problems", 0, "Enabled", "problems/", "Disabled"],
      ["results", 1, "Enabled", "results/", "Disabled"],
      ["submissions", 2, "Enabled", "submissions/", "Disabled"],
    ]
    error_message = "Problems, results and submissions are copied; deletions are not."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_replication_configuration.this[0].rule :
      rule.destination[0].bucket == "arn:aws:s3:::test-grading-copies" && rule.destination[0].account == null && rule.destination[0].storage_class == null &&
      length(rule.destination[0].encryption_configuration) + length(rule.destination[0].access_control_translation) + length(rule.source_selection_criteria) == 0
    ])
    error_message = "The copies are in this account, in the class and with the kind of key of the object."
  }

  assert {
    condition     = aws_iam_role.replication[0].name == "test-grading-files-replication" && one(jsondecode(aws_iam_role.replication[0].assume_role_policy).Statement).Principal == { Service = "s3.amazonaws.com" }
    error_message = "Only S3 has the role."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.replication[0].policy).Statement : statement.Sid => [statement.Action, statement.Resource] } == {
      ReadBucket = [["s3:GetReplicationConfiguration", "s3:ListBucket"], "arn:aws:s3:::test-grading-files"]
      ReadVersions = [
        ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
        ["arn:aws:s3:::test-grading-files/problems/*", "arn:aws:s3:::test-grading-files/results/*", "arn:aws:s3:::test-grading-files/submissions/*"],
      ]
      WriteCopies = [["s3:ReplicateObject", "s3:ReplicateTags"], ["arn:aws:s3:::test-grading-copies/*"]]
    }
    error_message = "It reads what is copied, and writes copies to this bucket only."
  }
}

run "copies_the_code_of_functions_where_workers_run_them" {
  command = plan

  variables {
    enable_functions = true
    replication      = { bucket_arn = "arn:aws:s3:::test-grading-copies" }
  }

  assert {
    condition     = [for rule in aws_s3_bucket_replication_configuration.this[0].rule : rule.filter[0].prefix] == ["problems/", "results/", "submissions/", "functions/"]
    error_message = "Code is copied as problems are; the other rules keep their priorities."
  }
}

run "copies_locked_and_encrypted_objects_to_another_account" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    object_lock = { days = 30 }
    replication = {
      account_id     = "210987654321"
      bucket_arn     = "arn:aws:s3:::test-grading-copies"
      delete_markers = true
      kms_key_arn    = "arn:aws:kms:ap-northeast-1:210987654321:key/66666666-7777-8888-9999-000000000000"
      prefixes       = ["results/exams/"]
      role_name      = "test-grading-copies"
      storage_class  = "GLACIER_IR"
    }
  }

  assert {
    condition = [for rule in aws_s3_bucket_replication_configuration.this[0].rule : [
      rule.id, rule.filter[0].prefix, rule.delete_marker_replication[0].status, rule.destination[0].account, rule.destination[0].storage_class,
      rule.destination[0].access_control_translation[0].owner, rule.destination[0].encryption_configuration[0].replica_kms_key_id,
      rule.source_selection_criteria[0].sse_kms_encrypted_objects[0].status,
      ]] == [
      ["results/exams", "results/exams/", "Enabled", "210987654321", "GLACIER_IR", "Destination", var.replication.kms_key_arn, "Enabled"],
    ]
    error_message = "The owner of the other bucket owns the copies, which have the key there."
  }

  assert {
    condition     = aws_iam_role.replication[0].name == "test-grading-copies"
    error_message = "The role has the given name."
  }

  assert {
    condition     = output.replication_role_arn == "arn:aws:iam::123456789012:role/test-grading-copies"
    error_message = "The owner of the other bucket allows this role."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.replication[0].policy).Statement : statement.Sid => [statement.Action, statement.Resource] if statement.Sid != "ReadBucket" } == {
      ReadVersions = [
        ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetObjectLegalHold", "s3:GetObjectRetention"],
        ["arn:aws:s3:::test-grading-files/results/exams/*"],
      ]
      WriteCopies    = [["s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete", "s3:ObjectOwnerOverrideToBucketOwner"], ["arn:aws:s3:::test-grading-copies/*"]]
      DecryptObjects = ["kms:Decrypt", var.kms_key_arn]
      EncryptCopies  = ["kms:Encrypt", var.replication.kms_key_arn]
    }
    error_message = "Each choice adds its permissions, and no others."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.replication[0].policy).Statement : statement.Condition.StringEquals["kms:ViaService"] if strcontains(jsonencode(statement), "kms:")] == [
      "s3.ap-northeast-2.amazonaws.com", "s3.ap-northeast-1.amazonaws.com",
    ]
    error_message = "Both keys are used only through S3 in their regions."
  }
}
