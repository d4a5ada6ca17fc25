"""Tasks run in the file system of their image, which comes from the registry of the stack."""

from __future__ import annotations

import http.client
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_images import layer, push

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.errors import GradectlError
from gradectl.local import lifecycle
from gradectl.local.layout import StackLayout
from gradectl.local.stack import Stack
from gradectl.rollouts.rollout import Rollout, wait_for
from gradectl.ui import Ui

pytestmark = pytest.mark.engine
REPOSITORY = "local-grading-worker"
SOURCE = Path(__file__).resolve().parents[2] / "fixtures" / "images" / "task.c"
DROPPED = (
    *("AUDIT_WRITE", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"),
)
#: chown, dac_override, fowner, fsetid, kill, setgid, setuid.
SEVEN = "00000000000000fb"
LONG = 300.0  # a limit for a hung test, not a measurement
CHECK = {"command": ["CMD", "grader", "health"]}
CONFIG = {"User": "1000:1000", "Env": ["PATH=/bin", "LANG=C.UTF-8"], "Volumes": {"/tmp": {}}}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The program of the tasks, which needs no other file."""
    path = tmp_path_factory.mktemp("program") / "task"
    subprocess.run(["gcc", "-static", "-Os", "-o", path, SOURCE], check=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def account(shared_account: Any) -> Any:
    """An account with a repository, whose registry runs, and a service without tasks."""
    account = shared_account
    account.aws = Aws(settings(account.stack))
    account.client("ecr").create_repository(repositoryName=REPOSITORY)
    account.create_service(account.register(), 0)
    assert account.settle()["registry"].address.startswith("https://localhost:")
    return account


def settings(stack: Stack) -> AwsSettings:
    return AwsSettings(
        region=stack.region,
        account_id=stack.account_id,
        endpoint_url=stack.endpoint_url,
        access_key_id="testing",
        secret_access_key="testing",
    )


@pytest.fixture(scope="module")
def image(account: Any, program: bytes) -> str:
    """An image of two layers; the second removes a file of the first."""
    layers = [
        layer(
            {
                "bin": (None, 0o755),
                "bin/task": (program, 0o755),
                "etc": (None, 0o755),
                "etc/removed": (b"", 0o644),
                "tmp": (None, 0o1777),
            }
        ),
        layer({"etc/.wh.removed": (b"", 0o644)}),
    ]
    return push(account.client("ecr"), account.stack.ca_file, REPOSITORY, layers, CONFIG)


@pytest.fixture
def start(account: Any) -> Callable[..., Rollout]:
    """Deploy a task definition with an image and a command."""

    def start(image: str, *command: str) -> Rollout:
        definition = account.register(
            image=image,
            command=list(command),
            healthCheck=CHECK,
            readonlyRootFilesystem=True,
            linuxParameters={"capabilities": {"drop": list(DROPPED)}},
        )
        account.update_service(desiredCount=1)
        identity = account.aws.services.deploy("local-grading", "grading", definition)
        return Rollout("local-grading", "grading", definition, identity)

    return start


def lines_of_the_task(account: Any) -> list[str]:
    (task,) = (each for each in account.settle().values() if each.name.startswith("grading/"))
    assert task.source.startswith("image sha256:")
    return list(task.log_file.read_text().splitlines())


def error_of(account: Any, rollout: Rollout, reason: str) -> str:
    """Wait until a task has stopped for a reason; return the error of a deployment without time."""

    def is_told(_: object) -> bool:
        tasks = account.aws.services.stopped_tasks(rollout.cluster, rollout.service)
        texts = [(each.stopped_reason, *each.container_reasons.values()) for each in tasks]
        return any(reason in text for all_of_task in texts for text in all_of_task)

    account.until(is_told)
    with pytest.raises(GradectlError) as error:
        wait_for(account.aws, Ui("table", {}), rollout, 0)
    return str(error.value)


def test_a_task_has_the_files_and_the_rights_of_a_container(
    account: Any, image: str, start: Callable[..., Rollout]
) -> None:
    """Read-only root, seven capabilities, the user of the image, and the variables of both."""
    wait_for(account.aws, Ui("table", {}), start(image, "task"), LONG)

    lines = lines_of_the_task(account)
    fields = {name: text.split() for name, _, text in (each.partition(":") for each in lines)}
    assert fields["Uid"] == ["1000"] * 4
    assert fields["Groups"] == []
    assert (fields["CapBnd"], fields["CapEff"]) == ([SEVEN], ["0" * 16])
    assert {each for each in lines if each.startswith(("writable", "refused"))} == {
        *("refused /new", "writable /tmp/new", "writable /dev/shm/new", "writable /dev/null"),
    }
    assert {"absent /etc/removed", "present certificate"} <= set(lines)
    names = {each.partition(" ")[2].partition("=")[0] for each in lines if each.startswith("env ")}
    assert names == {
        *("PATH", "LANG", "QUEUE_NAME"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"),
        *("HEALTH_PORT", "SSL_CERT_FILE"),
    }


def test_a_file_that_the_image_lacks_fails_the_deployment(
    account: Any, image: str, start: Callable[..., Rollout]
) -> None:
    """The wait of `gradectl deploy` has the reason in the words of ECS."""
    error = error_of(account, start(image, "grader", "worker"), "CannotStartContainerError")

    assert "CannotStartContainerError: grader: No such file or directory" in error


def test_a_digest_that_the_registry_lacks_fails_the_deployment(
    account: Any, image: str, start: Callable[..., Rollout]
) -> None:
    """It is not replaced by the virtual environment."""
    other = f"{image.partition('@')[0]}@sha256:{'0' * 64}"

    error = error_of(account, start(other, "task"), "CannotPullContainerError")

    assert f"CannotPullContainerError: {other}: not found" in error


def run_once(account: Any, image: str) -> str:
    """Run a task outside of the service until its program runs in the image; returns its ARN."""
    definition = account.register(image=image, command=["task"], readonlyRootFilesystem=True)
    subnet = account.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    (task,) = account.client("ecs").run_task(
        cluster="local-grading",
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}},
    )["tasks"]
    arn: str = task["taskArn"]
    name = arn.rpartition("/")[2]
    account.until(
        lambda found: any(
            each.name.endswith(name) and each.log_file.exists() and each.log_file.read_text()
            for each in found
        )
    )
    return arn


def test_only_images_of_tasks_and_the_last_two_stay_unpacked(
    account: Any, program: bytes, image: str, start: Callable[..., Rollout]
) -> None:
    """A running task keeps its files while others are deployed."""
    ui, roots = Ui("table", {}), StackLayout(account.stack.directory).images / "roots"
    files = {"bin": (None, 0o755), "bin/task": (program, 0o755), "tmp": (None, 0o1777)}
    others = [
        push(
            account.client("ecr"),
            account.stack.ca_file,
            REPOSITORY,
            [layer({**files, name: (b"", 0o644)})],
            CONFIG,
        )
        for name in ("first", "second", "third")
    ]

    def unpacked() -> list[int]:
        """Which of the images are unpacked, oldest first."""
        names = [each.partition("@sha256:")[2] for each in (image, *others)]
        assert {path.name for path in roots.iterdir()} <= set(names)
        return [at for at, name in enumerate(names) if (roots / name).exists()]

    task = run_once(account, image)
    for each in others[:2]:
        wait_for(account.aws, ui, start(each, "task"), 60)
    assert unpacked() == [0, 1, 2]

    account.client("ecs").stop_task(cluster="local-grading", task=task, reason="enough")
    account.settle()
    wait_for(account.aws, ui, start(others[2], "task"), 60)
    assert unpacked() == [2, 3]


def test_the_registry_asks_for_its_password(account: Any, image: str) -> None:
    """It is private, and its certificate is that of the stack."""
    running = {each.name: each for each in lifecycle.services(account.stack)}
    address = running["registry"].address.removeprefix("https://")
    context = ssl.create_default_context(cafile=account.stack.ca_file)
    connection = http.client.HTTPSConnection(address, context=context)
    connection.request("GET", f"/v2/{REPOSITORY}/manifests/{image.partition('@')[2]}")

    assert connection.getresponse().status == 401
    connection.close()
