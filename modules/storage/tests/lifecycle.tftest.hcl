mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "test-grading-files"
}

run "temp_expires_without_other_rules" {
  command = plan

  variables {
    lifecycle_days = null
  }

  assert {
    condition     = toset(aws_s3_bucket_lifecycle_configuration.this.rule[*].id) == toset(["temp", "unfinished-uploads"])
    error_message = "Objects in temp/ always expire."
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "temp"]).expiration[0].days == 1
    error_message = "After a day."
  }
}

run "archives_before_expiration" {
  command = plan

  variables {
    lifecycle_days = { archive = 30, expiration = 365, noncurrent = 7 }
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      one(rule.transition[*].days) == 30 && one(rule.transition[*].storage_class) == "STANDARD_IA" && rule.expiration[0].days == 365 && rule.noncurrent_version_expiration[0].noncurrent_days == 7
      if contains(["submissions", "results"], rule.id)
    ])
    error_message = "Submissions and results are archived after 30 days and expire after a year, their old versions after a week."
  }
}

run "sets_rules_by_prefix" {
  command = plan

  variables {
    lifecycle_rules = {
      "results/"        = { archive_days = { DEEP_ARCHIVE = 180, STANDARD_IA = 30, GLACIER_IR = 60 }, expiration_days = 1825, noncurrent_days = 90, keep_versions = 5 }
      "results/trials/" = { expiration_days = 7, noncurrent_days = 1 }
      "problems/"       = { noncurrent_days = 365 }
    }
  }

  assert {
    condition = {
      for step in one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "results"]).transition :
      step.storage_class => step.days
    } == { STANDARD_IA = 30, GLACIER_IR = 60, DEEP_ARCHIVE = 180 }
    error_message = "Results move through the storage classes in order."
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "results"]).expiration[0].days == 1825 && one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "results"]).noncurrent_version_expiration[0].noncurrent_days == 90 && one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "results"]).noncurrent_version_expiration[0].newer_noncurrent_versions == 5
    error_message = "Results expire after five years, and the newest five old versions are kept."
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "results/trials"]).expiration[0].days == 7
    error_message = "Those of trials go earlier."
  }

  assert {
    condition     = length(one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "problems"]).expiration) == 0 && length(one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "problems"]).transition) == 0
    error_message = "Problems stay, only their old versions expire."
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "submissions"]).expiration[0].days == 90
    error_message = "The other prefixes are as they were."
  }
}

run "lets_a_rule_override_the_days_of_submissions" {
  command = plan

  variables {
    lifecycle_rules = { "submissions/" = { expiration_days = 7 } }
  }

  assert {
    condition     = one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "submissions"]).expiration[0].days == 7 && length(one([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule if rule.id == "submissions"]).noncurrent_version_expiration) == 0
    error_message = "Only the actions of the rule apply."
  }
}
