"""The role of a pipeline: whom it trusts, what it may do, and what is left alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cfn_findings import cfn_findings

from gradectl.environment import Environment
from gradectl.setup.pipeline_role import Trust, github_trust, gitlab_trust, role_template

#: moto's CloudFormation has no bucket policies.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS.*S3.*BucketPolicy")
REPOSITORY = Path(__file__).resolve().parents[4]
GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.example.com"


@pytest.fixture
def account(dev: Any) -> Any:
    """The account of `dev`, whose project has the templates."""
    shutil.copytree(REPOSITORY / "templates", dev.root / "templates")
    return dev


def trust(account: Any) -> Any:
    """The only statement of the role's trust policy."""
    role = account.client("iam").get_role(RoleName="dev-gradectl-ci")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return statement


def test_the_role_trusts_one_environment_of_one_github_repository(account: Any) -> None:
    """GitHub enforces the rules of its environment; the provider of the account is created."""
    done = account.gradectl("bootstrap", "dev", "--yes", "--ci-github", "acme/exams", "-o", "json")
    again = account.gradectl("bootstrap", "dev", "--yes", "--ci-github", "acme/exams")

    assert done.code == again.code == 0, done.stderr + again.stderr
    assert done.document["outputs"]["PipelineRoleArn"].endswith(":role/dev-gradectl-ci")
    statement = trust(account)
    assert statement["Principal"]["Federated"].endswith(
        ":oidc-provider/token.actions.githubusercontent.com"
    )
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:acme/exams:environment:dev",
        }
    }
    plan = account.client("iam").get_role(RoleName="dev-gradectl-ci-plan")["Role"]
    (planning,) = plan["AssumeRolePolicyDocument"]["Statement"]
    subject = planning["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == "repo:acme/exams:environment:dev-plan"
    assert done.document["outputs"]["PlanRoleArn"] == plan["Arn"]
    providers = account.client("iam").list_open_id_connect_providers()
    assert len(providers["OpenIDConnectProviderList"]) == 1


def test_a_gitlab_project_is_trusted_on_one_branch(account: Any) -> None:
    """Also of a GitLab of one's own."""
    done = account.gradectl(
        *("bootstrap", "dev", "--yes", "--ci-gitlab", "exams/judge", "--ci-issuer", GITLAB)
    )

    assert done.code == 0, done.stderr
    assert trust(account)["Condition"]["StringEquals"] == {
        "gitlab.example.com:aud": GITLAB,
        "gitlab.example.com:sub": "project_path:exams/judge:ref_type:branch:ref:main",
    }
    assert len(account.client("iam").list_roles()["Roles"]) == 1


def test_a_provider_of_the_account_is_used_and_not_changed(account: Any) -> None:
    """It belongs to other roles too; a missing audience is not added."""
    iam = account.client("iam")
    arn = iam.create_open_id_connect_provider(Url=GITHUB, ClientIDList=["other"])[
        "OpenIDConnectProviderArn"
    ]
    refused = account.gradectl("bootstrap", "dev", "--yes", "--ci-github", "acme/exams")
    unchanged = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    both = ["other", "sts.amazonaws.com"]
    iam.create_open_id_connect_provider(Url=GITHUB, ClientIDList=both)
    done = account.gradectl("bootstrap", "dev", "--yes", "--ci-github", "acme/exams")

    assert refused.code == 5
    assert "add-client-id-to-open-id-connect-provider" in refused.stderr
    assert unchanged == ["other"]
    assert done.code == 0, done.stderr
    after = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    assert sorted(after) == both


def test_bootstrap_without_the_options_keeps_the_role(account: Any) -> None:
    """It is in a stack of its own, with all policies of a person who applies as managed ones."""
    account.gradectl("bootstrap", "dev", "--yes", "--ci-github", "acme/exams")
    done = account.gradectl("bootstrap", "dev", "--yes", "-o", "json")
    printed = account.gradectl("bootstrap", "dev", "--policy", "-o", "json").document["policies"]
    iam = account.client("iam")
    attached = iam.list_attached_role_policies(RoleName="dev-gradectl-ci")["AttachedPolicies"]
    written = [
        iam.get_policy_version(PolicyArn=each["PolicyArn"], VersionId="v1")["PolicyVersion"]
        for each in attached
    ]

    assert done.code == 0, done.stderr
    assert trust(account)
    assert len(printed) == 2
    assert sorted(str(each["Document"]) for each in written) == sorted(map(str, printed))


def test_a_dry_run_creates_nothing(account: Any) -> None:
    """It says what would be created, and for whom."""
    shown = account.gradectl("bootstrap", "dev", "--dry-run", "--ci-github", "acme/exams")

    assert shown.code == 0, shown.stderr
    assert "would be created for repo:acme/exams:environment:dev" in shown.stderr
    assert account.client("iam").list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "trusted",
    [github_trust("acme/exams", "dev"), gitlab_trust("exams/judge", "main")],
    ids=["github", "gitlab"],
)
def test_cfn_lint_finds_nothing(trusted: Trust) -> None:
    """In the template as it is deployed."""
    environment = Environment(
        schema_version=1,
        name="dev",
        account_id="123456789012",
        region="eu-west-1",
        variables={"enable_api": True, "enable_redis": True, "web_hosted_zone_id": "Z0123"},
    )
    text = role_template(REPOSITORY, environment, trusted)

    assert cfn_findings(text, "eu-west-1") == []


@pytest.mark.parametrize(
    "options",
    [
        ("--ci-github", "acme"),
        ("--ci-github", "acme/*"),
        ("--ci-github", "acme/exams/more"),
        ("--ci-gitlab", "exams/judge", "--ci-branch", "*"),
        ("--ci-gitlab", "exams/judge", "--ci-issuer", "http://gitlab.example.com"),
        ("--ci-gitlab", "exams/judge", "--ci-github", "acme/exams"),
    ],
)
def test_a_pattern_or_an_open_trust_is_refused(account: Any, options: tuple[str, ...]) -> None:
    """Nothing is created, not even the bucket."""
    refused = account.gradectl("bootstrap", "dev", "--yes", *options)

    assert refused.code == 64
    assert account.client("s3").list_buckets()["Buckets"] == []


def test_the_policies_are_printed_without_an_account(account: Any) -> None:
    """Valid JSON on stdout, also for programs."""
    shown = account.gradectl("bootstrap", "dev", "--policy", "-o", "json")
    text = account.gradectl("bootstrap", "dev", "--policy").stdout

    first, second = shown.document["policies"]
    decoder = json.JSONDecoder()
    parsed, end = decoder.raw_decode(text)
    assert (parsed, json.loads(text[end:])) == (first, second)
