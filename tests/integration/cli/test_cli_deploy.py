"""Plan, apply and destroy a small root through the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gradectl.adapters.terraform.shared import REATTACH
from gradectl.monitoring.paused import PauseRecord, pause_parameter

pytestmark = pytest.mark.engine

#: A recorded call that reads: `METHOD action path`.
READ = re.compile(r"^(GET|HEAD) |^POST (BatchGet|Describe|Get|List)")
#: A group and a role whose rule and policy are resources of their own.
PARTS = """
resource "aws_security_group" "workers" {
  name = "${var.environment_name}-workers"
}

resource "aws_vpc_security_group_ingress_rule" "health" {
  security_group_id = aws_security_group.workers.id
  ip_protocol       = "tcp"
  from_port         = 8080
  to_port           = 8080
  cidr_ipv4         = "10.0.0.0/8"
}

resource "aws_iam_role" "task" {
  name = "${var.environment_name}-task"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs" } }]
  })
}

resource "aws_iam_role_policy" "read" {
  name   = "read"
  role   = aws_iam_role.task.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }]
  })
}
"""


def test_an_environment_is_planned_reviewed_applied_and_destroyed(
    project: Any, published: Any
) -> None:
    """
    The whole life of an environment, with its exit codes.

    Drift is found, and a bucket with files is not deleted.
    """
    project.configure(variables={"greeting": "good day", "keep_bucket": True})
    with (project.root / "environments" / "main.tf").open("a") as root:
        root.write(PARTS)
    summary, bucket = project.root / "summary.md", f"{project.name}-kept"

    given = {"TF_VAR_mq_admin_password": "a-Password-for-tests-1"}
    planned = project.run_process(
        *("plan", project.name, "--detailed-exitcode", "--out", "reviewed.json", "-o", "json"),
        **given,
    )
    assert planned.returncode == 2, planned.stderr
    document = published(planned.stdout)
    reviewed = published((project.root / "reviewed.json").read_text())
    assert list(reviewed["passwords"]) == ["mq_admin_password"]
    assert given["TF_VAR_mq_admin_password"] not in json.dumps(reviewed)
    assert (document["kind"], document["summary"]["create"]) == ("plan", 7)

    assert_another_password_is_refused(project)

    applied = project.run_process(
        "apply",
        project.name,
        "--no-input",
        *("--reviewed", "reviewed.json", "-o", "json"),
        GITHUB_STEP_SUMMARY=str(summary),
        **given,
    )
    assert applied.returncode == 0, applied.stderr
    assert published(applied.stdout)["outputs"] == {"greeting": "good day"}
    assert "7 to create" in summary.read_text()
    name = f"/{project.name}/mq/password"
    written = project.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert written["Value"] == given["TF_VAR_mq_admin_password"]
    assert not list((project.root / ".gradectl").rglob("terraform.plan"))

    assert_drift_is_found_without_changing_anything(project, published)

    s3 = project.client("s3")
    s3.put_object(Bucket=bucket, Key="results/1", Body=b"x")
    paused = f"/{project.name}/queue/paused"
    project.client("ssm").put_parameter(Name=paused, Value="{}", Type="String")
    refused = project.run("destroy", project.name, "--confirm", project.name)
    remaining = project.client("ssm").get_parameter(Name=f"/{project.name}/greeting")
    assert refused.returncode == 5
    assert f"aws_s3_bucket.kept[0]: s3://{bucket} has files" in refused.stderr
    assert remaining["Parameter"]["Value"] == "changed"
    assert project.client("ssm").get_parameters(Names=[paused])["Parameters"]

    s3.delete_object(Bucket=bucket, Key="results/1")
    destroyed = project.run_process(
        *("destroy", project.name, "--confirm", project.name, "--export", "saved", "-o", "json")
    )
    assert destroyed.returncode == 0, destroyed.stderr
    document = published(destroyed.stdout)
    assert document["summary"]["delete"] == 7
    assert document["data"][0]["address"] == "aws_s3_bucket.kept[0]"
    assert document["saved"] == [f"saved/{bucket}"]
    assert (project.root / "saved" / bucket / "index.jsonl").read_text() == ""
    assert "to keep a copy of the files: --export DIR" not in destroyed.stderr
    assert not project.client("ssm").get_parameters(Names=[paused])["Parameters"]


def assert_another_password_is_refused(project: Any) -> None:
    """The plan is the same, and would write a password that nobody reviewed."""
    other = {"TF_VAR_mq_admin_password": "a-Password-for-tests-2"}
    refused = project.run(
        "apply", project.name, "--no-input", "--reviewed", "reviewed.json", **other
    )

    assert refused.returncode == 5
    assert "reviewed with other values of mq_admin_password" in refused.stderr
    assert project.state_keys() == []


def assert_drift_is_found_without_changing_anything(project: Any, published: Any) -> None:
    """
    Exit code 2 for what somebody changed: a parameter, a rule and a policy.

    A group shows its rules and a role its policies: those of the state are not drift.
    """
    before = project.state()
    clean = project.run("drift", project.name)
    ssm = project.client("ssm")
    ssm.put_parameter(Name=f"/{project.name}/greeting", Value="changed", Overwrite=True)
    ec2 = project.client("ec2")
    names = [{"Name": "group-name", "Values": [f"{project.name}-workers"]}]
    (group,) = ec2.describe_security_groups(Filters=names)["SecurityGroups"]
    open_port = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], **open_port)
    iam, role = project.client("iam"), f"{project.name}-task"
    document = iam.get_role_policy(RoleName=role, PolicyName="read")["PolicyDocument"]
    iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=json.dumps(document))

    drifted = project.run("drift", project.name, "-o", "json", GITHUB_STEP_SUMMARY="s.md")

    document = published(drifted.stdout)
    assert clean.returncode == 0, clean.stderr
    assert "no drift" in clean.stdout
    assert drifted.returncode == 2, drifted.stderr
    changed = {each["address"]: each["attributes"] for each in document["drift"]}
    assert changed.pop("aws_iam_role.task") == ["inline_policy"]
    assert changed.pop("aws_security_group.workers") == ["ingress"]
    assert list(changed) == ["aws_ssm_parameter.greeting"]
    assert "value" in changed["aws_ssm_parameter.greeting"]
    assert "3 resources drifted" in (project.root / "s.md").read_text()
    assert project.state() == before
    assert not list((project.root / ".gradectl").rglob("terraform.plan"))


@pytest.mark.usefixtures("without_provider")
def test_after_an_apply_nothing_is_planned_and_a_destroy_asks_for_the_name(project: Any) -> None:
    """Exit code 0 of --detailed-exitcode; --yes is not enough to delete everything."""
    assert project.run("apply", project.name, "--yes").returncode == 0

    again = project.run("plan", project.name, "--detailed-exitcode")
    asked = project.run("destroy", project.name, "--no-input", "--yes")

    assert again.returncode == 0, again.stderr
    assert asked.returncode == 5
    assert f"--confirm {project.name}" in asked.stderr


@pytest.mark.usefixtures("without_provider")
def test_the_keys_of_the_api_end_with_their_environment(project: Any) -> None:
    """Another environment of the same name would accept them; those of others stay."""
    name, ssm = project.name, project.client("ssm")
    assert project.run("apply", name, "--yes").returncode == 0
    assert project.run("api-key", "create", name, "--name", "old").returncode == 0
    ssm.put_parameter(Name=f"/{name}-b/api-keys/abcdefghijkl", Value="{}", Type="SecureString")

    done = project.run("destroy", name, "--confirm", name)

    assert done.returncode == 0, done.stderr
    assert "keys of the API that were deleted: 1" in done.stderr
    pages = ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=[{"Key": "Name", "Option": "Contains", "Values": ["/api-keys/"]}]
    )
    left = [each["Name"] for page in pages for each in page["Parameters"]]
    assert [each for each in left if name in each] == [f"/{name}-b/api-keys/abcdefghijkl"]


@pytest.mark.usefixtures("without_provider")
def test_a_plan_that_differs_from_the_reviewed_one_is_refused(project: Any) -> None:
    """A plan that differs from the reviewed one is refused; the error lists the differences."""
    project.run("plan", project.name, "--out", "reviewed.json")
    project.configure(variables={"greeting": "something else"})

    refused = project.run("apply", project.name, "--reviewed", "reviewed.json")

    assert refused.returncode == 5
    assert "terraform_data.greeting" in refused.stderr
    assert project.state_keys() == []


@pytest.mark.usefixtures("bootstrapped")
def test_a_dry_run_of_a_deployment_sends_no_changing_call(
    project: Any, published: Any, recorded: Any
) -> None:
    """Neither gradectl nor Terraform; no lock and no state is written."""
    finished, calls = dry_run(project, recorded, "deploy")

    assert "GetCallerIdentity" in str(calls)
    events = [published(line) for line in finished.stdout.splitlines()]
    assert events[-1]["report"]["dry_run"]
    assert "would apply: 2 to create" in [step["detail"] for step in events[-1]["report"]["steps"]]


@pytest.mark.usefixtures("bootstrapped", "without_provider")
def test_a_dry_run_of_apply_sends_no_changing_call(project: Any, recorded: Any) -> None:
    """Terraform is run by the same step as in a deployment, so here it has no provider."""
    finished, calls = dry_run(project, recorded, "apply")

    assert "GetCallerIdentity" in str(calls)
    assert json.loads(finished.stdout)["applied"] is False


def dry_run(project: Any, recorded: Any, command: str) -> tuple[Any, list[str]]:
    """Run a dry run that may only read; returns its output and its calls."""
    with recorded() as calls:
        finished = project.run(command, project.name, "--dry-run", "--no-input", "-o", "json")
    assert finished.returncode == 0, finished.stderr
    assert [call for call in calls if not READ.search(call)] == []
    assert project.state_keys() == []
    return finished, calls


@pytest.mark.usefixtures("bootstrapped", "without_provider")
def test_a_deployment_reports_the_step_that_failed(project: Any, tmp_path: Path) -> None:
    """This root has no queues, so the smoke test fails; the report names the step."""
    summary, report = tmp_path / "summary.md", tmp_path / "report.json"
    pause = PauseRecord("2026-01-01T08:00:00+00:00", "arn:aws:sts::1:assumed-role/eve", 3)
    parameter = {"Name": pause_parameter(project.name), "Value": pause.to_json()}
    project.client("ssm").put_parameter(**parameter, Type="String")

    failed = project.run(
        "deploy", project.name, "--yes", "--report", str(report), GITHUB_STEP_SUMMARY=str(summary)
    )

    steps = {step["name"]: step for step in json.loads(report.read_text())["steps"]}
    assert failed.returncode == 78, failed.stderr
    assert "step smoke failed: parameters not found" in failed.stderr
    assert "warning: the workers are paused since 2026-01-01 08:00 UTC" in failed.stderr
    assert f"gradectl queue resume -e {project.name}" in failed.stderr
    assert f"gradectl deploy {project.name} --from smoke" in failed.stderr
    assert steps["apply"]["detail"] == "1 created"
    assert steps["wait"]["detail"] == "the environment has no workers"
    assert steps["smoke"]["state"] == "failed"
    assert "failed at step smoke" in summary.read_text()
    assert "deploy.lock" not in project.state_keys()

    held = {"id": "1f", "who": "eve@laptop", "since": "2026-01-01T00:00:00+00:00"}
    project.client("s3").put_object(
        Bucket=project.state_bucket, Key="deploy.lock", Body=json.dumps(held)
    )
    second = project.run("deploy", project.name, "--from", "wait", "--lock-timeout", "0")
    assert second.returncode == 75
    assert "eve@laptop" in second.stderr
    released = project.run("deploy", project.name, "--release-lock", "1f")
    assert released.returncode == 0, released.stderr
    assert "deploy.lock" not in project.state_keys()


@pytest.mark.usefixtures("without_provider")
def test_a_locked_state_exits_with_75(project: Any) -> None:
    """Exit code 75, with the holder of the lock and how to release it."""
    lock = {
        "ID": "7b2c9a1e-0000-4000-8000-123456789abc",
        "Operation": "OperationTypeApply",
        "Who": "somebody@elsewhere",
        "Created": "2026-01-01T00:00:00Z",
    }
    project.client("s3").put_object(
        Bucket=project.state_bucket, Key="terraform.tfstate.tflock", Body=json.dumps(lock)
    )

    finished = project.run("plan", project.name, "--lock-timeout", "0")

    assert finished.returncode == 75
    assert "somebody@elsewhere" in finished.stderr
    assert f"gradectl recover {project.name} --lock {lock['ID']}" in finished.stderr


@pytest.mark.usefixtures("without_provider")
def test_a_value_that_the_root_rejects_is_one_error(project: Any) -> None:
    """Terraform's validation error has its file, its message and exit code 78."""
    project.configure(variables={"greeting": "much longer than twenty characters"})

    finished = project.run("plan", project.name)

    assert finished.returncode == 78
    assert "greeting must have at most 20 characters" in finished.stderr
    assert re.search(rf"where:\s+environments/{project.name}/terraform.tfvars:\d+", finished.stderr)


def test_a_missing_provider_is_a_configuration_error(project: Any, tmp_path: Path) -> None:
    """A mirror without a matching version is reported with the next step."""
    plugin = tmp_path / "mirror/registry.terraform.io/hashicorp/aws/1.0.0/linux_amd64"
    plugin.mkdir(parents=True)
    mirror = {"GRADECTL_PLUGIN_DIR": str(tmp_path / "mirror"), REATTACH: ""}

    finished = project.run("plan", project.name, **mirror)

    assert finished.returncode == 78
    assert "hashicorp/aws" in finished.stderr
    assert "next:" in finished.stderr
