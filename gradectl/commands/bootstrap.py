"""`gradectl bootstrap`."""

from __future__ import annotations

import json

import click

from gradectl.adapters.aws.account import Aws
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.deploy.rendering import bootstrap_template
from gradectl.environment import Environment
from gradectl.errors import CheckFailedError, UsageError
from gradectl.options import command
from gradectl.planning.review import deployment_id
from gradectl.setup.least_policy import apply_policies
from gradectl.setup.pipeline_role import (
    GITLAB,
    Trust,
    deploy_role,
    github_trust,
    gitlab_trust,
    policy_scope,
    role_stack,
)
from gradectl.ui import Table


@command("bootstrap", epilog="Example: gradectl bootstrap dev --ci-github acme/exams")
@environment_argument
@click.option(
    "--ci-github",
    metavar="OWNER/REPOSITORY",
    help="Create the role of its jobs that name the GitHub environment ENVIRONMENT.",
)
@click.option(
    "--ci-gitlab", metavar="GROUP/PROJECT", help="Create the role of its jobs on one branch."
)
@click.option(
    "--ci-branch", default="main", show_default=True, help="Branch of the GitLab project."
)
@click.option(
    "--ci-issuer", metavar="URL", default=GITLAB, show_default=True, help="URL of GitLab."
)
@click.option(
    "--policy",
    is_flag=True,
    help="Only print the IAM policies of a person who applies; needs no account.",
)
@pass_context(CloudContext)
def bootstrap(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    ci_github: str | None,
    ci_gitlab: str | None,
    ci_branch: str,
    ci_issuer: str,
    policy: bool,
) -> None:
    """
    Create the state bucket, the image repository, and the role of a pipeline.

    The role trusts one repository by OIDC, so that no credentials are stored, and may do what an
    apply needs. The OIDC provider belongs to the whole account: an existing one is used and not
    changed. Run it again at any time; what exists and is right stays as it is.
    """
    found = app.declared_environment(environment)
    if policy:
        _print_policies(app, found)
        return
    trust = _trust(environment, ci_github, ci_gitlab, ci_branch, ci_issuer)
    app.announce(found)
    stack = f"{environment}-gradectl-bootstrap"
    if app.options.dry_run:
        outputs: dict[str, str] = {}
        outcome = _preview(app, found, stack, trust)
    else:
        outcome, outputs = _deploy(app, found, stack, trust)
    document = {**deployment_id(found), "stack": stack, "outcome": outcome, "outputs": outputs}
    rows = [("stack", f"{stack} {outcome}"), *sorted(outputs.items())]
    app.ui.emit("bootstrap", document, Table(["part", "value"], rows))
    app.ui.say(f"policies of a person who applies: gradectl bootstrap {environment} --policy")
    app.ui.say(f"next: gradectl deploy {environment} --dry-run")


def _deploy(
    app: CloudContext, environment: Environment, stack: str, trust: Trust | None
) -> tuple[str, dict[str, str]]:
    """Create or update everything; returns the outcome of the stack, and the outputs."""
    aws, name = app.aws(environment), environment.name
    template = bootstrap_template(app.project_root, environment)
    also = f", and the role {role_stack(environment)} for {trust.subject}" if trust else ""
    app.ui.confirm(f"Create or update the stack {stack}{also}?")
    tags = {"Environment": name, "ManagedBy": "cloudformation", "Project": "gradectl"}
    outcome = aws.stacks.deploy(stack, template, tags)
    _check_bucket(aws, environment.state_bucket)
    outputs = aws.stacks.outputs(stack)
    if trust:
        outputs |= deploy_role(aws, app.project_root, environment, trust)
    return outcome, outputs


def _preview(app: CloudContext, environment: Environment, stack: str, trust: Trust | None) -> str:
    """Say how the role and the OIDC provider would change; returns the outcome of the stack."""
    aws = app.aws(environment)
    bootstrap_template(app.project_root, environment)
    if trust:
        provider = "is used as it is" if aws.providers.find(trust.host) else "would be created"
        app.ui.say(f"OIDC provider {trust.host} {provider}")
        verb = "updated" if aws.stacks.exists(role_stack(environment)) else "created"
        app.ui.say(f"role {role_stack(environment)} would be {verb} for {trust.subject}")
    return "would be updated" if aws.stacks.exists(stack) else "would be created"


def _trust(
    name: str, github: str | None, gitlab: str | None, branch: str, issuer: str
) -> Trust | None:
    """
    Which jobs the pipeline's role trusts; None for no role.

    Raises:
        UsageError: The options contradict each other, or are invalid.
    """
    if github and gitlab:
        text = "the role of an environment trusts one repository"
        raise UsageError(text, where="--ci-gitlab", next_step="use one of the two options")
    if github:
        return github_trust(github, name)
    return gitlab_trust(gitlab, branch, issuer) if gitlab else None


def _print_policies(app: CloudContext, environment: Environment) -> None:
    """Write the policies of a person who applies; without --output they are JSON all the same."""
    policies = list(apply_policies(policy_scope(environment)).values())
    if app.ui.output == "table":
        app.ui.write("\n".join(json.dumps(each, indent=2) for each in policies) + "\n")
        text = "one policy would be too large; a person who applies needs all"
        app.ui.say(f"{len(policies)} policies, because {text}")
        return
    app.ui.emit("apply-policies", {"policies": policies}, Table((), ()))


def _check_bucket(aws: Aws, bucket: str) -> None:
    """
    Check that the bucket is versioned and encrypted, as the stack requires.

    Raises:
        CheckFailedError: It is not, even after a second request.
    """
    if not aws.buckets.protection(bucket).versioned:
        # moto's CloudFormation ignores VersioningConfiguration; on AWS this is never reached.
        aws.buckets.enable_versioning(bucket)
    protection = aws.buckets.protection(bucket)
    if not (protection.versioned and protection.encrypted):
        text = "the state bucket must be versioned and encrypted, but it has "
        text += f"versioned: {protection.versioned}, encrypted: {protection.encrypted}"
        hint = "if gradectl did not create the bucket and it is empty, delete it and run it again"
        raise CheckFailedError(text, where=f"s3://{bucket}", next_step=hint)
