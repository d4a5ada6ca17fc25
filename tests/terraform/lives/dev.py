"""The `dev` environment from its files as they are: applied, planned again, destroyed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gradectl.adapters.aws.existing import ExistingResources
from gradectl.deploy.rendering import TFVARS, rendered
from gradectl.deploy.verify.context import root_values
from gradectl.environment import load
from gradectl.planning.cost import CostLine, cost_change
from gradectl.planning.drift import drift_of
from gradectl.planning.plan import Action, Plan, parse_plan
from gradectl.planning.price_file import read_prices
from gradectl.setup.first_cost import first_estimate
from gradectl.setup.import_file import ImportBlock, import_path, import_text
from gradectl.setup.importing import search_imports
from grader.settings import WorkerSettings
from lives.recorded_actions import not_allowed, recorded_actions

ROOT = Path(__file__).resolve().parents[3]
#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait
EMULATED = "-var=emulated=true"
#: What people create by hand, and what belongs to it: an apply would not get past these.
TAKEN = (
    "module.database.aws_db_instance.this[0]",
    "module.db_parameters.aws_ssm_parameter.this",
    "module.ecs_grading.aws_cloudwatch_log_group.this",
    "module.ecs_grading.aws_ecs_cluster.this",
    "module.ecs_grading.aws_ecs_service.this",
    "module.ecs_grading.aws_iam_role.task",
    "module.network.aws_route.internet",
    "module.network.aws_route_table_association",
    "module.network.aws_security_group.this",
    "module.network.aws_vpc_security_group_ingress_rule.role",
    "module.sqs[0].aws_sqs_queue.this",
    "module.storage.aws_s3_bucket.this",
)

#: What somebody changes by hand, and the attribute that shows it.
BY_HAND = (
    ('module.network.aws_security_group.this["database"]', "ingress"),
    ("module.ecs_grading.aws_iam_role.task", "inline_policy"),
    ("module.ecs_grading.aws_cloudwatch_log_group.this", "tags"),
    ("module.ecs_grading.aws_ecs_service.this[0]", "desired_count"),
    ('module.sqs[0].aws_sqs_queue.this["requests"]', "visibility_timeout_seconds"),
)
READ_ALL = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give the root with the files of `dev`, for plain Terraform without any password."""
    files = rendered(ROOT, load(ROOT, "dev"))
    tfvars = files[ROOT / "environments" / "dev" / TFVARS]
    own = {"backend_override.tf": LOCAL_BACKEND, TFVARS: tfvars}
    root = terraform_folder("environments", own).within(AWS_ENDPOINT_URL=account.url)
    root.run("init", "-no-color", "-input=false")
    return root


def live(root: Any, account: Any) -> None:
    """
    Apply, plan and destroy.

    A second plan changes nothing and finds no drift, and because nothing is protected, one destroy
    is enough. Without its state, everything that exists is imported.
    """
    with recorded_actions(account.url) as actions:
        root.run("apply", "-no-color", "-auto-approve", EMULATED, WAITS_AT_ONCE)
    assert_the_policies_allow(actions)
    again = parse_plan(root.plan(EMULATED))
    assert_the_worker_knows_its_settings(again)
    found = drift_by_hand(root, account, again)
    made = root.run("state", "list").split()
    assert_what_exists_is_imported(root, account)
    root.run("destroy", "-no-color", "-auto-approve", EMULATED, WAITS_AT_ONCE)

    assert again.empty, again
    assert drift_of(again).found == ()
    assert found == set(BY_HAND)
    assert not [address for address in made if ".module.web" in address or "nat" in address]
    assert root.run("state", "list").strip() == ""
    assert account.client("sqs").list_queues().get("QueueUrls", []) == []
    assert account.client("rds").describe_db_instances()["DBInstances"] == []
    assert account.client("s3").list_buckets()["Buckets"] == []


def assert_the_worker_knows_its_settings(applied: Plan) -> None:
    """The queues are set with their URLs, nothing of a broker, and nothing that is not read."""
    address = "module.ecs_grading.aws_ecs_task_definition.this"
    task = next(each.before for each in applied.resources if each.address == address)
    (container,) = json.loads(task["container_definitions"])
    told = {item["name"]: item["value"] for item in container["environment"]}

    assert set(told) <= {name.upper() for name in WorkerSettings.model_fields}
    assert told["USE_SQS_QUEUE"] == "true"
    assert told["SQS_QUEUE_URL"].endswith("/dev-grading-requests")
    assert not [name for name in told if name.startswith("MQ_")]


def drift_by_hand(root: Any, account: Any, applied: Plan) -> set[tuple[str, str]]:
    """Change something outside of Terraform, look for drift, and change it back."""
    group, role, logs, service, queue = (
        next(each.before for each in applied.resources if each.address == address)
        for address, _ in BY_HAND
    )
    ec2, iam, log, ecs, sqs = map(account.client, ("ec2", "iam", "logs", "ecs", "sqs"))
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    rules = {"GroupId": group["id"], "IpPermissions": [rule]}
    policy = {"RoleName": role["name"], "PolicyName": "by-hand"}
    tasks = {"cluster": service["cluster"], "service": service["name"]}

    def hide_for(seconds: int) -> None:
        attributes = {"VisibilityTimeout": str(seconds)}
        sqs.set_queue_attributes(QueueUrl=queue["url"], Attributes=attributes)

    ec2.authorize_security_group_ingress(**rules)
    iam.put_role_policy(**policy, PolicyDocument=READ_ALL)
    log.tag_log_group(logGroupName=logs["name"], tags={"By": "hand"})
    ecs.update_service(**tasks, desiredCount=7)
    hide_for(1)
    drift = drift_of(parse_plan(root.plan("-refresh-only", EMULATED)))
    ec2.revoke_security_group_ingress(**rules)
    iam.delete_role_policy(**policy)
    log.untag_log_group(logGroupName=logs["name"], tags=["By"])
    ecs.update_service(**tasks, desiredCount=service["desired_count"])
    hide_for(queue["visibility_timeout_seconds"])
    return {(each.change.address, each.attributes[0]) for each in drift.found}


def assert_the_policies_allow(actions: set[str]) -> None:
    """All calls of the apply are in the policies of a person who applies."""
    denied = not_allowed(actions, load(ROOT, "dev"))
    denied.discard("iam:GetUser")  # only without a check of credentials, and sts answers then
    denied.discard("kms:Decrypt")  # the account's key of SSM allows it to all who may read
    services = {each.partition(":")[0] for each in actions}

    assert {"ec2", "ecs", "iam", "logs", "rds", "s3", "sqs", "ssm"} <= services
    assert not denied
    assert_the_readme_has_the_rights_on_the_key(actions)


def assert_the_readme_has_the_rights_on_the_key(actions: set[str]) -> None:
    """The provider reads each secret with its value; with an own key, that is a right."""
    readme = (ROOT / "modules/parameters/README.md").read_text()
    rights = readme.partition("The identity that runs Terraform needs on the key:")[2]

    assert "kms:Decrypt" in actions
    assert [
        action
        for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
        if action not in rights.partition("## ")[0]
    ] == []


def assert_what_exists_is_imported(root: Any, account: Any) -> None:
    """
    Lose the state, and find all resources again.

    What has a name in the account is imported and not created, and nothing of it is replaced. The
    month of this plan is the one that `gradectl init` estimates from the variables.
    """
    state = root.directory / "terraform.tfstate"
    kept = state.rename(state.with_name("kept"))
    file = import_path(root.directory.parent, "dev")

    def write(blocks: Sequence[ImportBlock]) -> None:
        file.write_text(import_text("dev", blocks))

    finder = ExistingResources(account.client)
    search = search_imports(lambda: parse_plan(root.plan(EMULATED)), finder, write)
    formatted = root.attempt("fmt", "-check", str(file))
    file.unlink()
    kept.rename(state)

    addresses = [block.address for block in search.blocks]
    created = {change.address for change in search.plan.changes if change.action is Action.CREATE}
    assert not [each for each in TAKEN if not any(one.startswith(each) for one in addresses)]
    assert not created & set(addresses)
    assert not [each for each in TAKEN if any(one.startswith(each) for one in created)]
    assert not search.replaced
    assert {one.address.rpartition(".")[0] for one in search.left_out} == {
        address.rpartition(".")[0] for address in created if ".aws_ssm_parameter.secret" in address
    }
    assert formatted.returncode == 0, formatted.stdout
    assert_the_month_is_estimated(search.plan)


def assert_the_month_is_estimated(plan: Plan) -> None:
    """All amounts of the estimate are those of the plan; it has only alarms and metrics more."""
    environment = load(ROOT, "dev")
    prices = read_prices(ROOT)
    planned = cost_change(plan, prices, environment.region).after
    estimate = first_estimate(root_values(environment), prices)

    def amounts(lines: tuple[CostLine, ...]) -> list[tuple[object, ...]]:
        return sorted(
            (line.item, line.least, line.most)
            for line in lines
            if not (line.by_use or "metric" in line.item)
        )

    assert amounts(estimate.lines) == amounts(planned.lines)
