"""`gradectl revisions` and `gradectl rollback`, on an emulated ECS in this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.commands.deploy import smoke_seconds
from gradectl.deploy.way_back import offer
from gradectl.environment import Environment

REPOSITORY = Path(__file__).resolve().parents[4]
DIGESTS = ["sha256:" + letter * 64 for letter in "abc"]


@pytest.fixture
def account(dev: Any) -> Any:
    """A service of which two revisions completed a deployment, and a third is registered."""
    first, second, _third = (dev.register(f"worker@{digest}") for digest in DIGESTS)
    dev.create_service(first)
    dev.deploy(second)
    return dev


def deployed(account: Any) -> str:
    """The revision that the service deploys."""
    found = account.client("ecs").describe_services(
        cluster="dev-grading-cluster", services=["dev-grading-service"]
    )
    return str(found["services"][0]["taskDefinition"]).rpartition("/")[2]


def test_revisions_are_listed_with_image_and_state(account: Any) -> None:
    """Newest first."""
    found = account.gradectl("revisions", "dev", "-o", "json").document["revisions"]

    assert [(each["revision"], each["state"], each["image"]) for each in found] == [
        (3, "", f"worker@{DIGESTS[2]}"),
        (2, "running", f"worker@{DIGESTS[1]}"),
        (1, "good", f"worker@{DIGESTS[0]}"),
    ]
    assert found[0]["deployed_at"] is None
    assert found[1]["deployed_at"]


def test_before_the_first_apply_there_is_no_revision(dev: Any) -> None:
    """The title says what registers one."""
    result = dev.gradectl("revisions", "dev")

    assert result.code == 0, result.stderr
    assert "gradectl apply dev" in result.stdout


def test_a_rollback_deploys_the_latest_good_revision(account: Any) -> None:
    """It says what it changes, and that the next apply would undo it."""
    result = account.gradectl("rollback", "dev", "--yes", "--no-smoke", "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["from"] == "dev-grading-task:2"
    assert result.document["to"] == "dev-grading-task:1"
    assert result.document["rolled_back"] is True
    assert deployed(account) == "dev-grading-task:1"
    assert "environment dev" in result.stderr
    assert DIGESTS[0] in result.stderr
    assert "the next apply deploys dev-grading-task:2 again" in result.stderr
    assert "next: gradectl smoke dev" in result.stderr


def add_api(account: Any, *images: str) -> None:
    """Add the service of the HTTP API, which deploys these images one after the other."""
    ecs = account.client("ecs")
    arns = [
        ecs.register_task_definition(
            family="dev-grading-api-task",
            containerDefinitions=[{"name": "grading-api", "image": image, "memory": 512}],
        )["taskDefinition"]["taskDefinitionArn"]
        for image in images
    ]
    where = {"cluster": "dev-grading-cluster"}
    service = "dev-grading-api"
    ecs.create_service(serviceName=service, taskDefinition=arns[0], desiredCount=0, **where)
    for arn in arns[1:]:
        ecs.update_service(service=service, taskDefinition=arn, **where)
    with (account.root / "environments/dev/environment.yaml").open("a") as file:
        file.write("variables: {enable_api: true}\n")


def deployed_api(account: Any) -> str:
    """The revision that the service of the HTTP API deploys."""
    found = account.client("ecs").describe_services(
        cluster="dev-grading-cluster", services=["dev-grading-api"]
    )
    return str(found["services"][0]["taskDefinition"]).rpartition("/")[2]


def test_the_http_api_goes_back_to_the_same_image(account: Any) -> None:
    """Both run the code of one image; its revisions have numbers of their own."""
    add_api(account, *(f"worker@{digest}" for digest in (DIGESTS[2], *DIGESTS[:2])))

    result = account.gradectl("rollback", "dev", "--yes", "--no-smoke", "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["api"] == {
        "service": "dev-grading-api",
        "from": "dev-grading-api-task:3",
        "to": "dev-grading-api-task:2",
    }
    assert deployed(account) == "dev-grading-task:1"
    assert deployed_api(account) == "dev-grading-api-task:2"


@pytest.mark.parametrize(
    ("images", "warning"),
    [((f"worker@{DIGESTS[0]}",), ""), ((f"worker@{DIGESTS[2]}",), "stays as it is")],
    ids=["runs it already", "has none with it"],
)
def test_an_http_api_without_another_revision_of_the_image_stays(
    account: Any, images: tuple[str, ...], warning: str
) -> None:
    """The workers go back all the same."""
    add_api(account, *images)

    result = account.gradectl("rollback", "dev", "--yes", "--no-smoke", "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["api"] is None
    assert deployed(account) == "dev-grading-task:1"
    assert deployed_api(account) == "dev-grading-api-task:1"
    assert (warning in result.stderr) if warning else ("stays" not in result.stderr)


def test_a_dry_run_of_a_rollback_changes_nothing(account: Any) -> None:
    """It shows the same changes."""
    result = account.gradectl("rollback", "dev", "--dry-run", "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["to"] == "dev-grading-task:1"
    assert result.document["rolled_back"] is False
    assert deployed(account) == "dev-grading-task:2"


def test_a_rollback_must_be_confirmed(account: Any) -> None:
    """Without a terminal it needs --yes."""
    result = account.gradectl("rollback", "dev", "--no-smoke")

    assert result.code == 5
    assert "--yes" in result.stderr
    assert deployed(account) == "dev-grading-task:2"


def test_a_named_revision_without_a_good_deployment_is_deployed_with_a_warning(
    account: Any,
) -> None:
    """ECS forgets deployments after 90 days, so the operator may know better."""
    result = account.gradectl("rollback", "dev", "dev-grading-task:3", "--yes", "--no-smoke")

    assert result.code == 0, result.stderr
    assert "no deployment of dev-grading-task:3 is known to have completed" in result.stderr
    assert deployed(account) == "dev-grading-task:3"


@pytest.mark.parametrize(
    ("revision", "code", "text"),
    [
        ("2", 5, "dev-grading-task:2 is the running revision"),
        ("9", 5, "revision 9 does not exist"),
        ("latest", 64, "'latest' is not a revision"),
    ],
)
def test_a_revision_that_cannot_be_deployed_is_refused(
    account: Any, revision: str, code: int, text: str
) -> None:
    """The next step lists those that can."""
    result = account.gradectl("rollback", "dev", revision, "--yes")

    assert result.code == code
    assert text in result.stderr
    assert "gradectl revisions dev" in result.stderr
    assert deployed(account) == "dev-grading-task:2"


def test_without_an_earlier_good_deployment_a_rollback_is_refused(dev: Any) -> None:
    """Also when other revisions exist that never ran."""
    dev.register("worker:1")
    dev.create_service(dev.register("worker:2"))

    result = dev.gradectl("rollback", "dev", "--yes")

    assert result.code == 5
    assert "no other revision has completed a deployment" in result.stderr


def test_without_a_service_there_is_nothing_to_roll_back(dev: Any) -> None:
    """The next step creates it."""
    result = dev.gradectl("rollback", "dev", "--yes")

    assert result.code == 1
    assert "service not found" in result.stderr


def push(account: Any, text: str) -> str:
    """Put an image into the repository of the environment; returns it by digest."""
    media = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": media,
        "config": {},  # moto cannot download it, so the platform stays unknown
        "layers": [],
        "annotations": {"org.opencontainers.image.version": "1.2.3", "name": text},
    }
    answer = account.client("ecr").put_image(
        repositoryName="dev-grading-worker",
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=media,
        imageTag=text,
    )
    digest = answer["image"]["imageId"]["imageDigest"]
    place = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
    return f"{place}/dev-grading-worker@{digest}"


def test_a_rollback_records_the_image_for_the_next_plan(dev: Any) -> None:
    """The rendered variables name it too, so that the next apply does not undo the rollback."""
    shutil.copytree(REPOSITORY / "templates", dev.root / "templates")
    for path in (REPOSITORY / "environments").glob("*.tf"):
        shutil.copy(path, dev.root / "environments")
    dev.client("ecr").create_repository(repositoryName="dev-grading-worker")
    first, second = push(dev, "first"), push(dev, "second")
    older, newer = dev.register(first), dev.register(second)
    dev.create_service(older)
    dev.deploy(newer)

    result = dev.gradectl("rollback", "dev", "--yes", "--no-smoke", "-o", "json")

    assert result.code == 0, result.stderr
    folder = dev.root / "environments" / "dev"
    release = json.loads((folder / "release.json").read_text())
    assert (release["image"], release["tag"]) == (first, "first")
    assert release["version"] == "1.2.3"
    assert first in (folder / "terraform.tfvars").read_text()
    assert "environments/dev/release.json" in result.document["written"]
    assert "the next plan keeps this image" in result.stderr
    assert "the next apply deploys" not in result.stderr
    assert dev.gradectl("render", "dev", "--check").code == 0


def test_a_rollback_of_what_a_pipeline_deployed_writes_no_file(account: Any) -> None:
    """No plan changes the revision, so an image for the next plan would say nothing."""
    path = account.root / "environments" / "dev" / "environment.yaml"
    path.write_text(path.read_text() + "variables: {ecs_ignore_task_definition_changes: true}\n")

    result = account.gradectl("rollback", "dev", "--yes", "--no-smoke", "-o", "json")

    assert result.code == 0, result.stderr
    assert deployed(account) == "dev-grading-task:1"
    assert result.document["written"] == []
    assert "the next run of your pipeline deploys its image again" in result.stderr
    assert "the next apply" not in result.stderr


def test_the_offered_way_back_is_the_latest_good_revision(account: Any) -> None:
    """The command has its number, and without a good one the reason is given."""
    environment = Environment(
        schema_version=1, name="dev", account_id="123456789012", region="ap-northeast-2"
    )
    aws = Aws(AwsSettings("ap-northeast-2", "123456789012"))

    offered = offer(aws, environment)
    account.gradectl("rollback", "dev", "--yes", "--no-smoke")

    assert offered == f"the way back: gradectl rollback dev 1 (worker@{DIGESTS[0]})"


@pytest.mark.parametrize(
    ("left", "seconds"), [(None, 60.0), (3600.0, 60.0), (45.0, 40.0), (2.0, 1.0)]
)
def test_the_timeout_of_a_deployment_bounds_the_smoke_test(
    left: float | None, seconds: float
) -> None:
    """Its jobs share the time, and a report follows at the end."""
    assert smoke_seconds(left) == seconds
