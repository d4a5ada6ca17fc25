"""The `local` environment in an emulated account: applied, inspected, destroyed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradectl.deploy.rendering import rendered
from gradectl.environment import load
from grader.contract import names
from lives.recorded_actions import not_allowed, recorded_actions

ROOT = Path(__file__).resolve().parents[3]
MQ_PASSWORD = "a-Password-of-the-broker-1"
DB_PASSWORD = "a-Password-of-the-database-1"
APPLICATION_PASSWORD = "a-Password-of-the-application-1"
USER_PASSWORDS = {role: f"a-Password-of-{role}-1" for role in ("operator", "web", "worker")}
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give the root with the files of `local`, its state in a bucket with a lock file."""
    environment = load(ROOT, "local")
    files = rendered(ROOT, environment)
    root = terraform_folder("environments", {path.name: text for path, text in files.items()})
    account.client("s3").create_bucket(
        Bucket=environment.state_bucket,
        CreateBucketConfiguration={"LocationConstraint": environment.region},
    )
    root = root.within(
        AWS_ENDPOINT_URL=account.url,
        TF_VAR_db_admin_password=DB_PASSWORD,
        TF_VAR_db_application_password=APPLICATION_PASSWORD,
        TF_VAR_mq_admin_password=MQ_PASSWORD,
        TF_VAR_mq_user_passwords=json.dumps(USER_PASSWORDS),
    )
    root.run("init", "-no-color", "-input=false", "-backend-config=backend.hcl")
    return root


def live(local_root: Any, account: Any) -> None:
    """
    Apply, inspect and destroy.

    What was made is what the files say, a second plan changes nothing, the state holds no secret,
    and destroy leaves nothing. The calls for the broker are in the policies of who applies.
    """
    with recorded_actions(account.url) as actions:
        local_root.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    broker = {each for each in actions if each.startswith("mq:")}
    assert broker
    assert not not_allowed(broker, load(ROOT, "local"))
    outputs = json.loads(local_root.run("output", "-json"))
    applied = {name: output["value"] for name, output in outputs.items()}

    assert_nothing_is_left_to_change(local_root)
    assert_secrets_are_in_ssm_and_not_in_the_state(local_root, applied, account.client("ssm"))
    assert_the_broker_runs_the_rendered_xml(applied, account.client("mq"))
    assert_the_worker_is_told_names_that_exist(applied, account)
    store_two_versions(applied["bucket_name"], account.client("s3"))

    local_root.run("destroy", "-no-color", "-auto-approve", WAITS_AT_ONCE)

    assert local_root.run("state", "list").strip() == ""
    assert account.client("mq").list_brokers()["BrokerSummaries"] == []
    assert account.client("rds").describe_db_instances()["DBInstances"] == []


def store_two_versions(bucket: str, s3: Any) -> None:
    """Leave what a used environment has in its bucket."""
    for body in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="submissions/req_1/solution.py", Body=body)


def assert_nothing_is_left_to_change(root: Any) -> None:
    """A plan right after apply finds no difference."""
    done = root.attempt("plan", "-no-color", "-detailed-exitcode")
    assert done.returncode == 0, done.stdout + done.stderr


def assert_secrets_are_in_ssm_and_not_in_the_state(
    root: Any, outputs: dict[str, Any], ssm: Any
) -> None:
    """The passwords of TF_VAR_* went where they are needed and nowhere else."""
    state = root.run("state", "pull")
    passwords = {f"mq-{role}": password for role, password in USER_PASSWORDS.items()}
    passwords |= {"db": DB_PASSWORD, "db-app": APPLICATION_PASSWORD, "mq": MQ_PASSWORD}
    for part, password in passwords.items():
        name = outputs["parameter_names"][part]["password"]
        stored = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert (stored["Type"], stored["Value"]) == ("SecureString", password)
        assert password not in state


def assert_the_broker_runs_the_rendered_xml(outputs: dict[str, Any], mq: Any) -> None:
    """What the broker's configuration holds is the template, filled in."""
    broker = mq.describe_broker(BrokerId=outputs["broker_id"])
    current = broker["Configurations"]["Current"]
    assert current == {
        "Id": outputs["broker_configuration"]["id"],
        "Revision": outputs["broker_configuration"]["revision"],
    }
    revision = mq.describe_configuration_revision(
        ConfigurationId=current["Id"], ConfigurationRevision=str(current["Revision"])
    )
    xml = base64.b64decode(revision["Data"]).decode()
    assert all(f'physicalName="{queue}"' in xml for queue in names.QUEUES)


def assert_the_worker_is_told_names_that_exist(outputs: dict[str, Any], account: Any) -> None:
    """Every parameter that the task definition names can be read."""
    arn, ssm = outputs["task_definition_arn"], account.client("ssm")
    definition = account.client("ecs").describe_task_definition(taskDefinition=arn)
    (container,) = definition["taskDefinition"]["containerDefinitions"]
    environment = {item["name"]: item["value"] for item in container["environment"]}
    wanted = [value for name, value in environment.items() if name.endswith("_PARAM")]
    for name in wanted:
        assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert (container["name"], len(wanted)) == ("grading-worker", 11)
    assert environment["GRADING_BUCKET"] == outputs["bucket_name"]
    assert environment["AWS_REGION"] == "ap-northeast-2"
