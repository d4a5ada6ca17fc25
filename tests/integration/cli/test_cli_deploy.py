"""Plan, apply and destroy a small root through the real command line."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.engine

#: A recorded call that reads: `METHOD action path`.
READ = re.compile(r"^(GET|HEAD) |^POST (BatchGet|Describe|Get|List)")


def test_an_environment_is_planned_reviewed_applied_and_destroyed(
    project: Any, published: Any
) -> None:
    """The whole life of an environment, with its exit codes; a bucket with files outlives it."""
    project.configure(variables={"greeting": "good day", "keep_bucket": True})
    summary, bucket = project.root / "summary.md", f"{project.name}-kept"

    planned = project.run(
        "plan", project.name, "--detailed-exitcode", "--out", "reviewed.json", "-o", "json"
    )
    assert planned.returncode == 2, planned.stderr
    document = published(planned.stdout)
    published((project.root / "reviewed.json").read_text())
    assert (document["kind"], document["summary"]["create"]) == ("plan", 3)

    applied = project.run(
        "apply",
        project.name,
        "--no-input",
        *("--reviewed", "reviewed.json", "-o", "json"),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert applied.returncode == 0, applied.stderr
    assert published(applied.stdout)["outputs"] == {"greeting": "good day"}
    assert "3 to create" in summary.read_text()
    assert not list((project.root / ".gradectl").rglob("terraform.plan"))

    again = project.run("plan", project.name, "--detailed-exitcode")
    assert again.returncode == 0, again.stderr

    asked = project.run("destroy", project.name, "--no-input", "--yes")
    assert asked.returncode == 5
    assert f"--confirm {project.name}" in asked.stderr

    s3 = project.client("s3")
    s3.put_object(Bucket=bucket, Key="results/1", Body=b"x")
    refused = project.run("destroy", project.name, "--confirm", project.name)
    remaining = project.client("ssm").get_parameter(Name=f"/{project.name}/greeting")
    assert refused.returncode == 5
    assert f"aws_s3_bucket.kept[0]: s3://{bucket} has files" in refused.stderr
    assert remaining["Parameter"]["Value"] == "good day"

    s3.delete_object(Bucket=bucket, Key="results/1")
    destroyed = project.run(
        *("destroy", project.name, "--confirm", project.name, "--export", "saved", "-o", "json")
    )
    assert destroyed.returncode == 0, destroyed.stderr
    document = published(destroyed.stdout)
    assert document["summary"]["delete"] == 3
    assert document["data"][0]["address"] == "aws_s3_bucket.kept[0]"
    assert document["saved"] == [f"saved/{bucket}"]
    assert (project.root / "saved" / bucket / "index.jsonl").read_text() == ""
    assert "to keep a copy of the files: --export DIR" not in destroyed.stderr


def test_a_plan_that_differs_from_the_reviewed_one_is_refused(project: Any) -> None:
    """A plan that differs from the reviewed one is refused; the error lists the differences."""
    project.run("plan", project.name, "--out", "reviewed.json")
    project.configure(variables={"greeting": "something else"})

    refused = project.run("apply", project.name, "--reviewed", "reviewed.json")

    assert refused.returncode == 5
    assert "aws_ssm_parameter.greeting" in refused.stderr
    assert project.state_keys() == []


@pytest.mark.usefixtures("bootstrapped")
@pytest.mark.parametrize("command", ["apply", "deploy"])
def test_a_dry_run_sends_no_changing_call(
    project: Any, published: Any, recorded: Any, command: str
) -> None:
    """Neither gradectl nor Terraform; no lock and no state is written."""
    with recorded() as calls:
        finished = project.run(command, project.name, "--dry-run", "--no-input", "-o", "json")

    assert finished.returncode == 0, finished.stderr
    assert "GetCallerIdentity" in str(calls)
    assert [call for call in calls if not READ.search(call)] == []
    assert project.state_keys() == []
    if command == "deploy":
        events = [published(line) for line in finished.stdout.splitlines()]
        assert events[-1]["report"]["dry_run"]
        assert "would apply: 2 to create" in [
            step["detail"] for step in events[-1]["report"]["steps"]
        ]
    else:
        assert json.loads(finished.stdout)["applied"] is False


@pytest.mark.usefixtures("bootstrapped")
def test_a_deployment_reports_the_step_that_failed(project: Any, tmp_path: Path) -> None:
    """This root has no queues, so the smoke test fails; the report names the step."""
    summary, report = tmp_path / "summary.md", tmp_path / "report.json"

    failed = project.run(
        "deploy", project.name, "--yes", "--report", str(report), GITHUB_STEP_SUMMARY=str(summary)
    )

    steps = {step["name"]: step for step in json.loads(report.read_text())["steps"]}
    assert failed.returncode == 78, failed.stderr
    assert "step smoke failed: parameters not found" in failed.stderr
    assert f"gradectl deploy {project.name} --from smoke" in failed.stderr
    assert steps["apply"]["detail"] == "2 created"
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


def test_a_value_that_the_root_rejects_is_one_error(project: Any) -> None:
    """Terraform's validation error has its file, its message and exit code 78."""
    project.configure(variables={"greeting": "much longer than twenty characters"})

    finished = project.run("plan", project.name)

    assert finished.returncode == 78
    assert "greeting must have at most 20 characters" in finished.stderr
    assert re.search(rf"where:\s+environments/{project.name}/terraform.tfvars:\d+", finished.stderr)


def command_line(process: psutil.Process) -> list[str]:
    """Empty for a process that has ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def command_lines_until_the_end(process: Any, descendants: Any) -> set[tuple[str, ...]]:
    """Command lines of all descendants until a process ends, by polling."""
    seen: set[tuple[str, ...]] = set()
    while process.poll() is None:
        try:
            seen |= {tuple(command_line(item)) for item in descendants(process.pid)}
            process.wait(timeout=0.02)
        except (psutil.NoSuchProcess, subprocess.TimeoutExpired):
            continue
    return seen - {()}


@pytest.mark.usefixtures("own_provider")
def test_a_secret_appears_nowhere(project: Any, until_line: Any, descendants: Any) -> None:
    """Not in a command line, the state, the reviewed plan, a file or the output."""
    secret = "Sentinel-8f3a61c2d94b"
    environ = {
        "TF_VAR_mq_admin_password": secret,
        "TF_VAR_mq_user_passwords": json.dumps({"web": secret}),
    }
    project.configure(variables={"pause_seconds": 3})
    planned = project.run("plan", project.name, "--out", "reviewed.json", **environ)
    process = project.start("apply", project.name, "--yes", "-o", "json", **environ)
    said = until_line(process, "creating terraform_data.pause")
    lines = command_lines_until_the_end(process, descendants)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr

    files = [path for path in project.root.rglob("*") if path.is_file() and not path.is_symlink()]
    small = [path for path in files if path.stat().st_size < 1_000_000]
    assert [line for line in lines if line[1:2] == ("apply",)]
    assert [line for line in lines if line[0] == "sleep"]
    assert secret not in str(lines)
    assert secret not in planned.stdout + planned.stderr + said + stdout + stderr
    assert secret not in project.state()
    assert not [path for path in small if secret.encode() in path.read_bytes()]
    kept = project.client("ssm").get_parameter(
        Name=f"/{project.name}/mq/password", WithDecryption=True
    )
    assert kept["Parameter"]["Value"] == secret


@pytest.mark.usefixtures("own_provider")
def test_a_missing_provider_is_a_configuration_error(project: Any, tmp_path: Path) -> None:
    """A mirror without a matching version is reported with the next step."""
    plugin = tmp_path / "mirror/registry.terraform.io/hashicorp/aws/1.0.0/linux_amd64"
    plugin.mkdir(parents=True)

    finished = project.run("plan", project.name, GRADECTL_PLUGIN_DIR=str(tmp_path / "mirror"))

    assert finished.returncode == 78
    assert "hashicorp/aws" in finished.stderr
    assert "next:" in finished.stderr
