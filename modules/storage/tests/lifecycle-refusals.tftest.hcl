mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "refuses_to_archive_after_deletion" {
  command = plan

  variables {
    lifecycle_days = { archive = 90, expiration = 60 }
  }

  expect_failures = [var.lifecycle_days]
}

run "refuses_to_archive_before_30_days" {
  command = plan

  variables {
    lifecycle_days = { archive = 29 }
  }

  expect_failures = [var.lifecycle_days]
}

run "refuses_fractions_of_a_day" {
  command = plan

  variables {
    lifecycle_days = { expiration = 1.5 }
  }

  expect_failures = [var.lifecycle_days]
}

run "refuses_a_prefix_outside_the_layout" {
  command = plan

  variables {
    lifecycle_rules = { "backups/" = { expiration_days = 7 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_a_prefix_without_a_slash" {
  command = plan

  variables {
    lifecycle_rules = { "results/exams" = { expiration_days = 7 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_an_unknown_storage_class" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { archive_days = { REDUCED_REDUNDANCY = 30 } } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_standard_ia_before_30_days" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { archive_days = { STANDARD_IA = 7 } } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_onezone_ia_with_glacier_ir" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { archive_days = { ONEZONE_IA = 30, GLACIER_IR = 90 } } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_a_rule_that_archives_after_deletion" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { archive_days = { GLACIER = 90 }, expiration_days = 90 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_half_a_day_for_old_versions" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { noncurrent_days = 0.5 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_kept_versions_without_expiry" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { expiration_days = 7, keep_versions = 3 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_more_than_100_kept_versions" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { noncurrent_days = 7, keep_versions = 101 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_to_delete_problems" {
  command = plan

  variables {
    lifecycle_rules = { "problems/" = { expiration_days = 365 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_problems_that_must_be_restored_first" {
  command = plan

  variables {
    lifecycle_rules = { "problems/old/" = { archive_days = { DEEP_ARCHIVE = 365 } } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_a_rule_that_does_nothing" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = {} }
  }

  expect_failures = [var.lifecycle_rules]
}

run "refuses_less_than_30_days_in_standard_ia" {
  command = plan

  variables {
    lifecycle_rules = { "results/" = { archive_days = { STANDARD_IA = 30, GLACIER = 45 } } }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.this]
}

run "refuses_to_keep_what_the_outer_prefix_deletes" {
  command = plan

  variables {
    lifecycle_rules = { "results/exams/" = { expiration_days = 1825, noncurrent_days = 30 } }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.this]
}

run "refuses_to_keep_old_versions_that_the_outer_prefix_deletes" {
  command = plan

  variables {
    lifecycle_rules = { "submissions/exams/" = { expiration_days = 30 } }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.this]
}

run "refuses_to_keep_more_versions_than_the_outer_prefix" {
  command = plan

  variables {
    lifecycle_rules = { "temp/builds/" = { expiration_days = 1, noncurrent_days = 1, keep_versions = 2 } }
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.this]
}
