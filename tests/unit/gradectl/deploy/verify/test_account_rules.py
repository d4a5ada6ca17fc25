"""Each check fires on its fault, and stays silent without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradectl.adapters.aws.models import BrokerNode, DatabaseNode, Simulation, StoredImage
from gradectl.deploy.verify import account_rules as rules
from gradectl.deploy.verify.results import CheckResult
from gradectl.validation.amazon_mq import amazon_mq_rules

REGION = "ap-northeast-2"
IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/dev-grading-worker:abc"
DIGEST = "sha256:" + "0" * 64
BROKER = BrokerNode(
    "b-1", "dev-grading-mq", "RUNNING", "ACTIVEMQ", False, ("s",), ("g",), ("c-1", 2)
)
DATABASE = DatabaseNode("dev-grading", "available", "vpc-1", 3306, False, ("s",), ("g",))
WANTED = {"/dev/mq/username": "String", "/dev/mq/password": "SecureString"}

FORCED = '<forcePersistencyModeBrokerPlugin persistenceFlag="true"/>'


def image(
    name: str = IMAGE, stored: StoredImage | None = None, architecture: str = "X86_64"
) -> CheckResult:
    return rules.image_state(name, stored, architecture, REGION)


def bucket(*, exists: bool = True, versioned: bool = True, encrypted: bool = True) -> CheckResult:
    return rules.bucket_state(
        "b", exists=exists, versioned=versioned, encrypted=encrypted, name="dev"
    )


def parameters(found: dict[str, str], *, applied: bool = True) -> CheckResult:
    return rules.parameter_states(WANTED, found, applied=applied, name="dev")


def named(*, exists: bool, managed: bool, foreign: bool = False) -> CheckResult:
    return rules.name_states([rules.NamedResource("bucket b", exists, managed, foreign)])


def roles(*, exists: bool) -> CheckResult:
    return rules.role_states({"AWSServiceRoleForRDS": exists}, {"AWSServiceRoleForRDS": "rds"})


def broker_xml(text: str, *, ours: bool = True) -> CheckResult:
    return rules.configuration_text_state(text, amazon_mq_rules(), ours=ours)


def persistence(plugins: str) -> CheckResult:
    return rules.persistence_state(f"<broker><plugins>{plugins}</plugins></broker>")


def simulated(decision: str) -> CheckResult:
    role = "arn:aws:iam::123456789012:role/dev-grading-task"
    decisions = {"s3:GetObject": "allowed", "s3:PutObject": decision}
    return rules.permission_state("task role", [Simulation(role, decisions)])


def policies(count: int, *existing: str, own: tuple[str, ...] = ("mq", "tasks")) -> CheckResult:
    names = [*(f"policy-{number}" for number in range(count)), *existing]
    return rules.log_policy_state(names, own)


def quota(used: float, *, hard: bool = True) -> CheckResult:
    return rules.quota_state(rules.QuotaUse("VPCs", 5, used, 1, hard, "ask for more"))


@pytest.mark.parametrize(
    ("result", "state", "words"),
    [
        (rules.region_state(REGION, {REGION: "opt-in-not-required"}), "ok", REGION),
        (rules.region_state(REGION, {"eu-west-1": "opted-in"}), "failed", "eu-west-1"),
        (rules.region_state(REGION, {REGION: "not-opted-in"}), "failed", "enable-region"),
        (bucket(), "ok", "versioned and encrypted"),
        (bucket(exists=False), "failed", "gradectl bootstrap dev"),
        (bucket(versioned=False), "failed", "not versioned"),
        (bucket(encrypted=False), "failed", "not encrypted"),
        (image(stored=StoredImage(DIGEST, ("amd64",))), "ok", "amd64"),
        (
            image(stored=StoredImage(DIGEST, ("amd64", "arm64")), architecture="ARM64"),
            "ok",
            "arm64",
        ),
        (image(stored=StoredImage(DIGEST)), "ok", "could not be read"),
        (image(), "failed", "does not exist"),
        (image(stored=StoredImage(DIGEST, ("amd64",)), architecture="ARM64"), "failed", "ARM64"),
        (image("ghcr.io/team/worker:1"), "not checked", "not in ECR"),
        (parameters(WANTED), "ok", "encrypted"),
        (parameters({"/dev/mq/username": "String"}), "failed", "/dev/mq/password"),
        (parameters(dict.fromkeys(WANTED, "String")), "failed", "/dev/mq/password is String"),
        (parameters({}, applied=False), "not applicable", "created by apply"),
        (parameters(dict.fromkeys(WANTED, "String"), applied=False), "failed", "is String"),
        (named(exists=False, managed=False), "ok", "1 free"),
        (named(exists=True, managed=True), "ok", "1 managed"),
        (named(exists=True, managed=False), "failed", "not in the Terraform state"),
        (named(exists=True, managed=False, foreign=True), "failed", "another account"),
        (quota(4), "ok", "4 of 5 used"),
        (quota(5), "failed", "ask for more"),
        (quota(5, hard=False), "warning", "ask for more"),
        (policies(8), "ok", "8 of 10 used, 2 needed"),
        (policies(9), "failed", "cannot be raised"),
        (policies(9, "mq"), "failed", "1 needed"),
        (policies(8, "mq", "tasks"), "ok", "0 needed"),
        (policies(10, own=()), "not applicable", "none"),
        (roles(exists=True), "ok", "AWSServiceRoleForRDS"),
        (roles(exists=False), "warning", "create-service-linked-role"),
        (simulated("allowed"), "ok", "2 actions"),
        (simulated("implicitDeny"), "failed", "add it to the role's policies"),
        (simulated("explicitDeny"), "failed", "explicit Deny"),
        (rules.database_state(DATABASE, "dev-grading"), "ok", "available"),
        (rules.database_state(None, "dev-grading"), "failed", "does not exist"),
        (rules.database_state(replace(DATABASE, status="stopped"), "d"), "failed", "stopped"),
        (rules.database_state(replace(DATABASE, status="modifying"), "d"), "warning", "wait"),
        (broker_xml("<broker/>"), "ok", "all accepted by Amazon MQ"),
        (broker_xml("<broker>"), "failed", "invalid XML"),
        (
            broker_xml("<broker><shutdownHooks/></broker>"),
            "failed",
            "broker/shutdownHooks (line 1)",
        ),
        (broker_xml('<broker dataDirectory="/x"/>'), "failed", "broker@dataDirectory"),
        (persistence(f"<statisticsBrokerPlugin/>{FORCED}"), "ok", "of every producer"),
        (persistence(FORCED.replace('"', "'")), "ok", "of every producer"),
        (persistence("<statisticsBrokerPlugin/>"), "warning", "lost with the broker"),
        (persistence("<forcePersistencyModeBrokerPlugin/>"), "warning", FORCED),
        (persistence(FORCED.replace("true", "false")), "warning", FORCED),
        (persistence(f"<!-- {FORCED} -->"), "warning", FORCED),
    ],
)
def test_a_fact_leads_to_a_state(result: CheckResult, state: str, words: str) -> None:
    """The result has the fact or the next step, and a failed one always has a next step."""
    assert result.state.value == state
    assert words in f"{result.found} {result.next_step}"
    assert result.next_step or state != "failed"


@pytest.mark.parametrize(
    ("broker", "wanted", "states"),
    [
        (BROKER, ("", 0), ["ok"]),
        (BROKER, ("c-1", 2), ["ok", "ok"]),
        (replace(BROKER, pending=("c-1", 3)), ("c-1", 3), ["ok", "warning"]),
        (BROKER, ("c-1", 3), ["ok", "failed"]),
        (replace(BROKER, state="REBOOT_IN_PROGRESS"), ("c-1", 2), ["warning", "ok"]),
        (replace(BROKER, state="CRITICAL_ACTION_REQUIRED"), ("", 0), ["failed"]),
        (replace(BROKER, engine="RABBITMQ"), ("", 0), ["failed"]),
    ],
)
def test_a_broker_must_run_with_the_configuration_of_the_state(
    broker: BrokerNode, wanted: tuple[str, int], states: list[str]
) -> None:
    """A revision that waits for a reboot is a warning, another one an error."""
    assert [one.state.value for one in rules.broker_state(broker, wanted, "dev")] == states


@pytest.mark.parametrize(
    ("image_name", "reference"),
    [
        (IMAGE, "abc"),
        (f"{IMAGE}@{DIGEST}", DIGEST),
        (IMAGE.replace(":abc", f"@{DIGEST}"), DIGEST),
        (IMAGE.replace(":abc", ""), "latest"),
    ],
)
def test_the_name_of_an_image_in_ecr_is_parsed(image_name: str, reference: str) -> None:
    """A digest takes precedence over a tag."""
    parts = rules.ecr_image(image_name)

    assert parts == rules.EcrImage("123456789012", REGION, "dev-grading-worker", reference)
