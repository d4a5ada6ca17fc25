# First boot of an instance. Nothing is installed: Docker and the Session Manager agent are part of
# the AMI. Files are base64-encoded, so no value can break out of the document.

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: application.log_kms_key_arn sets a key; the default is the key of CloudWatch Logs
  # checkov:skip=CKV_AWS_338: application.log_retention_days sets the retention
  name              = local.log_group_name
  kms_key_id        = var.application.log_kms_key_arn
  retention_in_days = var.application.log_retention_days
}

locals {
  log_group_name = local.runs_on_instances ? "/ec2/${local.name}" : "/ecs/${local.service_name}"
  runs_container = var.application.image != null
  directory      = "/etc/grading-web"

  environment_file = templatefile("${path.module}/templates/environment.tftpl", { environment = var.environment })

  start_script = local.runs_container ? templatefile("${path.module}/templates/start.sh.tftpl", {
    command        = var.application.command
    directory      = local.directory
    environment    = var.environment
    image          = var.application.image
    log_group_name = local.log_group_name
    read_only      = var.application.read_only
    region         = var.region
  }) : ""

  # mode and content by path; without an image, the AMI brings its own unit
  files = merge(
    { "${local.directory}/environment" = { mode = "0600", content = local.environment_file } },
    local.runs_container ? {
      "${local.directory}/start"                = { mode = "0700", content = local.start_script }
      "/etc/systemd/system/grading-web.service" = { mode = "0644", content = file("${path.module}/templates/grading-web.service") }
    } : {},
    local.ecr_registry == null ? {} : {
      "${local.directory}/docker/config.json" = { mode = "0600", content = jsonencode({ credHelpers = { (local.ecr_registry) = "instance-role" } }) }
      "/usr/local/bin/docker-credential-instance-role" = {
        mode    = "0755"
        content = templatefile("${path.module}/templates/docker-credential-instance-role.py.tftpl", { region = local.ecr_region })
      }
    },
  )

  user_data = join("\n", ["#cloud-config", yamlencode({
    write_files = [for path, file in local.files : {
      path        = path
      owner       = "root:root"
      permissions = file.mode
      encoding    = "b64"
      content     = base64encode(file.content)
    }]
    runcmd = concat(
      local.runs_container ? [["systemctl", "mask", "--now", "ecs.service"]] : [], # the ECS agent of the AMI would look for a cluster
      [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "--no-block", "grading-web.service"]],
    )
  })])
}
