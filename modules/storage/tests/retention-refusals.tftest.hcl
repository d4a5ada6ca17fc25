mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "refuses_a_lock_of_half_a_day" {
  command = plan

  variables {
    object_lock = { days = 0.5 }
  }

  expect_failures = [var.object_lock]
}

run "refuses_an_unknown_mode_of_locks" {
  command = plan

  variables {
    object_lock = { days = 1, mode = "LEGAL_HOLD" }
  }

  expect_failures = [var.object_lock]
}

run "refuses_locks_without_versions" {
  command = plan

  variables {
    enable_versioning = false
    object_lock       = { days = 1 }
  }

  expect_failures = [var.object_lock]
}

run "refuses_a_lock_that_prevents_a_promised_deletion" {
  command = plan

  variables {
    force_destroy = true
    object_lock   = { days = 1, mode = "COMPLIANCE" }
  }

  expect_failures = [var.object_lock]
}

run "refuses_copies_in_the_same_bucket" {
  command = plan

  variables {
    replication = { bucket_arn = "arn:aws:s3:::test-grading-files" }
  }

  expect_failures = [var.replication]
}

run "refuses_a_name_in_place_of_an_account" {
  command = plan

  variables {
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies", account_id = "backup" }
  }

  expect_failures = [var.replication]
}

run "refuses_copies_without_versions" {
  command = plan

  variables {
    enable_versioning = false
    replication       = { bucket_arn = "arn:aws:s3:::test-grading-copies" }
  }

  expect_failures = [var.replication]
}

run "refuses_a_key_for_copies_of_objects_without_one" {
  command = plan

  variables {
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies", kms_key_arn = "arn:aws:kms:ap-northeast-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }

  expect_failures = [var.replication]
}

run "refuses_copies_without_a_key_of_objects_with_one" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:key/11111111-2222-3333-4444-555555555555"
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies" }
  }

  expect_failures = [var.replication]
}

run "refuses_copies_of_unknown_prefixes" {
  command = plan

  variables {
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies", prefixes = ["logs/"] }
  }

  expect_failures = [var.replication]
}

run "refuses_a_bucket_name_too_long_for_its_role" {
  command = plan

  variables {
    bucket_name = "test-grading-files-of-the-department-of-computer-science"
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies" }
  }

  expect_failures = [var.replication]
}

run "refuses_an_unknown_class_of_copies" {
  command = plan

  variables {
    replication = { bucket_arn = "arn:aws:s3:::test-grading-copies", storage_class = "COLD" }
  }

  expect_failures = [var.replication]
}
