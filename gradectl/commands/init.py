"""`gradectl init`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from gradectl import environment as environments
from gradectl.cloud import CloudContext
from gradectl.context import pass_context
from gradectl.deploy.rendering import declared_variables, rendered, variable_descriptions
from gradectl.deploy.verify.context import root_values
from gradectl.environment import FILE, FOLDER, Environment, near
from gradectl.errors import ConfigurationError, RefusedError, UsageError
from gradectl.options import command
from gradectl.planning.cost import Estimate
from gradectl.planning.cost_report import COLUMNS, estimate_document, estimate_headline
from gradectl.planning.cost_report import rows as cost_rows
from gradectl.planning.price_file import read_prices
from gradectl.setup.first_cost import ONLY_IN_A_PLAN, first_estimate
from gradectl.setup.new_environment import (
    ACTIVEMQ,
    SIZES,
    SQS,
    TRANSPORTS,
    NewEnvironment,
    adopted_broker,
    adopted_database,
    adopted_vpc,
    environment_text,
    free_cidr,
    size_variables,
)
from gradectl.ui import Table

_Found = TypeVar("_Found")
_REGION = re.compile(r'"([a-z]{2}(?:-[a-z]+)+-\d)"')
_DEFAULT_CIDR = "10.0.0.0/16"


@command("init", epilog="Example: gradectl init exams --account-id 111122223333 --size small")
@click.argument("name", help="Name of the new environment.")
@click.option("--account-id", metavar="ID", help="AWS account; asked for when absent.")
@click.option(
    "--size",
    type=click.Choice(sorted(SIZES)),
    default="small",
    show_default=True,
    help="small: disposable, for tests; standard: protected data and up to ten workers;"
    " production: also survives the failure of a zone.",
)
@click.option(
    "--transport",
    type=click.Choice(TRANSPORTS),
    help="activemq: a broker of Amazon MQ, the default; sqs: queues of SQS, billed by the request.",
)
@click.option("--vpc-id", metavar="ID", help="Use this VPC; its subnets and endpoints are read.")
@click.option("--broker-id", metavar="ID", help="Use this Amazon MQ broker.")
@click.option(
    "--broker-user",
    metavar="USER",
    default="admin",
    show_default=True,
    help="User of the workers on the existing broker.",
)
@click.option("--db-instance", metavar="ID", help="Use this RDS instance.")
@click.option(
    "--external", is_flag=True, help="Another project has its Terraform; gradectl operates it."
)
@pass_context(CloudContext)
def init(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    name: str,
    *,
    account_id: str | None,
    size: str,
    transport: str | None,
    vpc_id: str | None,
    broker_id: str | None,
    broker_user: str,
    db_instance: str | None,
    external: bool,
) -> None:
    """
    Write environments/NAME/ for a new environment.

    Each value in environment.yaml has an explanation. The region is --region. An existing VPC,
    broker or database is looked up in the account; nothing in the account is changed. The month is
    estimated from the written values, by the table of prices and the arithmetic of plan --cost.
    """
    adopted = _Adopted(vpc_id, broker_id, broker_user, db_instance)
    if external and (adopted.any or transport):
        text = "--external describes no resources; gradectl finds them by their names"
        raise UsageError(text, where="--external", next_step="omit the other options")
    if broker_id and transport == SQS:
        text = "an environment on SQS has no broker"
        raise UsageError(text, where="--broker-id", next_step="omit it, or --transport")
    folder = app.project_root / FOLDER / name
    if folder.exists():
        text = f"{FOLDER}/{name} exists already; nothing was changed"
        raise RefusedError(text, where=FOLDER, next_step=f"edit {FOLDER}/{name}/{FILE}")
    account_id = account_id or app.ui.ask("AWS account ID (12 digits)", "add --account-id ID")
    region = app.options.region or app.ui.ask("AWS region", "add --region REGION")
    _check_region(app.project_root.glob(f"{FOLDER}/limits.tf"), region)
    environment = _environment(name, account_id, region, {}, external=external)
    if not external:
        chosen = size_variables(size, transport or ACTIVEMQ)
        variables = _variables(app, environment, chosen, adopted)
        environment = _environment(name, account_id, region, variables, external=False)
    _write(app, environment, _estimate(app, environment))
    _say_next(app, environment)


@dataclass(frozen=True)
class _Adopted:
    """The existing resources to use."""

    vpc_id: str | None
    broker_id: str | None
    broker_user: str
    db_instance: str | None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.vpc_id or self.broker_id or self.db_instance)


def _variables(
    app: CloudContext, environment: Environment, size: Mapping[str, Any], adopted: _Adopted
) -> dict[str, Any]:
    """The variables of the new environment; those of its size only where the root has them."""
    known = declared_variables(app.project_root)
    defaults = {**size, "vpc_cidr_block": free_cidr(_used_cidrs(app))}
    if adopted.vpc_id:
        del defaults["vpc_cidr_block"]
    variables = {key: value for key, value in defaults.items() if key in known}
    if adopted.vpc_id:
        sized = environment.model_copy(update={"variables": variables})
        variables |= _vpc(app, sized, adopted.vpc_id)
    if adopted.broker_id:
        variables |= _broker(app, environment, adopted.broker_id, adopted.broker_user)
    if adopted.db_instance:
        variables |= _database(app, environment, adopted.db_instance)
    return variables


def _estimate(app: CloudContext, environment: Environment) -> Estimate | None:
    """Estimate and show the month; None where another project has the Terraform."""
    if environment.external:
        return None
    estimate = first_estimate(root_values(environment), read_prices(app.project_root))
    app.ui.say_table(Table(COLUMNS, cost_rows(estimate)))
    app.ui.say(
        f"{estimate_headline(estimate)}; {ONLY_IN_A_PLAN} are not estimated: "
        f"gradectl plan {environment.name} --cost shows them"
    )
    return estimate


def _write(app: CloudContext, environment: Environment, cost: Estimate | None) -> None:
    """Write the files of the environment, except in a dry run."""
    root = app.project_root
    folder = root / FOLDER / environment.name
    new = NewEnvironment(
        environment.name,
        environment.account_id,
        environment.region,
        environment.external,
        environment.variables,
    )
    files = {folder / FILE: environment_text(new, variable_descriptions(root))}
    if not environment.external:
        files |= rendered(root, environment)
    if not app.options.dry_run:
        folder.mkdir(parents=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    state = "not written" if app.options.dry_run else "written"
    rows = [(str(path.relative_to(root)), state) for path in files]
    document = {
        "environment": environment.name,
        "files": [{"path": path, "state": state} for path, _ in rows],
        "cost": estimate_document(cost) if cost else None,
    }
    app.ui.emit("init", document, Table(["file", "state"], rows))


def _say_next(app: CloudContext, environment: Environment) -> None:
    """Print what is left to do."""
    name = environment.name
    passwords = {"mq_existing": "mq_admin_password", "db_existing": "db_admin_password"}
    for key, variable in passwords.items():
        if key in environment.variables:
            app.ui.say(f"set TF_VAR_{variable} to its password for plan and apply")
    step = f"gradectl smoke {name}" if environment.external else f"gradectl bootstrap {name}"
    app.ui.say(f"next: review {FOLDER}/{name}/{FILE}, then {step}")


def _environment(
    name: str, account_id: str, region: str, variables: dict[str, Any], *, external: bool
) -> Environment:
    """Validate the values as those of a file."""
    content = {
        "schema_version": 1,
        "name": name,
        "account_id": account_id,
        "region": region,
        "terraform": "external" if external else "gradectl",
        "variables": variables,
    }
    return environments.validated(Environment, content, f"environment {name!r}")


def _check_region(pages: Iterable[Any], region: str) -> None:
    """
    Check that the root knows the region.

    Raises:
        ConfigurationError: It does not.
    """
    known = [each for page in pages for each in _REGION.findall(page.read_text(encoding="utf-8"))]
    if known and region not in known:
        hint = near(region, known) or f"one of: {', '.join(sorted(known))}"
        raise ConfigurationError(f"unknown region {region!r}", where="--region", next_step=hint)


def _used_cidrs(app: CloudContext) -> list[str]:
    """Ranges of the VPCs of all other environments."""
    others = [app.environment(each) for each in environments.names(app.project_root)]
    return [
        str(one.variables.get("vpc_cidr_block") or _DEFAULT_CIDR)
        for one in others
        if not (one.external or one.variables.get("vpc_existing"))
    ]


def _vpc(app: CloudContext, environment: Environment, vpc_id: str) -> dict[str, Any]:
    """Look up a VPC."""
    network = app.aws(environment).network.snapshot([vpc_id])
    endpoints = root_values(environment).endpoints
    return _adopted(lambda: adopted_vpc(network, vpc_id, endpoints), vpc_id)


def _broker(
    app: CloudContext, environment: Environment, broker_id: str, username: str
) -> dict[str, Any]:
    """Look up a broker."""
    brokers = app.aws(environment).brokers
    found = brokers.node(broker_id)
    endpoints = brokers.stomp_endpoints(broker_id)
    return _adopted(lambda: adopted_broker(found, endpoints, username), broker_id)


def _database(app: CloudContext, environment: Environment, identifier: str) -> dict[str, Any]:
    """Look up an RDS instance."""
    found = app.aws(environment).databases.node(identifier)
    if found is None:
        text = f"database {identifier} does not exist in {environment.region}"
        step = "list them: aws rds describe-db-instances"
        raise ConfigurationError(text, where="--db-instance", next_step=step)
    return _adopted(lambda: adopted_database(found), identifier)


def _adopted(describe: Callable[[], _Found], where: str) -> _Found:
    """
    Describe an existing resource.

    Raises:
        ConfigurationError: It cannot be used.
    """
    try:
        return describe()
    except ValueError as error:
        step = "choose another one, or omit the option to create a new one"
        raise ConfigurationError(str(error), where=where, next_step=step) from error
