mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "refuses_a_bucket_name_with_capitals" {
  command = plan

  variables {
    bucket_name = "Grading-Files"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_name_with_dots" {
  command = plan

  variables {
    bucket_name = "grading.files"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_name_like_an_ip_address" {
  command = plan

  variables {
    bucket_name = "192.168.5.4"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_name_of_64_characters" {
  command = plan

  variables {
    bucket_name = "a123456789b123456789c123456789d123456789e123456789f123456789-end"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_name_with_a_reserved_start" {
  command = plan

  variables {
    bucket_name = "xn--grading-files"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_name_that_starts_with_sthree" {
  command = plan

  variables {
    bucket_name = "sthree-grading-files"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_bucket_name_with_a_reserved_end" {
  command = plan

  variables {
    bucket_name = "grading-files-s3alias"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_the_suffix_of_account_namespaces" {
  command = plan

  variables {
    bucket_name = "grading-files-123456789012-ap-northeast-2-an"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_a_log_of_its_own_log" {
  command = plan

  variables {
    access_logs = { bucket_name = "test-grading-files" }
  }

  expect_failures = [var.access_logs]
}

run "refuses_a_log_prefix_without_a_slash" {
  command = plan

  variables {
    access_logs = { bucket_name = "example-access-logs", prefix = "grading" }
  }

  expect_failures = [var.access_logs]
}

run "refuses_the_alias_of_a_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-northeast-2:123456789012:alias/grading"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_a_key_of_china" {
  command = plan

  variables {
    kms_key_arn = "arn:aws-cn:kms:cn-north-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_uploads_from_any_origin" {
  command = plan

  variables {
    cors = { origins = ["*"] }
  }

  expect_failures = [var.cors]
}

run "refuses_uploads_from_an_origin_without_tls" {
  command = plan

  variables {
    cors = { origins = ["http://judge.example.com"] }
  }

  expect_failures = [var.cors]
}

run "refuses_an_origin_with_a_path" {
  command = plan

  variables {
    cors = { origins = ["https://judge.example.com/"] }
  }

  expect_failures = [var.cors]
}

run "refuses_deletion_by_cors" {
  command = plan

  variables {
    cors = { origins = ["https://judge.example.com"], methods = ["DELETE"] }
  }

  expect_failures = [var.cors]
}

run "refuses_a_wildcard_header" {
  command = plan

  variables {
    cors = { origins = ["https://judge.example.com"], headers = ["*"] }
  }

  expect_failures = [var.cors]
}

run "refuses_a_preflight_cache_of_days" {
  command = plan

  variables {
    cors = { origins = ["https://judge.example.com"], max_age_seconds = 604800 }
  }

  expect_failures = [var.cors]
}
