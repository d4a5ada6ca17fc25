"""An environment without an API gets one with all ways to return a result, and loses it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from gradectl.environment import Environment
from lives.recorded_actions import not_allowed, recorded_actions

#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait
VALUES = {
    "db_admin_password": "a-Password-of-the-database-1",
    "emulated": True,
    "enable_data_protection": False,
    "environment_name": "test",
    "grading_container_image": "example.com/grader:1.0",
    "s3_bucket_name": "test-grading-files-of-the-api",
    "use_sqs_queue": True,
}
WEB_PASSWORD = "a-Password-of-the-api-1"
REDIS_PASSWORD = "a-Password-of-redis-1"
WEBHOOK_SECRET = "whsec_YS1TZWNyZXQtb2Ytd2ViaG9va3MtZm9yLXRlc3Rz"
HEADER_SECRET = "a-Token-of-a-receiver-1"
SECRETS = {
    "TF_VAR_db_web_password": WEB_PASSWORD,
    "TF_VAR_redis_password": REDIS_PASSWORD,
    "TF_VAR_webhook_header_secrets": json.dumps({"lms.example.com": {"X-Token": HEADER_SECRET}}),
    "TF_VAR_webhook_secret": WEBHOOK_SECRET,
}
SWITCHES = ("enable_api", "enable_functions", "enable_redis", "enable_webhooks")
#: What the API alone has, and what is not there without it.
_OF_THE_API = ("module.web[0]", "module.redis[0]", "module.db_web_parameters[0]")


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give the root with values that are right with and without an API."""
    certificate = account.client("acm").request_certificate(DomainName="api.example.com")
    values = {
        **VALUES,
        "web_certificate_arn": certificate["CertificateArn"],
        "web_cidr_blocks": ["203.0.113.0/24"],
        "web_domain_name": "api.example.com",
        "web_hosted_zone_id": hosted_zone(account.client("route53")),
        "web_waf": {},
        "webhook_allowed_hosts": ["lms.example.com"],
        "webhook_private_hosts": ["lms.example.com"],
    }
    files = {
        "backend_override.tf": LOCAL_BACKEND,
        "api.auto.tfvars.json": json.dumps(values),
    }
    root = terraform_folder("environments", files).within(AWS_ENDPOINT_URL=account.url, **SECRETS)
    root.run("init", "-no-color", "-input=false")
    return root


def hosted_zone(route53: Any) -> str:
    """Create a zone whose ID begins with Z, as all of AWS do and only some of moto."""
    while True:
        zone = route53.create_hosted_zone(Name="example.com", CallerReference=str(uuid4()))
        zone_id = str(zone["HostedZone"]["Id"]).rpartition("/")[2]
        if zone_id.startswith("Z"):
            return zone_id


def live(root: Any, account: Any) -> None:
    """
    Apply without the API, with it, without it again, and destroy.

    Turning it on replaces nothing of what runs, a plan afterwards is empty, secrets are in SSM
    alone, and turning it off leaves what was there before.
    """
    root.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    before = set(root.run("state", "list").split())
    assert not [address for address in before if address.startswith(_OF_THE_API)]

    on = [f"-var={switch}=true" for switch in SWITCHES]
    assert_nothing_is_replaced(root.plan(*on))
    with recorded_actions(account.url) as actions:
        root.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE, *on)
    assert root.attempt("plan", "-no-color", "-detailed-exitcode", *on).returncode == 0
    outputs = json.loads(root.run("output", "-json"))
    applied = {name: output["value"] for name, output in outputs.items()}
    assert_secrets_are_in_ssm_and_not_in_the_state(root, applied, account.client("ssm"))
    assert_the_api_runs_behind_the_load_balancer(applied, account)
    assert parameters_of(applied["task_definition_arn"], account) == 8

    with recorded_actions(account.url) as off:
        root.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    assert_the_policies_allow(actions | off)
    assert set(root.run("state", "list").split()) == before
    root.run("destroy", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    assert root.run("state", "list").strip() == ""
    assert account.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert account.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []


def assert_the_policies_allow(actions: set[str]) -> None:
    """All calls that turn the API on and off are in the policies of a person who applies."""
    services = {each.partition(":")[0] for each in actions}
    environment = Environment(
        schema_version=1,
        name="test",
        account_id="123456789012",
        region="ap-northeast-2",
        variables={"enable_api": True, "enable_redis": True, "web_hosted_zone_id": "Z0"},
    )
    denied = not_allowed(actions, environment)
    denied.discard("iam:GetUser")  # only without a check of credentials, and sts answers then
    denied.discard("kms:Decrypt")  # the account's key of SSM allows it to all who may read

    assert {"elasticache", "elasticloadbalancing", "route53", "wafv2"} <= services
    assert not denied, denied


def assert_nothing_is_replaced(plan: dict[str, Any]) -> None:
    """Only the workers' task definition is new, because their environment is."""
    replaced = [
        change["address"]
        for change in plan["resource_changes"]
        if "delete" in change["change"]["actions"]
    ]
    assert replaced == ["module.ecs_grading.aws_ecs_task_definition.this"]


def assert_secrets_are_in_ssm_and_not_in_the_state(
    root: Any, outputs: dict[str, Any], ssm: Any
) -> None:
    """The secrets of TF_VAR_* went where they are needed and nowhere else."""
    state, names = root.run("state", "pull"), outputs["parameter_names"]
    secrets = {
        names["db-web"]["password"]: WEB_PASSWORD,
        names["redis"]["password"]: REDIS_PASSWORD,
        names["webhook"]["headers"]: HEADER_SECRET,
        names["webhook"]["secret"]: WEBHOOK_SECRET,
    }
    for name, secret in secrets.items():
        stored = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert stored["Type"] == "SecureString"
        assert secret in stored["Value"]
        assert secret not in state


def assert_the_api_runs_behind_the_load_balancer(outputs: dict[str, Any], account: Any) -> None:
    """Its service has the target group of the listener, and names parameters that exist."""
    ecs, balancers = account.client("ecs"), account.client("elbv2")
    (service,) = ecs.describe_services(
        cluster=outputs["cluster_name"], services=[outputs["api_service_name"]]
    )["services"]
    (group,) = balancers.describe_target_groups()["TargetGroups"]
    assert service["loadBalancers"][0]["targetGroupArn"] == group["TargetGroupArn"]
    assert (group["TargetType"], group["HealthCheckPath"]) == ("ip", "/health")

    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    (container,) = definition["taskDefinition"]["containerDefinitions"]
    assert container["command"] == ["grader", "api"]
    assert parameters_of(service["taskDefinition"], account) == 6


def parameters_of(task_definition: str, account: Any) -> int:
    """Count the parameters that a task names; all exist, and its role may read them."""
    ecs, iam, ssm = map(account.client, ("ecs", "iam", "ssm"))
    task = ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
    (container,) = task["containerDefinitions"]
    settings = {item["name"]: item["value"] for item in container["environment"]}
    wanted = [value for name, value in settings.items() if name.endswith("_PARAM")]
    role = task["taskRoleArn"].rpartition("/")[2]
    policies = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    readable = {
        resource
        for policy in policies
        for statement in policy["Statement"]
        if "ssm:GetParameters" in statement["Action"]
        for resource in statement["Resource"]
    }
    found = ssm.get_parameters(Names=wanted, WithDecryption=True)

    assert found["InvalidParameters"] == []
    assert {each["ARN"] for each in found["Parameters"]} <= readable
    return len(wanted)
