"""The account is checked, a dry run sends only reads, and errors are translated."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.aws.errors import translated
from gradectl.errors import ConfigurationError, GradectlError, RefusedError

pytestmark = pytest.mark.engine
ACCOUNT = "123456789012"


def settings(endpoint: str, **changes: Any) -> AwsSettings:
    values = {
        "region": "ap-northeast-2",
        "account_id": ACCOUNT,
        "endpoint_url": endpoint,
        "access_key_id": "testing",
        "secret_access_key": "testing",
    }
    return AwsSettings(**{**values, **changes})


@pytest.fixture
def aws(moto_server: str) -> Iterator[Aws]:
    """The emulated account."""
    return Aws(settings(moto_server))


def client(endpoint: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="ap-northeast-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_another_account_is_refused(moto_server: str, project: Any) -> None:
    """Only the account in environment.yaml is accepted."""
    with pytest.raises(RefusedError) as caught:
        Aws(settings(moto_server, account_id="999999999999")).check_account()
    assert caught.value.exit_code == 5

    project.configure(account_id="999999999999")
    refused = project.run("plan", project.name)
    assert refused.returncode == 5
    assert "999999999999" in refused.stderr


def test_timeout_ends_a_call_without_an_answer(project: Any) -> None:
    """The alarm interrupts botocore, which must not retry it as a connection error."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = project.run_process(
            *("--endpoint-url", endpoint, "--timeout", "1", "secrets", "list", project.name)
        )

    assert ended.returncode == 124
    assert "the --timeout expired" in ended.stderr


def test_a_dry_run_blocks_every_call_that_is_not_a_read(moto_server: str) -> None:
    """The client blocks them, so that no code path can forget it."""
    dry = Aws(settings(moto_server, dry_run=True))
    dry.check_account()

    with pytest.raises(RefusedError):
        dry.buckets.enable_versioning("any-bucket")
    with pytest.raises(RefusedError):
        dry.stacks.deploy("any-stack", "{}", {})
    with pytest.raises(RefusedError):
        dry.object_store("any-bucket").put("key", b"", content_type="text/plain")


def test_a_missing_parameter_is_named(aws: Aws) -> None:
    """Existing ones are read, decrypted, in several pages."""
    names = [f"/many-test/{number}" for number in range(12)]
    ssm = client(aws.settings.endpoint_url or "", "ssm")
    for name in names:
        ssm.put_parameter(Name=name, Value="v", Type="SecureString", Overwrite=True)

    assert aws.parameters(names) == dict.fromkeys(names, "v")
    with pytest.raises(ConfigurationError) as caught:
        aws.parameters([*names, "/many-test/none"])
    assert "/many-test/none" in caught.value.what


@pytest.mark.usefixtures("bootstrapped")
def test_bootstrap_creates_the_stack_once(project: Any, published: Any) -> None:
    """The bucket has versioning and encryption, and a second run changes nothing."""
    again = project.run("bootstrap", project.name, "--yes", "-o", "json")

    assert again.returncode == 0, again.stderr
    assert published(again.stdout)["outcome"] == "unchanged"
    rendered = project.run("render", project.name, "-o", "json")
    assert published(rendered.stdout)["environment"] == project.name
    s3 = project.client("s3")
    assert s3.get_bucket_versioning(Bucket=project.state_bucket)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=project.state_bucket)
    repositories = project.client("ecr").describe_repositories()["repositories"]
    mine = [item for item in repositories if item["repositoryName"].startswith(f"{project.name}-")]
    assert [item["imageTagMutability"] for item in mine] == ["IMMUTABLE"]


@pytest.mark.usefixtures("bootstrapped")
def test_a_dry_run_of_bootstrap_creates_nothing(project: Any, published: Any) -> None:
    """It prints the planned change."""
    project.configure(state={"bucket": f"{project.name}-other"})

    finished = project.run("bootstrap", project.name, "--dry-run", "-o", "json")

    assert finished.returncode == 0, finished.stderr
    assert published(finished.stdout)["outcome"] == "would be updated"
    assert not Aws(settings(project.endpoint)).buckets.exists(f"{project.name}-other")


def test_without_the_state_bucket_bootstrap_is_the_next_step(project: Any) -> None:
    """Terraform's own error is hard to understand."""
    project.configure(state={"bucket": f"{project.name}-none"})

    finished = project.run("plan", project.name)

    assert finished.returncode == 78
    assert f"gradectl bootstrap {project.name}" in finished.stderr


def test_without_the_local_stack_an_emulated_environment_is_unreachable(project: Any) -> None:
    """Emulated calls must not go to the real cloud by accident."""
    finished = project.run("plan", project.name, GRADECTL_ENDPOINT_URL="")

    assert finished.returncode == 69
    assert "gradectl local up" in finished.stderr


def test_a_service_is_deployed_with_the_given_task_definition(aws: Aws) -> None:
    """ECS reports the task definition and the state of the deployment."""
    ecs = client(aws.settings.endpoint_url or "", "ecs")
    ecs.create_cluster(clusterName="deployed")
    container = {"name": "grading-worker", "image": "unused", "memory": 128}
    old, new = (
        ecs.register_task_definition(family="deployed", containerDefinitions=[container])[
            "taskDefinition"
        ]["taskDefinitionArn"]
        for _ in range(2)
    )
    ecs.create_service(cluster="deployed", serviceName="s", taskDefinition=old, desiredCount=0)
    assert aws.services.get("deployed", "s").task_definition == old

    aws.services.deploy("deployed", "s", new)

    found = aws.services.get("deployed", "s")
    assert found.task_definition == new
    assert found.rollout in {"COMPLETED", "IN_PROGRESS"}


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (NoCredentialsError(), 77),
        (EndpointConnectionError(endpoint_url="http://localhost:1"), 69),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameters"), 75),
        (ClientError({"Error": {"Code": "ExpiredToken"}}, "GetCallerIdentity"), 77),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetParameters"), 77),
        (ClientError({"Error": {"Code": "Other"}}, "GetParameters"), 1),
    ],
)
def test_vendor_errors_are_translated(raised: Exception, code: int) -> None:
    """None of botocore's exceptions leaves the adapter."""
    with pytest.raises(GradectlError) as caught, translated("somewhere"):
        raise raised

    assert caught.value.exit_code == code
    assert caught.value.where == "somewhere"


@pytest.mark.parametrize(
    "arguments",
    [
        ("render",),
        ("render", "--check"),
        ("bootstrap", "--yes"),
        ("import",),
        ("plan",),
        ("apply", "--yes"),
        ("destroy", "--confirm", "NAME"),
        ("verify",),
    ],
    ids=" ".join,
)
def test_an_external_environment_is_not_deployed(project: Any, arguments: Sequence[str]) -> None:
    """Its Terraform is in another project; nothing is sent to AWS, and nothing is written."""
    folder = project.root / "environments" / project.name
    path = folder / "environment.yaml"
    path.write_text(path.read_text() + "terraform: external\n")
    before = {each: each.read_text() for each in folder.iterdir()}
    command, *options = arguments
    given = [option.replace("NAME", project.name) for option in options]

    refused = project.run(command, project.name, *given, GRADECTL_ENDPOINT_URL="")

    assert refused.returncode == 5, refused.stderr
    assert "terraform: external" in refused.stderr
    assert f"gradectl smoke {project.name}" in refused.stderr
    assert {each: each.read_text() for each in folder.iterdir()} == before


def test_render_check_writes_nothing(project: Any, published: Any) -> None:
    """Exit code 4 names the outdated files, also when one is missing; 0 when all are fresh."""
    folder = project.root / "environments" / project.name
    fresh = project.run("render", project.name, "--check")
    (folder / "terraform.tfvars").write_text("# changed\n")
    (folder / "backend.hcl").unlink()

    stale = project.run("render", project.name, "--check", "-o", "json")

    assert fresh.returncode == 0
    assert stale.returncode == 4
    assert {each["state"] for each in published(stale.stdout)["files"]} == {"out of date"}
    assert "backend.hcl" in stale.stderr
    assert f"gradectl render {project.name}" in stale.stderr
    assert (folder / "terraform.tfvars").read_text() == "# changed\n"
    assert not (folder / "backend.hcl").exists()
