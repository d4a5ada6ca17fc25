"""The role that a pipeline assumes by OIDC to deploy an environment, without stored credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.templates import render_template
from gradectl.environment import Environment
from gradectl.errors import UsageError
from gradectl.setup.least_policy import PolicyScope, apply_policies, plan_policy

TEMPLATE = "ci.yaml.j2"
GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
_GITHUB_AUDIENCE = "sts.amazonaws.com"
#: A repository or project, and a branch: nothing that a condition would read as a pattern.
_REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9_.][\w.-]*)+$", re.ASCII)
_BRANCH = re.compile(r"^[A-Za-z0-9][\w./-]*$", re.ASCII)
_ISSUER = re.compile(r"^https://[a-z0-9][a-z0-9.-]*(?:/[\w./-]*[\w])?$", re.ASCII)


@dataclass(frozen=True)
class Trust:
    """
    Which jobs may assume the role.

    Attributes:
        issuer: URL of the OIDC provider.
        audience: Audience of its tokens.
        subject: Subject of the tokens of the trusted jobs.
        option: The option of `gradectl bootstrap`, for the head of the template.
        plan_subject: Subject of the jobs that plan pull requests; "" where these have none of
            their own.
    """

    issuer: str
    audience: str
    subject: str
    option: str
    plan_subject: str = ""

    @property
    def host(self) -> str:
        """The issuer as IAM names the provider."""
        parts = urlsplit(self.issuer)
        return f"{parts.netloc}{parts.path}"


def github_trust(repository: str, environment: str) -> Trust:
    """
    Trust the jobs of a GitHub repository that name the environment, whose rules GitHub enforces.

    The jobs of the GitHub environment `ENVIRONMENT-plan` get a role that only plans.

    Raises:
        UsageError: It is not OWNER/REPOSITORY.
    """
    option = f"--ci-github {repository}"
    if not _REPOSITORY.match(repository) or repository.count("/") != 1:
        raise UsageError("not a repository", where=option, next_step="--ci-github OWNER/REPOSITORY")
    subject = f"repo:{repository}:environment:{environment}"
    return Trust(GITHUB, _GITHUB_AUDIENCE, subject, option, f"{subject}-plan")


def gitlab_trust(project: str, branch: str, issuer: str = GITLAB) -> Trust:
    """
    Trust the jobs of one branch of a GitLab project; the audience is the URL of GitLab.

    Raises:
        UsageError: A value is invalid.
    """
    option = f"--ci-gitlab {project}"
    for valid, where, usage in (
        (_REPOSITORY.match(project), option, "--ci-gitlab GROUP/PROJECT"),
        (_BRANCH.match(branch), f"--ci-branch {branch}", "--ci-branch NAME, without a pattern"),
        (_ISSUER.match(issuer), f"--ci-issuer {issuer}", "--ci-issuer https://HOST"),
    ):
        if not valid:
            raise UsageError("invalid value", where=where, next_step=usage)
    subject = f"project_path:{project}:ref_type:branch:ref:{branch}"
    return Trust(issuer, issuer, subject, option)


def policy_scope(environment: Environment) -> PolicyScope:
    """The resources of an environment that its policies are limited to."""
    return PolicyScope(
        environment.name,
        environment.account_id,
        environment.region,
        environment.state_bucket,
        environment.files_bucket,
        environment.image_repository,
        environment.has_api,
        environment.has_cache,
        str(environment.variables.get("web_hosted_zone_id") or ""),
        str(environment.variables.get("web_waf_acl_arn") or ""),
    )


def role_stack(environment: Environment) -> str:
    """Name of the stack, and of the role in it."""
    return f"{environment.name}-gradectl-ci"


def role_template(project_root: Path, environment: Environment, trust: Trust) -> str:
    """
    Render the CloudFormation template of the role.

    Args:
        project_root: The folder that holds templates/.
        environment: The environment.
        trust: Which jobs may assume it.
    """
    values: Mapping[str, Any] = {
        "name": environment.name,
        "option": trust.option,
        "role": role_stack(environment),
        "provider": f"arn:aws:iam::{environment.account_id}:oidc-provider/{trust.host}",
        "host": trust.host,
        "audience": json.dumps(trust.audience),
        "subject": json.dumps(trust.subject),
        "policies": [
            {"name": name, "document": json.dumps(policy)}
            for name, policy in apply_policies(policy_scope(environment)).items()
        ],
        "plan_subject": json.dumps(trust.plan_subject) if trust.plan_subject else "",
        "plan_policy": json.dumps(plan_policy(policy_scope(environment))),
    }
    return render_template(project_root, TEMPLATE, values)


def deploy_role(
    aws: Aws, project_root: Path, environment: Environment, trust: Trust
) -> dict[str, str]:
    """
    Create or update the roles, and the account's OIDC provider where there is none.

    A provider that exists belongs to the whole account and is not changed.

    Returns:
        ARNs of the roles, by the names of the stack's outputs.

    Raises:
        RefusedError: The provider exists and does not accept the audience.
    """
    aws.providers.ensure(trust.issuer, trust.host, trust.audience)
    stack = role_stack(environment)
    tags = {"Environment": environment.name, "ManagedBy": "cloudformation", "Project": "gradectl"}
    template = role_template(project_root, environment, trust)
    aws.stacks.deploy(stack, template, tags, named_roles=True)
    return aws.stacks.outputs(stack)
