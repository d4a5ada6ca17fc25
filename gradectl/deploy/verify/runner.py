"""Runs all checks of an environment; a check that cannot observe its facts stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gradectl.adapters.aws.account import Aws
from gradectl.cloud import CloudContext
from gradectl.deploy.release import IMAGE_VARIABLE, read_release
from gradectl.deploy.verify import account_checks, machine_checks, network_checks
from gradectl.deploy.verify.context import VerifyContext, root_values
from gradectl.deploy.verify.results import (
    CheckResult,
    VerifyReport,
    failed,
    in_one_line,
    not_checked,
    ok,
)
from gradectl.deploy.verify.terraform_state import TerraformState, parse_state
from gradectl.environment import Environment
from gradectl.errors import CheckFailedError, ConfigurationError, GradectlError
from grader.errors import GraderError, ObjectNotFoundError

STATE_KEY = "terraform.tfstate"
_STATE_BYTES = 64 << 20


@dataclass(frozen=True)
class _Check:
    """A check of the account, with the name of its result where it fails to observe."""

    name: str
    run: Callable[[VerifyContext], CheckResult | Iterable[CheckResult]]


_CHECKS = (
    _Check("region", account_checks.region),
    _Check("state bucket", account_checks.state_bucket),
    _Check("names", account_checks.names),
    _Check("quotas", account_checks.quotas),
    _Check("log resource policies", account_checks.log_policies),
    _Check("service-linked roles", account_checks.service_roles),
    _Check("KMS key", account_checks.kms_key),
    _Check("image", account_checks.image),
    _Check("parameters", account_checks.parameters),
    _Check("broker", account_checks.broker),
    _Check("queues", account_checks.queues),
    _Check("database", account_checks.database),
    _Check("network", network_checks.network),
    _Check("task role", account_checks.permissions),
)


def verify(
    app: CloudContext, environment: Environment, *, builds_image: bool = False
) -> VerifyReport:
    """
    Run all checks; every call is a read.

    Args:
        app: The context of the command.
        environment: The environment, as its file declares it.
        builds_image: True when the caller builds the image afterwards, so that it may be missing.
    """
    results = list(_machine(app, environment))
    try:
        aws = app.aws(environment, checked=False)
        caller = aws.check_account()
    except GradectlError as error:
        results.append(failed("credentials", error.what, error.next_step))
        reason = "no access to the account"
        results += [not_checked(one.name, reason) for one in _CHECKS]
        return VerifyReport(tuple(results), applied=False)
    results.append(ok("credentials", f"{caller} in account {environment.account_id}"))
    state, trouble = _read_state(aws, environment)
    if trouble:
        results.append(trouble)
    released = with_release(app.project_root, environment)
    context = VerifyContext(released, aws, state, builds_image=builds_image)
    for check in _CHECKS:
        results += _observed(check.name, partial(check.run, context))
    return VerifyReport(tuple(results), applied=state.applied)


def with_release(project_root: Path, environment: Environment) -> Environment:
    """Add the image of release.json to the variables; an invalid file fails the rendered files."""
    with suppress(ConfigurationError):
        if release := read_release(project_root, environment):
            variables = {**environment.variables, IMAGE_VARIABLE: release.image}
            return environment.model_copy(update={"variables": variables})
    return environment


def require_verified(report: VerifyReport, name: str) -> None:
    """
    Refuse to go on after a failed check.

    Args:
        report: The report of `verify`.
        name: The environment.

    Raises:
        CheckFailedError: Some checks failed; the error names them and the next step of the first.
    """
    if not report.failed:
        return
    lines = [f"{one.check}: {one.found}" for one in report.failed]
    first = next((one.next_step for one in report.failed if one.next_step), "")
    text = "\n".join(lines)
    raise CheckFailedError(text, where=name, next_step=first or f"gradectl verify {name}")


def _machine(app: CloudContext, environment: Environment) -> Iterator[CheckResult]:
    """The checks that need no account."""
    root, environ = app.project_root, app.environ
    checks: list[tuple[str, Callable[[], CheckResult]]] = [
        ("terraform", lambda: machine_checks.terraform(environ)),
        ("provider lock", lambda: machine_checks.provider_lock(root)),
        (
            "session-manager-plugin",
            lambda: machine_checks.session_plugin(root_values(environment), environ),
        ),
        ("rendered files", lambda: machine_checks.rendered_files(root, environment)),
    ]
    for name, run in checks:
        try:
            yield run()
        except GradectlError as error:
            yield failed(name, error.what, error.next_step)


def _observed(
    name: str, run: Callable[[], CheckResult | Iterable[CheckResult]]
) -> Iterator[CheckResult]:
    """The results of a check; where AWS does not answer, the reason."""
    try:
        found = run()
        yield from (found,) if isinstance(found, CheckResult) else found
    except (GradectlError, GraderError) as error:
        yield not_checked(name, in_one_line(error.what), error.next_step)


def _read_state(aws: Aws, environment: Environment) -> tuple[TerraformState, CheckResult | None]:
    """Read the Terraform state; without one the environment counts as not applied."""
    bucket, check = environment.state_bucket, "terraform state"
    unknown = TerraformState(readable=False)
    try:
        if not aws.buckets.exists(bucket):
            return TerraformState(), None
        text = aws.object_store(bucket).get(STATE_KEY, max_bytes=_STATE_BYTES).decode()
        return parse_state(text), None
    except ObjectNotFoundError:
        return TerraformState(), None
    except (GradectlError, GraderError) as error:
        return unknown, not_checked(check, error.what, error.next_step)
    except ValueError as error:
        return unknown, not_checked(check, str(error))
