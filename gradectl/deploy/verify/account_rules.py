"""Decisions about everything but the network: facts in, results out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from gradectl.adapters.aws.models import BrokerNode, DatabaseNode, Simulation, StoredImage
from gradectl.adapters.images.architectures import ARCHITECTURES
from gradectl.deploy.verify.results import (
    CheckResult,
    failed,
    listed,
    not_applicable,
    not_checked,
    ok,
    warning,
)
from gradectl.validation.broker_rules import BrokerRules, InvalidXmlError, stripped

#: Resource policies of CloudWatch Logs in a region; this limit cannot be raised.
LOG_POLICIES = 10
_ECR = re.compile(
    r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([^@]+))?(?:@(.+))?$"
)
_IN_IMAGES = {each.name: each.image for each in ARCHITECTURES}
#: The flag is false by default; quotes and namespace prefix are free.
_FORCED = re.compile(
    r"<(?:\w+:)?forcePersistencyModeBrokerPlugin\b[^>]*\bpersistenceFlag\s*=\s*[\"']true[\"']"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SEARCHED = "implicitDeny"
_PERMITTED = (
    "https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/permitted-collections.html"
)


@dataclass(frozen=True)
class EcrImage:
    """The parts of an image's name in ECR; `reference` is a digest or a tag."""

    registry: str
    region: str
    repository: str
    reference: str


def ecr_image(image: str) -> EcrImage | None:
    """Parse the name of an image; None when it is in another registry."""
    found = _ECR.match(image)
    if not found:
        return None
    registry, region, repository, tag, digest = found.groups()
    return EcrImage(registry, region, repository, digest or tag or "latest")


def region_state(region: str, known: Mapping[str, str]) -> CheckResult:
    """Whether the account may use the region."""
    status = known.get(region)
    if status is None:
        step = f"set region in environment.yaml to one of: {listed(sorted(known))}"
        return failed("region", f"{region} is not a region of this account", step)
    if status == "not-opted-in":
        step = f"aws account enable-region --region-name {region}"
        return failed("region", f"{region} is not enabled in this account", step)
    return ok("region", region)


def bucket_state(
    bucket: str, *, exists: bool, versioned: bool, encrypted: bool, name: str
) -> CheckResult:
    """Whether the state bucket is ready."""
    check, step = "state bucket", f"gradectl bootstrap {name}"
    if not exists:
        return failed(check, f"s3://{bucket} does not exist", step)
    missing = [
        word
        for word, present in (("versioned", versioned), ("encrypted", encrypted))
        if not present
    ]
    if missing:
        return failed(check, f"s3://{bucket} is not {' and not '.join(missing)}", step)
    return ok(check, f"s3://{bucket}, versioned and encrypted")


def image_state(
    image: str, stored: StoredImage | None, architecture: str, region: str
) -> CheckResult:
    """Whether the image of the worker can be pulled, and runs on the task's platform."""
    check = "image"
    parts = ecr_image(image)
    if parts is None:
        reason = f"{image} is not in ECR"
        return not_checked(check, reason, f"docker manifest inspect {image}")
    if stored is None:
        step = f"push it to {parts.repository}, or set grading_container_image"
        return failed(check, f"{image} does not exist", step)
    wanted = _IN_IMAGES.get(architecture, architecture)
    has = ", ".join(stored.architectures)
    if stored.architectures and wanted not in stored.architectures:
        step = "build the image for it, or change ecs_architecture"
        text = f"{stored.digest} is for {has}, but ecs_architecture is {architecture} ({wanted})"
        return failed(check, text, step)
    if parts.region != region:
        step = f"push it to {region}, or allow the tasks to reach {parts.region}"
        return warning(check, f"{image} is in another region than the tasks", step)
    platform = has or "a platform that could not be read"
    return ok(check, f"{parts.repository}@{stored.digest} for {platform}")


def unreadable_image_state(image: str, parts: EcrImage, account_id: str, why: str) -> CheckResult:
    """An image of another account that this identity may not read; the tasks may all the same."""
    reason = f"{image} is in account {parts.registry} and could not be read: {why}"
    step = (
        f"add a policy to the repository {parts.repository} that allows"
        f" arn:aws:iam::{account_id}:root ecr:BatchGetImage and ecr:GetDownloadUrlForLayer"
    )
    return not_checked("image", reason, step)


def parameter_states(
    wanted: Mapping[str, str], found: Mapping[str, str], *, applied: bool, name: str
) -> CheckResult:
    """Whether the SSM parameters exist with the right types."""
    check = "parameters"
    wrong = [f"{each} is {kind}" for each, kind in found.items() if wanted.get(each, kind) != kind]
    if wrong:
        step = f"delete them, then gradectl apply {name}; passwords must be SecureString"
        return failed(check, listed(sorted(wrong)), step)
    missing = sorted(set(wanted) - set(found))
    if missing and not applied:
        return not_applicable(check, f"created by apply: {len(missing)} below /{name}/")
    if missing:
        return failed(check, f"missing: {listed(missing)}", f"gradectl apply {name}")
    return ok(check, f"{len(wanted)} parameters, passwords encrypted")


@dataclass(frozen=True)
class NamedResource:
    """
    A resource with a fixed name that apply creates.

    Attributes:
        what: Kind and name for people, such as `log group /ecs/dev-grading`.
        exists: Whether it exists in the account.
        managed: Whether the state has it.
        foreign: Whether another account has the name.
        remedy: How to use another name; "" when it follows from the environment's name.
    """

    what: str
    exists: bool
    managed: bool
    foreign: bool = False
    remedy: str = ""


def name_states(resources: Sequence[NamedResource]) -> CheckResult:
    """Whether all names that apply uses are free or managed."""
    check = "names"
    foreign = [one for one in resources if one.foreign and not one.managed]
    if foreign:
        text = f"{listed([one.what for one in foreign])}: the name belongs to another account"
        return failed(check, text, foreign[0].remedy or "choose another environment name")
    taken = [one for one in resources if one.exists and not one.managed]
    if taken:
        text = f"{listed([one.what for one in taken])}: exists, but is not in the Terraform state"
        step = "import it into the state, delete it, or choose another name"
        return failed(check, text, "; ".join(filter(None, (taken[0].remedy, step))))
    kept = sum(one.managed for one in resources)
    return ok(check, f"{len(resources) - kept} free, {kept} managed by Terraform")


@dataclass(frozen=True)
class QuotaUse:
    """
    A quota of the account.

    Attributes:
        name: Its name.
        limit: Its value.
        used: Amount in use.
        needed: Amount that apply adds.
        hard: False when apply works below it, but not all that it configures.
        command: Request for a higher value.
    """

    name: str
    limit: float
    used: float
    needed: float
    hard: bool = True
    command: str = ""


def quota_state(use: QuotaUse) -> CheckResult:
    """Whether a quota has room for what apply creates."""
    check = f"quota: {use.name}"
    text = f"{use.used:g} of {use.limit:g} used, {use.needed:g} needed"
    if use.used + use.needed <= use.limit:
        return ok(check, text)
    return failed(check, text, use.command) if use.hard else warning(check, text, use.command)


def log_policy_state(names: Collection[str], own: Collection[str]) -> CheckResult:
    """
    Whether the region has room for the environment's log resource policies.

    Args:
        names: Names of those that exist.
        own: Names of those that apply creates.
    """
    check = "log resource policies"
    if not own:
        return not_applicable(check, "the environment creates none")
    new = sorted(set(own) - set(names))
    text = f"{len(names)} of {LOG_POLICIES} used, {len(new)} needed"
    if len(names) + len(new) > LOG_POLICIES:
        step = "merge or delete some: aws logs describe-resource-policies"
        return failed(check, f"{text}, and this limit cannot be raised", step)
    return ok(check, text)


def key_state(policy: Mapping[str, Any], needed: Mapping[str, Sequence[str]]) -> CheckResult:
    """
    Whether the policy of the KMS key allows what services do with it themselves.

    Args:
        policy: The policy of the key; its conditions are not evaluated.
        needed: The actions of each service, by its principal.
    """
    check = "KMS key"
    denied = [
        f"{service} may not call {action}"
        for service, actions in needed.items()
        for action in actions
        if not any(_allows(one, service, action) for one in _as_list(policy.get("Statement")))
    ]
    if denied:
        step = "complete its policy: environments/README.md#the-kms-key"
        return failed(check, listed(denied), step)
    return ok(check, f"its policy names {listed(sorted(needed))}")


def _allows(statement: Mapping[str, Any], service: str, action: str) -> bool:
    """Whether a statement of a key policy allows an action to a service."""
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, Mapping) else principal
    patterns = [str(each).lower() for each in _as_list(statement.get("Action"))]
    return (
        statement.get("Effect") == "Allow"
        and bool({service, "*"} & set(_as_list(services)))
        and any(fnmatchcase(action.lower(), pattern) for pattern in patterns)
    )


def _as_list(value: object) -> list[Any]:
    """IAM writes one element also without a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def role_states(found: Mapping[str, bool], services: Mapping[str, str]) -> CheckResult:
    """Whether the service-linked roles exist; AWS creates missing ones for permitted callers."""
    missing = sorted(name for name, exists in found.items() if not exists)
    if not missing:
        return ok("service-linked roles", listed(sorted(found)))
    commands = [
        f"aws iam create-service-linked-role --aws-service-name {services[name]}"
        for name in missing
    ]
    text = f"missing: {listed(missing)}; apply needs iam:CreateServiceLinkedRole"
    return warning("service-linked roles", text, "\n".join(commands))


def broker_state(broker: BrokerNode, wanted: tuple[str, int], name: str) -> list[CheckResult]:
    """Whether the broker runs, with the configuration of the state."""
    results = [_running_broker(broker, name)]
    if not wanted[0]:
        return results
    check = "broker configuration"
    text = f"{broker.configuration[0] or 'none'} revision {broker.configuration[1]}"
    if broker.configuration == wanted:
        return [*results, ok(check, text)]
    if broker.pending == wanted:
        step = f"aws mq reboot-broker --broker-id {broker.broker_id}"
        waits = f"{text} is active, revision {wanted[1]} waits for a reboot"
        return [*results, warning(check, waits, step)]
    differs = f"{text} is active, but Terraform set {wanted[0]} revision {wanted[1]}"
    return [*results, failed(check, differs, f"gradectl apply {name}")]


def _running_broker(broker: BrokerNode, name: str) -> CheckResult:
    """Whether the broker runs, and is an ActiveMQ."""
    text = f"{broker.name} ({broker.broker_id}) is {broker.state}"
    if broker.engine != "ACTIVEMQ":
        step = "use an ActiveMQ broker: the workers speak STOMP"
        return failed("broker", f"{broker.name} is {broker.engine}", step)
    if broker.state == "RUNNING":
        return ok("broker", text)
    if broker.state in ("REBOOT_IN_PROGRESS", "CREATION_IN_PROGRESS"):
        return warning("broker", text, f"wait, then gradectl verify {name}")
    step = f"aws mq describe-broker --broker-id {broker.broker_id}"
    return failed("broker", text, step)


def configuration_text_state(text: str, allowed: BrokerRules, *, ours: bool = True) -> CheckResult:
    """
    Whether the broker's XML is valid, and Amazon MQ keeps all of it.

    Args:
        text: The XML.
        allowed: What our modules may write of the elements and attributes that Amazon MQ accepts.
        ours: Whether our modules wrote the XML; another one may use more of what is accepted.
    """
    check = "broker XML"
    try:
        removed = stripped(text, allowed)
    except InvalidXmlError as error:
        return failed(check, f"invalid XML: {error}", "fix mq_queue_policies and apply it")
    if removed:
        parts = sorted({f"{each.what} (line {each.line})" for each in removed})
        if not ours:
            text = f"may be removed by Amazon MQ: {listed(parts)}"
            pages = (
                "docs.aws.amazon.com/amazon-mq/latest/developer-guide/permitted-collections.html"
            )
            return warning(check, text, f"look them up: https://{pages}")
        step = "remove them from the configuration; for the modules: gradectl validate"
        return failed(check, f"Amazon MQ removes {listed(parts)}", step)
    return ok(check, f"valid, {len(text)} characters, all accepted by Amazon MQ")


def persistence_state(text: str) -> CheckResult:
    """
    Whether the broker keeps every message on disk, however its producer sends it.

    Args:
        text: The broker's XML; an invalid one is reported by `configuration_text_state`.
    """
    check = "persistent messages"
    if _FORCED.search(_COMMENT.sub("", text)):
        return ok(check, "the broker stores the messages of every producer")
    found = "not forced: what a producer sends without `persistent:true` is lost with the broker"
    step = (
        'add <forcePersistencyModeBrokerPlugin persistenceFlag="true"/> to <plugins> of its'
        " configuration, then reboot it; for a broker of the modules: gradectl apply"
    )
    return warning(check, found, step)


def database_state(database: DatabaseNode | None, identifier: str) -> CheckResult:
    """Whether the database accepts connections."""
    step = f"aws rds describe-db-instances --db-instance-identifier {identifier}"
    if database is None:
        return failed("database", f"{identifier} does not exist in this region", step)
    text = f"{identifier} is {database.status}"
    if database.status in ("available", "storage-optimization"):
        return ok("database", text)
    if database.status in ("backing-up", "modifying", "rebooting", "starting", "upgrading"):
        return warning("database", text, "wait until it is available")
    return failed("database", text, step)


def permission_state(check: str, simulations: Sequence[Simulation]) -> CheckResult:
    """Whether a role may do everything that it needs."""
    denied = [
        f"{action} ({decision})"
        for one in simulations
        for action, decision in sorted(one.decisions.items())
        if decision != "allowed"
    ]
    role = simulations[0].role_arn.rpartition("/")[2] if simulations else ""
    if denied:
        causes = {
            True: "add it to the role's policies",
            False: "look for an explicit Deny, a permissions boundary or an SCP",
        }
        step = causes[all(_SEARCHED in one for one in denied)]
        return failed(check, f"{role} may not {listed(denied)}", step)
    count = sum(len(one.decisions) for one in simulations)
    return ok(check, f"{role} is allowed all of {count} actions")
