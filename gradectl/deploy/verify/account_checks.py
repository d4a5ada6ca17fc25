"""Checks of the account besides its network; each observes, and a rule decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gradectl.deploy.release import PIPELINE_VARIABLE
from gradectl.deploy.verify import account_rules as rules
from gradectl.deploy.verify import queue_rules
from gradectl.deploy.verify.context import VerifyContext
from gradectl.deploy.verify.results import (
    CheckResult,
    failed,
    in_one_line,
    not_applicable,
    not_checked,
)
from gradectl.errors import GradectlError, PermissionDeniedError
from gradectl.planning.worker_image import missing_image
from gradectl.validation.amazon_mq import amazon_mq_rules

_SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_ECSService"
#: Service-linked role -> the service that it belongs to.
_ROLES = {
    "AWSServiceRoleForAmazonMQ": "mq.amazonaws.com",
    _SCALING_ROLE: "ecs.application-autoscaling.amazonaws.com",
    "AWSServiceRoleForECS": "ecs.amazonaws.com",
    "AWSServiceRoleForRDS": "rds.amazonaws.com",
}
#: What CloudWatch Logs and Fargate do with a KMS key without the rights of whoever calls them.
_LOG_KEY = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
_DISK_KEY = ("kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext")
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


def region(context: VerifyContext) -> CheckResult:
    """The region."""
    return rules.region_state(context.environment.region, context.aws.network.regions())


def state_bucket(context: VerifyContext) -> CheckResult:
    """The bucket with the Terraform state."""
    bucket = context.environment.state_bucket
    name = context.environment.name
    if not context.aws.buckets.exists(bucket):
        return rules.bucket_state(bucket, exists=False, versioned=False, encrypted=False, name=name)
    found = context.aws.buckets.protection(bucket)
    return rules.bucket_state(
        bucket, exists=True, versioned=found.versioned, encrypted=found.encrypted, name=name
    )


def image(context: VerifyContext) -> CheckResult:
    """The image of the worker."""
    values = context.values
    parts = rules.ecr_image(values.image)
    here, own = context.environment.region, context.environment.account_id
    stored = None
    if parts:
        images = context.aws.stored_images_in(parts.region)
        try:
            stored = images.find(parts.registry, parts.repository, parts.reference)
        except PermissionDeniedError as error:
            if parts.registry == own:
                raise
            why = in_one_line(error.what)
            return rules.unreadable_image_state(values.image, parts, own, why)
    if parts and stored is None and context.builds_image:
        return not_applicable("image", "built before the plan")
    if parts and stored is None and context.environment.emulated:
        return not_applicable("image", "the local stack runs the workers of this machine")
    if stored is None and values["grading_container_image"] is None:
        if context.environment.variables.get(PIPELINE_VARIABLE) and context.output("service_name"):
            return not_applicable("image", "a pipeline deploys it")
        nothing = missing_image(context.environment.name)
        return failed("image", nothing.what, nothing.next_step)
    return rules.image_state(values.image, stored, str(values["ecs_architecture"]), here)


def parameters(context: VerifyContext) -> CheckResult:
    """The SSM parameters."""
    wanted = {
        name: kind
        for name, kind in context.values.parameters.items()
        if not context.pending(name.split("/")[2])
    }
    found = context.aws.parameter_types(list(wanted))
    applied = context.state.applied
    return rules.parameter_states(wanted, found, applied=applied, name=context.environment.name)


def names(context: VerifyContext) -> CheckResult:
    """Names of resources that apply creates."""
    prefix, aws, state = context.values.prefix, context.aws, context.state
    if not state.readable:
        return not_checked("names", "the Terraform state could not be read")
    bucket = context.environment.files_bucket
    foreign, exists = _bucket(context, bucket)
    cluster, group = f"{prefix}-cluster", f"/ecs/{prefix}"
    resources = [
        rules.NamedResource(
            f"bucket {bucket}",
            exists,
            state.has("aws_s3_bucket", bucket),
            foreign,
            "set s3_bucket_name to another name",
        ),
        rules.NamedResource(
            f"ECS cluster {cluster}",
            aws.services.cluster_exists(cluster),
            state.has("aws_ecs_cluster", cluster),
        ),
        rules.NamedResource(
            f"log group {group}",
            aws.log_settings.group_exists(group),
            state.has("aws_cloudwatch_log_group", group),
        ),
        *_existing_names(context),
    ]
    return rules.name_states(resources)


def _existing_names(context: VerifyContext) -> Iterator[rules.NamedResource]:
    """Names of the broker or the queues, the database and the roles."""
    prefix, aws, state = context.values.prefix, context.aws, context.state
    if context.values.own_broker:
        name = f"{prefix}-mq"
        exists = name in aws.brokers.ids_by_name()
        yield rules.NamedResource(f"broker {name}", exists, state.has("aws_mq_broker", name))
    if context.values["sqs_existing"] is None:
        for arn in context.values.queues.values():
            name = arn.rpartition(":")[2]
            exists = aws.queue_settings.find(arn) is not None
            yield rules.NamedResource(f"queue {name}", exists, state.has("aws_sqs_queue", name))
    if context.values["db_existing"] is None:
        exists = aws.databases.node(prefix) is not None
        managed = state.has("aws_db_instance", prefix)
        yield rules.NamedResource(f"database {prefix}", exists, managed)
    for name in (f"{prefix}-task", f"{prefix}-execution"):
        exists = aws.identity.role_exists(name)
        yield rules.NamedResource(f"role {name}", exists, state.has("aws_iam_role", name))


def _bucket(context: VerifyContext, bucket: str) -> tuple[bool, bool]:
    """Whether another account has a bucket of this name, and whether it exists at all."""
    try:
        return False, context.aws.buckets.exists(bucket)
    except PermissionDeniedError:
        return True, True


def quotas(context: VerifyContext) -> Iterator[CheckResult]:
    """Quotas of the account."""
    if context.environment.emulated:
        yield not_applicable("quotas", "the emulated account has none")
        return
    for name, use in _quota_uses(context):
        try:
            found = use()
        except GradectlError as error:
            yield not_checked(f"quota: {name}", in_one_line(error.what))
        else:
            if found is None:
                yield not_checked(f"quota: {name}", "Service Quotas does not list it")
            else:
                yield rules.quota_state(found)


def _quota_uses(
    context: VerifyContext,
) -> Iterator[tuple[str, Callable[[], rules.QuotaUse | None]]]:
    """The quotas that the environment depends on, each with a function that reads it."""
    aws, values, new = context.aws, context.values, not context.state.applied

    def use(  # noqa: PLR0913 - the parts of a quota
        name: str,
        service: str,
        code: str,
        used: Callable[[], float],
        needed: float,
        *,
        hard: bool = True,
    ) -> tuple[str, Callable[[], rules.QuotaUse | None]]:
        def read() -> rules.QuotaUse:
            limit = aws.quotas.value(service, code)
            command = "aws service-quotas request-service-quota-increase"
            command += f" --service-code {service} --quota-code {code} --desired-value VALUE"
            return rules.QuotaUse(name, limit, used(), needed, hard, command)

        return name, read

    if values.vpc is None and new:
        yield use("VPCs", "vpc", "L-F678F1CE", aws.network.count_vpcs, 1)
    if values.addresses and new:
        count = aws.network.count_addresses
        yield use("Elastic IP addresses", "ec2", "L-0263D0A3", count, values.addresses)
    if values["use_fargate"]:
        spot = values["ecs_fargate_spot"] is not None
        code = "L-36FBB829" if spot else "L-3032A538"
        name = "Fargate Spot vCPUs" if spot else "Fargate vCPUs"
        needed = values.worker_cpu * float(values["ecs_max_capacity"])
        own = f"{values.prefix}-cluster"  # its tasks are part of what is needed

        def others() -> float:
            return aws.services.fargate_vcpus(spot=spot, except_cluster=own)

        yield use(name, "fargate", code, others, needed, hard=False)
    if values["db_existing"] is None and new:
        yield use("database instances", "rds", "L-7B6409FD", aws.databases.count, 1)
    if values.own_broker and new:
        yield "brokers", lambda: _brokers(context)


def _brokers(context: VerifyContext) -> rules.QuotaUse | None:
    """The quota of brokers, which is found by its name."""
    limit = context.aws.quotas.named("mq", "brokers")
    if limit is None:
        return None
    command = "aws service-quotas list-service-quotas --service-code mq"
    used = len(context.aws.brokers.ids_by_name())
    return rules.QuotaUse("brokers", limit, used, 1, command=command)


def log_policies(context: VerifyContext) -> CheckResult:
    """Resource policies of CloudWatch Logs."""
    own = []
    if context.values.own_broker:  # its general log is always on
        own.append(f"{context.values.prefix}-mq-amazonmq-logs")
    if "task_restarts" not in context.values["alarm_disabled_kinds"]:
        own.append(f"{context.values.prefix}-stopped-tasks")
    found = context.aws.log_settings.resource_policies() if own else []
    return rules.log_policy_state(found, own)


def kms_key(context: VerifyContext) -> Iterator[CheckResult]:
    """The policy of kms_key_arn; without the statements for Fargate, no new worker starts."""
    key = context.values["kms_key_arn"]
    if not key:
        return
    if context.environment.emulated:
        yield not_applicable("KMS key", "the emulated account does not check policies")
        return
    needed: dict[str, Sequence[str]] = {
        f"logs.{context.environment.region}.amazonaws.com": _LOG_KEY
    }
    if context.values["use_fargate"] and ":key/mrk-" not in key:  # Fargate rejects the latter
        needed["fargate.amazonaws.com"] = _DISK_KEY
    yield rules.key_state(context.aws.keys.policy(str(key)), needed)


def service_roles(context: VerifyContext) -> CheckResult:
    """Service-linked roles."""
    if context.environment.emulated:
        return not_applicable("service-linked roles", "the emulated account has none")
    wanted = dict(_ROLES)
    if not context.values.own_broker:
        del wanted["AWSServiceRoleForAmazonMQ"]
    if context.values["db_existing"] is not None:
        del wanted["AWSServiceRoleForRDS"]
    if not context.values["enable_ecs_autoscaling"]:
        del wanted[_SCALING_ROLE]
    return rules.role_states(
        {name: context.aws.identity.role_exists(name) for name in wanted}, wanted
    )


def broker(context: VerifyContext) -> Iterator[CheckResult]:
    """The broker and its configuration."""
    if not context.values.uses_broker:
        yield not_applicable("broker", "the environment uses SQS")
        return
    if not context.broker_id:
        if context.values["mq_existing"] is None:
            yield not_applicable("broker", "created by apply")
        else:
            yield not_checked("broker", "mq_existing is not an Amazon MQ broker of this account")
        return
    found = context.aws.brokers.node(context.broker_id)
    wanted = context.output_map("broker_configuration")
    expected = (str(wanted.get("id") or ""), int(wanted.get("revision") or 0))
    yield from rules.broker_state(found, expected, context.environment.name)
    if found.configuration[0]:
        text = context.aws.brokers.configuration_text(*found.configuration)
        ours = context.values["mq_existing"] is None
        yield rules.configuration_text_state(text, amazon_mq_rules(), ours=ours)
        yield rules.persistence_state(text)


def queues(context: VerifyContext) -> Iterator[CheckResult]:
    """The queues of SQS."""
    values = context.values
    if not values.uses_sqs:
        yield not_applicable("queues", "the environment uses a broker")
        return
    existing = values["sqs_existing"]
    if existing is None and not context.output_map("sqs_queue_urls"):
        yield not_applicable("queues", "created by apply")
        return
    wanted = [
        queue_rules.WantedQueue(purpose, arn, ours=existing is None)
        for purpose, arn in values.queues.items()
    ]
    found = {}
    for each in wanted:
        try:
            found[each.arn] = context.aws.queue_settings.find(each.arn)
        except PermissionDeniedError as error:
            check = f"queue {each.purpose.replace('_', ' ')}"
            yield not_checked(check, in_one_line(error.what), error.next_step)
    key = next(iter(_queue_keys(context)), "")
    place = queue_rules.Place(context.environment.account_id, context.environment.region)
    yield from queue_rules.queue_states(wanted, found, place, key)


def database(context: VerifyContext) -> CheckResult:
    """The database."""
    if not context.database_id:
        if context.values["db_existing"] is None:
            return not_applicable("database", "created by apply")
        return not_checked("database", "db_existing is not an RDS instance of this account")
    found = context.aws.databases.node(context.database_id)
    return rules.database_state(found, context.database_id)


def permissions(context: VerifyContext) -> Iterator[CheckResult]:
    """The rights of the roles of a task."""
    service = context.service
    if service is None:
        yield not_applicable("task role", "created by apply")
        return
    if context.environment.emulated:
        yield not_applicable("task role", "the emulated account does not check policies")
        return
    yield _task_role(context, service.task_role_arn)
    yield _execution_role(context, service.execution_role_arn)


def _task_role(context: VerifyContext, role: str) -> CheckResult:
    """What the worker does: read parameters, read submissions, write results."""
    simulate, environment = context.aws.identity.simulate, context.environment
    parameter = f"arn:aws:ssm:{environment.region}:{environment.account_id}:parameter"
    bucket = f"arn:aws:s3:::{environment.files_bucket}"
    key = context.values["kms_key_arn"]
    needed = [
        *(("ssm:GetParameters", parameter + name) for name in _worker_parameters(context)),
        ("s3:GetObject", f"{bucket}/submissions/any"),
        ("s3:PutObject", f"{bucket}/results/any"),
        *([("kms:Decrypt", str(key))] if key else []),
    ]
    if not context.pending("sqs"):
        needed += context.values.queue_calls
        needed += [("kms:GenerateDataKey", each) for each in _queue_keys(context)]
    found = [simulate(role, [action], resource) for action, resource in needed]
    return rules.permission_state("task role", found)


def _execution_role(context: VerifyContext, role: str) -> CheckResult:
    """What ECS does to start a task: pull the image, write the log."""
    simulate, environment = context.aws.identity.simulate, context.environment
    place = f"{environment.region}:{environment.account_id}"
    group = f"arn:aws:logs:{place}:log-group:/ecs/{context.values.prefix}:log-stream:any"
    found = [simulate(role, _LOG, group)]
    parts = rules.ecr_image(context.values.image)
    if parts:
        where = f"arn:aws:ecr:{parts.region}:{parts.registry}:repository/{parts.repository}"
        found.append(simulate(role, _PULL, where))
        found.append(simulate(role, ["ecr:GetAuthorizationToken"], "*"))
    return rules.permission_state("execution role", found)


def _worker_parameters(context: VerifyContext) -> list[str]:
    """Names of the parameters that the worker reads."""
    values = context.values
    part = "mq-worker" if values["mq_enable_role_users"] and values.own_broker else "mq"
    broker = ("mq/broker-endpoint", f"{part}/username", f"{part}/password")
    used = values.uses_broker and not context.pending("mq")
    keys = (*(broker if used else ()), "db/endpoint", "db/name")
    return [f"/{values.name}/{key}" for key in keys]


def _queue_keys(context: VerifyContext) -> list[str]:
    """The KMS key of the queues, if they have one of the account."""
    values = context.values
    existing = values["sqs_existing"]
    key = values["kms_key_arn"] if existing is None else existing.get("kms_key_arn")
    return [str(key)] if key and values.uses_sqs else []
