"""The `# plans:` comments of an example are compared with its plan."""

from __future__ import annotations

import json

import pytest
from example_claims import Claim, Planned, claims, complaints

BROKER = Planned(
    "module.messaging.aws_mq_broker.this",
    {
        "deployment_mode": "SINGLE_INSTANCE",
        "logs": [{"audit": "true", "general": True}],
        "ports": [61614, 61617],
        "maintenance": [],
        "policy": json.dumps({"Statement": [{"Effect": "Deny", "Sid": "TLS"}]}),
        "arn": None,
    },
    {"arn": True, "logs": [{}]},
)
SUBNETS = [
    Planned(f'module.network.aws_subnet.private["{zone}"]', {"cidr_block": cidr}, {})
    for zone, cidr in (("a", "10.0.0.0/20"), ("c", "10.0.16.0/20"))
]
PLAN = [BROKER, *SUBNETS]


def said(text: str) -> list[str]:
    """The complaints about a claim."""
    return list(complaints(Claim(text, 7), PLAN))


@pytest.mark.parametrize(
    "text",
    [
        "resources=3",
        "aws_subnet.private=2 aws_mq_broker.this=1 aws_nat_gateway.this=0",
        'aws_subnet.private["a"]=1',
        "module.network.aws_subnet.private=2",
        'aws_mq_broker.this deployment_mode = "SINGLE_INSTANCE"',
        'aws_mq_broker.this logs.audit = "true"',
        "aws_mq_broker.this logs.general = true",
        "aws_mq_broker.this ports = [61614, 61617]",
        "aws_mq_broker.this ports.1 = 61617",
        "aws_mq_broker.this ports contains 61614",
        "aws_mq_broker.this maintenance = null",
        "aws_mq_broker.this kms = null",
        'aws_mq_broker.this policy.Statement.0.Effect = "Deny"',
        'aws_mq_broker.this policy.Statement.Sid = "TLS"',
        'aws_mq_broker.this policy contains "Deny"',
        'aws_subnet.private["c"] cidr_block = "10.0.16.0/20"',
        'aws_subnet.private cidr_block contains "10.0."',
    ],
)
def test_a_true_claim_has_no_complaint(text: str) -> None:
    """Claims cover counts, values, values inside blocks and documents, and unset attributes."""
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("aws_subnet.private=3", "the plan has aws_subnet.private=2\n    module.network."),
        ("resources=2", "the plan has resources=3\n    module.messaging.aws_mq_broker.this\n"),
        ("aws_subnet.priv=2", "the plan has aws_subnet.priv=0"),
        ('aws_mq_broker.this logs.audit = "false"', 'aws_mq_broker.this logs.audit = "true"'),
        ("aws_mq_broker.this logs.audit = true", 'aws_mq_broker.this logs.audit = "true"'),
        ("aws_mq_broker.this logs.general = 1", "aws_mq_broker.this logs.general = true"),
        ("aws_mq_broker.this logs.slow = true", 'nothing; it has [{"audit"'),
        ("aws_mq_broker.this ports.5 = 1", "nothing; it has [61614, 61617]"),
        ("aws_mq_broker.this ports contains 1", "ports = [61614, 61617]"),
        ("aws_mq_broker.this kms contains 1", "kms = nothing; it has"),
        ("aws_mq_broker.this logs = null", 'logs = [{"audit": "true"'),
        ('aws_mq_broker.this arn = "x"', "arn is known only after the apply"),
        ('aws_subnet.private cidr_block = "10.0.0.0/20"', 'private["c"] cidr_block = "10.0.16'),
        (
            'aws_subnet.public cidr_block = "x"',
            "the plan has no aws_subnet.public, only\n    module",
        ),
        ("aws_mq_broker.this mode = ACTIVE", "ACTIVE is not JSON"),
        ("twelve resources", 'expected "resources=N"'),
        ("", 'expected "resources=N"'),
    ],
)
def test_a_complaint_shows_what_the_plan_has(text: str, answer: str) -> None:
    """A reader of the failure does not have to run a plan."""
    (complaint, *_) = said(text)

    assert answer in complaint


def test_an_address_in_two_modules_must_name_its_module() -> None:
    """Otherwise the claim could match the wrong resource."""
    other = Planned("module.mq.aws_mq_broker.this", {"deployment_mode": "SINGLE_INSTANCE"}, {})
    text = 'aws_mq_broker.this deployment_mode = "SINGLE_INSTANCE"'

    assert list(complaints(Claim(text, 1), [BROKER, other])) == [
        "aws_mq_broker.this is in module.messaging., module.mq.: add the module to the address"
    ]


def test_claims_are_found_with_their_lines() -> None:
    """The failure names the line of the page."""
    text = 'module "x" {\n}\n\n# plans: resources=1\n  # plans: a b = 1  \n# plants: none\n'

    assert claims(text, 10) == [Claim("resources=1", 13), Claim("a b = 1", 14)]
