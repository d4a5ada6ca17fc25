"""No secret is in clear text in a resource, an output or the state."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from plans import item, plan_of
from policy_rules import SECRET, found

from gradectl.planning.policy import Rule

#: Shaped like an access key, and none.
KEY = "AKIA" + 16 * "X"


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
        (
            "aws_elasticache_replication_group.this",
            {"auth_token": SECRET},
            {"after_sensitive": {"auth_token": True}},
        ),
        (
            "aws_elasticache_replication_group.this",
            {"auth_token": SECRET},
            {
                "actions": ["update"],
                "before": {"auth_token": "random"},
                "before_sensitive": {"auth_token": True},
                "after_sensitive": {"auth_token": True},
            },
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
        (
            "aws_elasticache_replication_group.this",
            {"node_type": "cache.t4g.micro"},
            {"after_sensitive": {"auth_token": True}, "after_unknown": {"auth_token": True}},
        ),
        (
            "aws_elasticache_replication_group.this",
            {"auth_token": "random"},
            {
                "actions": ["update"],
                "before": {"auth_token": "random"},
                "before_sensitive": {"auth_token": True},
                "after_sensitive": {"auth_token": True},
            },
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
