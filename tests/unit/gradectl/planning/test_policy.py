"""Each rule of the policy fires on what it forbids, and on nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from plans import item, plan_of

from gradectl.errors import ConfigurationError, RefusedError
from gradectl.planning.cost import CostChange, CostLine, Estimate, Price
from gradectl.planning.plan import Plan
from gradectl.planning.policy import (
    Allowance,
    Evaluation,
    Policy,
    Rule,
    evaluate,
    matches,
)
from gradectl.planning.policy_file import enforce, read_policy

NOTHING = CostChange(Estimate(()), Estimate(()))
SECRET = "Sentinel-8f3a61c2d94b"

#: Shaped like an access key, and none.
KEY = "AKIA" + 16 * "X"


def found(rule: Rule, plan: Plan, named: Sequence[str] = (), **policy: Any) -> list[str]:
    """The addresses that one rule refuses."""
    evaluation = evaluate(Policy(frozenset({rule}), **policy), plan, NOTHING, named)
    assert all(each.rule is rule for each in evaluation.violations)
    assert SECRET not in str(evaluation)
    return [each.address for each in evaluation.violations]


# --- loss of data ---

LOSS = plan_of(item("module.database.aws_db_instance.this[0]", None, {"identifier": "x"}))


def test_a_lost_database_is_refused() -> None:
    """Its data cannot be recreated."""
    assert found(Rule.DATA_LOSS, LOSS) == ["module.database.aws_db_instance.this[0]"]


def test_a_named_loss_is_allowed() -> None:
    """On the command line for once, or in the file with a reason."""
    address = "module.database.aws_db_instance.this[0]"
    allowance = Allowance(Rule.DATA_LOSS, address, "moved to the new cluster")

    assert found(Rule.DATA_LOSS, LOSS, [address]) == []
    assert found(Rule.DATA_LOSS, LOSS, allowances=(allowance,)) == []
    assert found(Rule.DATA_LOSS, LOSS, ["module.database.aws_db_instance.that"]) == [address]


def test_an_allowance_is_for_one_rule() -> None:
    """An exception from another rule does not lose data."""
    other = Allowance(Rule.CLEAR_SECRETS, "*", "a test")

    assert found(Rule.DATA_LOSS, LOSS, allowances=(other,))


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(item("aws_db_instance.this", {"identifier": "y"}, {"identifier": "x"})),
        plan_of(item("aws_security_group.this", None, {})),
        plan_of(item("aws_db_instance.this", {})),
    ],
)
def test_what_keeps_its_data_is_not_a_loss(plan: Plan) -> None:
    """An update, a group without data, and a new database."""
    assert found(Rule.DATA_LOSS, plan) == []


# --- public exposure ---

OPEN = {"from_port": 5432, "to_port": 5432, "cidr_ipv4": "0.0.0.0/0"}
WEB = {"from_port": 443, "to_port": 443, "cidr_ipv4": "0.0.0.0/0"}
BLOCKED = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"),
    True,
)


def statement(**parts: Any) -> dict[str, Any]:
    """A bucket policy with one statement."""
    return {"policy": json.dumps({"Statement": [{"Action": "s3:GetObject", **parts}]})}


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("aws_mq_broker.this", {"publicly_accessible": True}),
        ("aws_db_instance.this", {"publicly_accessible": True}),
        ("aws_ecs_service.this", {"network_configuration": [{"assign_public_ip": True}]}),
        (
            "aws_launch_template.this",
            {"network_interfaces": [{"associate_public_ip_address": "true"}]},
        ),
        ("aws_s3_bucket_public_access_block.this", {**BLOCKED, "block_public_policy": False}),
        ("aws_s3_bucket_public_access_block.this", {"block_public_acls": True}),
        ("aws_s3_bucket_acl.this", {"acl": "public-read"}),
        ("aws_s3_bucket_policy.this", statement(Effect="Allow", Principal="*")),
        ("aws_sqs_queue_policy.this", statement(Effect="Allow", Principal={"AWS": "*"})),
        ("aws_vpc_security_group_ingress_rule.broker", OPEN),
        ("aws_vpc_security_group_ingress_rule.broker", {**WEB}),
        ("aws_vpc_security_group_ingress_rule.load_balancer", OPEN),
        ("aws_vpc_security_group_ingress_rule.load_balancer_2", WEB),
        ("aws_vpc_security_group_ingress_rule.a", {**OPEN, "cidr_ipv4": "128.0.0.0/1"}),
        ("aws_vpc_security_group_ingress_rule.a", {"cidr_ipv6": "::/0"}),
        ("aws_security_group.this", {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}),
        ("aws_security_group_rule.this", {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"]}),
    ],
)
def test_what_is_public_is_refused(address: str, values: dict[str, Any]) -> None:
    """Also when this plan does not change it."""
    assert found(Rule.PUBLIC_EXPOSURE, plan_of(item(address, values))) == [address]
    assert found(Rule.PUBLIC_EXPOSURE, plan_of(item(address, values, values))) == [address]


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("aws_mq_broker.this", {"publicly_accessible": False}),
        ("aws_ecs_service.this", {"network_configuration": [{"assign_public_ip": False}]}),
        ("aws_s3_bucket_public_access_block.this", BLOCKED),
        ("aws_s3_bucket_acl.this", {"acl": "private"}),
        ("aws_s3_bucket_policy.this", statement(Effect="Deny", Principal="*")),
        (
            "aws_s3_bucket_policy.this",
            statement(Effect="Allow", Principal="*", Condition={"StringEquals": {"a": "b"}}),
        ),
        ("aws_s3_bucket_policy.this", statement(Effect="Allow", Principal={"Service": "s3"})),
        ("aws_s3_bucket_policy.this", {}),
        ('aws_vpc_security_group_ingress_rule.load_balancer["0.0.0.0/0-443"]', WEB),
        ("module.n.aws_vpc_security_group_ingress_rule.load_balancer", WEB),
        ("aws_vpc_security_group_ingress_rule.a", {**OPEN, "cidr_ipv4": "10.0.0.0/8"}),
        ("aws_vpc_security_group_ingress_rule.a", {"referenced_security_group_id": "sg-1"}),
        ("aws_security_group_rule.this", {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}),
        ("aws_vpc_security_group_egress_rule.this", {"cidr_ipv4": "0.0.0.0/0"}),
        ("aws_lb.this", {"internal": False}),
    ],
)
def test_what_is_private_or_the_public_entrance_is_not_refused(
    address: str, values: dict[str, Any]
) -> None:
    """The load balancer may listen to everyone on 80 and 443; nothing else may."""
    assert found(Rule.PUBLIC_EXPOSURE, plan_of(item(address, values))) == []


def test_after_the_first_apply_the_group_of_the_load_balancer_decides() -> None:
    """The name of a rule does not open another group."""

    def plan(group: str) -> Plan:
        rule = {**WEB, "security_group_id": group}
        return plan_of(
            item("aws_lb.this", {"internal": False, "security_groups": ["sg-1"]}),
            item("aws_vpc_security_group_ingress_rule.load_balancer", rule),
        )

    assert found(Rule.PUBLIC_EXPOSURE, plan("sg-1")) == []
    assert found(Rule.PUBLIC_EXPOSURE, plan("sg-2")) == [
        "aws_vpc_security_group_ingress_rule.load_balancer"
    ]


def test_a_bucket_that_loses_its_public_access_block_is_refused() -> None:
    """Deleting both is not an exposure."""
    block = item("aws_s3_bucket_public_access_block.this", None, BLOCKED)
    kept = plan_of(block, item("aws_s3_bucket.this", {"bucket": "b"}, {"bucket": "b"}))
    gone = plan_of(block, item("aws_s3_bucket.this", None, {"bucket": "b"}))

    assert found(Rule.PUBLIC_EXPOSURE, kept) == ["aws_s3_bucket_public_access_block.this"]
    assert found(Rule.PUBLIC_EXPOSURE, gone) == []


# --- secrets in clear text ---


def container(name: str, value: str) -> dict[str, Any]:
    """A task definition with one variable."""
    variables = [{"name": name, "value": value}]
    return {"container_definitions": json.dumps([{"name": "w", "environment": variables}])}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("address", "values", "change"),
    [
        ("aws_ecs_task_definition.this", container("DB_PASSWORD", SECRET), {}),
        ("aws_ecs_task_definition.this", container("webhookSecret", SECRET), {}),
        ("aws_ecs_task_definition.this", container("URL", f"https://u:{SECRET}@example.com"), {}),
        ("aws_ssm_parameter.this", {"name": "/dev/mq/password", "value": SECRET}, {}),
        ("aws_example.this", {"auth": {"api_key": SECRET}}, {}),
        ("aws_launch_template.this", {"user_data": encoded(f"export K={KEY}")}, {}),
        ("aws_example.this", {"text": "-----BEGIN RSA PRIVATE KEY-----"}, {}),
        (
            "aws_db_instance.this",
            {"password": SECRET},
            {"after_sensitive": {"password": True}},
        ),
        (
            "aws_ssm_parameter.this",
            {"type": "SecureString", "value": SECRET},
            {"after_sensitive": {"value": True}},
        ),
        (
            "aws_mq_broker.this",
            {"user": [{"username": "admin", "password": SECRET}]},
            {"after_sensitive": {"user": True}, "after_unknown": {"user": [{"groups": [False]}]}},
        ),
    ],
)
def test_a_secret_in_clear_text_or_in_the_state_is_refused(
    address: str, values: dict[str, Any], change: dict[str, Any]
) -> None:
    """The message names the attribute and never the value; `found` checks that."""
    assert found(Rule.CLEAR_SECRETS, plan_of(item(address, values, **change))) == [address]


@pytest.mark.parametrize(
    ("address", "values", "change"),
    [
        ("aws_ecs_task_definition.this", container("DB_PASSWORD_PARAM", "/dev/db/password"), {}),
        ("aws_ecs_task_definition.this", container("DB_PASSWORD", "/dev/db/password"), {}),
        ("aws_ecs_task_definition.this", container("LOG_LEVEL", "DEBUG"), {}),
        ("aws_ssm_parameter.this", {"name": "/dev/mq/username", "value": "admin"}, {}),
        (
            "aws_ssm_parameter.this",
            {"name": "/dev/mq/password", "type": "SecureString", "value_wo_version": 1},
            {"after_unknown": {"value": True}},
        ),
        ("aws_launch_template.this", {"metadata_options": [{"http_tokens": "required"}]}, {}),
        ("aws_example.this", {"secret_arn": "arn:aws:secretsmanager:x:1:secret:a"}, {}),
        ("aws_db_instance.this", {"password": None, "password_wo_version": 3}, {}),
        (
            "aws_ssm_parameter.this",
            {"type": "SecureString", "value": "", "has_value_wo": True},
            {"after_sensitive": {"value": True}},
        ),
        (
            "aws_mq_broker.this",
            {"user": [{"username": "admin"}]},
            {"after_sensitive": {"user": True}, "after_unknown": {"user": [{"password": True}]}},
        ),
    ],
)
def test_the_address_of_a_secret_is_not_a_secret(
    address: str, values: dict[str, Any], change: dict[str, Any]
) -> None:
    """Nor is a write-only value, or one that is generated during the apply."""
    assert found(Rule.CLEAR_SECRETS, plan_of(item(address, values, **change))) == []


def test_an_output_in_clear_text_is_refused() -> None:
    """Outputs are in the state and on the terminal."""
    outputs = {
        "admin_password": {"sensitive": False, "value": SECRET},
        "password_parameter": {"sensitive": False, "value": "/dev/mq/password"},
        "token": {"sensitive": True, "value": SECRET},
    }

    plan = plan_of(planned_values={"outputs": outputs})

    assert found(Rule.CLEAR_SECRETS, plan) == ["output admin_password"]


# --- Spot in exam hours ---


def exam(base: int, minimum: str, *, spot: int = 1, usual: int = 1) -> Plan:
    """Workers on Spot with a schedule."""
    strategy = [
        {"capacity_provider": "FARGATE", "base": base, "weight": 1},
        {"capacity_provider": "FARGATE_SPOT", "base": 0, "weight": spot},
    ]
    action = {"min_capacity": minimum, "max_capacity": "40"}
    return plan_of(
        item("module.w.aws_ecs_service.this", {"capacity_provider_strategy": strategy}),
        item("module.w.aws_appautoscaling_target.this", {"min_capacity": usual}),
        item(
            'module.w.aws_appautoscaling_scheduled_action.this["exam"]',
            {"scalable_target_action": [action]},
        ),
    )


def test_spot_in_exam_hours_is_refused() -> None:
    """AWS could take four of the five workers in the middle of the exam."""
    assert found(Rule.SPOT_IN_EXAM_HOURS, exam(1, "5")) == [
        'module.w.aws_appautoscaling_scheduled_action.this["exam"]'
    ]


@pytest.mark.parametrize(
    "plan",
    [
        exam(5, "5"),
        exam(1, "5", spot=0),
        exam(0, "2", usual=2),
        exam(0, "0"),
        exam(0, ""),
    ],
    ids=["all on Fargate", "no Spot", "not raised", "at night", "only a maximum"],
)
def test_guaranteed_workers_on_fargate_are_not_refused(plan: Plan) -> None:
    """Spot beyond the minimum of the exam, and schedules that do not raise the minimum."""
    assert found(Rule.SPOT_IN_EXAM_HOURS, plan) == []


# --- cost ---


def costs(usd: float | None) -> CostChange:
    """A month with one line."""
    price = Price("x", "r", usd, "hour", "s", "d")
    return CostChange(Estimate(()), Estimate((CostLine("aws_x.y", "x", 1, 2, price),)))


def refused(cost: CostChange, **policy: Any) -> Evaluation:
    return evaluate(Policy(**policy), plan_of(), cost)


def test_a_cost_above_the_limit_is_refused() -> None:
    """With the most tasks: 2 x 60 is above 100."""
    (violation,) = refused(costs(60), max_monthly_usd=100).violations

    assert str(violation).startswith("monthly_cost: up to 120.00 USD a month, the limit is 100.00")


def test_a_cost_below_the_limit_or_without_one_is_not_refused() -> None:
    """A limit of exactly the cost is kept."""
    assert not refused(costs(60), max_monthly_usd=120).violations
    assert not refused(costs(60)).violations


def test_an_unknown_price_is_above_the_limit_when_the_policy_says_so() -> None:
    """Otherwise it is shown, and not counted."""
    assert not refused(costs(None), max_monthly_usd=1).violations
    (violation,) = refused(costs(None), max_monthly_usd=1, refuse_unknown_prices=True).violations
    assert violation.address == "aws_x.y"


def test_a_rule_that_is_off_finds_nothing() -> None:
    """Without a policy an apply behaves as before."""
    assert evaluate(Policy(), LOSS, costs(1e9)) == Evaluation()


def test_what_is_allowed_is_shown_with_its_reason() -> None:
    """An exception is visible in each plan."""
    allowance = Allowance(Rule.DATA_LOSS, "module.*", "a test")
    policy = Policy(frozenset(Rule), allowances=(allowance,))

    ((violation, shown),) = evaluate(policy, LOSS, NOTHING).allowed

    assert (violation.rule, shown.reason) == (Rule.DATA_LOSS, "a test")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('aws_x.y["a"]', True),
        ("aws_x.*", True),
        ('aws_x.?["a"]', False),
        ("aws_x.y[a]", False),
        ('AWS_X.y["a"]', False),
    ],
)
def test_only_the_asterisk_is_special(pattern: str, expected: bool) -> None:
    """Brackets and quotes are part of addresses."""
    assert matches(pattern, 'aws_x.y["a"]') is expected


# --- the file ---


def project(root: Path, text: str) -> Path:
    """A project with two environments and a policy."""
    for name in ("dev", "production"):
        folder = root / "environments" / name
        folder.mkdir(parents=True)
        (folder / "environment.yaml").write_text("")
    (root / "environments" / "policy.yaml").write_text(text)
    return root


def test_a_rule_that_the_file_leaves_out_refuses(tmp_path: Path) -> None:
    """A policy is complete from its first line."""
    found_policy = read_policy(project(tmp_path, "schema_version: 1\n"), "dev")

    assert found_policy
    assert found_policy.rules == set(Rule) - {Rule.MONTHLY_COST}
    assert found_policy.max_monthly_usd is None


def test_without_a_file_there_is_no_policy(tmp_path: Path) -> None:
    """It is optional."""
    assert read_policy(tmp_path, "dev") is None


def test_an_environment_overrides_values_and_adds_to_lists(tmp_path: Path) -> None:
    """Other environments are not affected."""
    text = """
schema_version: 1
rules: {public_exposure: allow}
max_monthly_usd: 100
allow: [{rule: data_loss, resource: aws_a.b, reason: old}]
environments:
  dev:
    rules: {data_loss: allow}
    max_monthly_usd: 50
    unknown_prices: refuse
    allow: [{rule: clear_secrets, resource: aws_c.d, reason: new}]
    ignore_drift: [{resource: aws_e.f, attributes: [tags], reason: set by a team}]
"""
    root = project(tmp_path, text)
    dev, production = read_policy(root, "dev"), read_policy(root, "production")

    assert dev
    assert production
    assert dev.rules == {Rule.CLEAR_SECRETS, Rule.SPOT_IN_EXAM_HOURS}
    assert (dev.max_monthly_usd, production.max_monthly_usd) == (50, 100)
    assert (dev.refuse_unknown_prices, production.refuse_unknown_prices) == (True, False)
    assert [each.reason for each in dev.allowances] == ["old", "new"]
    assert [each.reason for each in production.allowances] == ["old"]
    assert [each.resource for each in dev.ignored_drift] == ["aws_e.f"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema_version: 2\n", "schema_version"),
        ("schema_version: 1\nrule: {}\n", "unknown key 'rule'"),
        ("schema_version: 1\nrules: {data_loss: warn}\n", "rules.data_loss"),
        ("schema_version: 1\nrules: {dataloss: allow}\n", "unknown key 'rules.dataloss'"),
        ("schema_version: 1\nmax_monthly_usd: -1\n", "max_monthly_usd"),
        ("schema_version: 1\nmax_monthly_usd: .nan\n", "max_monthly_usd"),
        ("schema_version: 1\nallow: [{rule: data_loss, resource: a}]\n", "reason"),
        ("schema_version: 1\nallow: [{rule: loss, resource: a, reason: b}]\n", "rule"),
        ("schema_version: 1\nenvironments: {prodution: {}}\n", "no environment 'prodution'"),
        ("schema_version: 1\nenvironments: {dev: {environments: {}}}\n", "unknown key"),
        ("- 1\n", "must be a mapping"),
        ("a: [\n", "invalid YAML"),
    ],
)
def test_an_invalid_policy_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    """A policy that is ignored because of a typing mistake would protect nothing."""
    with pytest.raises(ConfigurationError) as caught:
        read_policy(project(tmp_path, text), "production")

    assert caught.value.where == "environments/policy.yaml"
    assert said in caught.value.what


def test_the_shipped_policy_is_valid_for_each_environment() -> None:
    """Disposable environments may lose their data, and only those."""
    root = Path(__file__).resolve().parents[4]
    rules = {name: read_policy(root, name) for name in ("dev", "local", "production")}

    assert [name for name, each in rules.items() if each and Rule.DATA_LOSS in each.rules] == [
        "production"
    ]
    assert all(each and Rule.PUBLIC_EXPOSURE in each.rules for each in rules.values())


def test_a_refusal_lists_all_violations_and_the_way_out() -> None:
    """One run shows everything; exit code 5."""
    evaluation = evaluate(Policy(frozenset(Rule), max_monthly_usd=1), LOSS, costs(60))

    with pytest.raises(RefusedError) as caught:
        enforce(evaluation)

    assert "2 reasons" in caught.value.what
    assert "module.database.aws_db_instance.this[0]: delete loses its data" in caught.value.what
    assert "environments/policy.yaml" in caught.value.next_step
    enforce(Evaluation())
