"""What an instance of the web tier does at its first start: rendered by Terraform, then run."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.engine
_CONTROL = "".join(chr(code) for code in (*range(9), *range(11, 32), 127))
MODULE = "modules/web"
DIRECTORY = "/etc/grading-web"
IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/web:1.4.2"
REQUIRED = {
    "application": {"image": IMAGE, "command": ["serve", "it's $HOME", "a\nb"]},
    "certificate_arn": "arn:aws:acm:ap-northeast-2:123456789012:certificate/0",
    "environment": {"GREETING": 'it\'s "$HOME" `id` \\ \n', "QUEUE_NAME": "grading-requests"},
    "environment_name": "test",
    "region": "ap-northeast-2",
    "security_group_ids": {"load_balancer": "sg-1", "web": "sg-2"},
    "subnet_ids": {"public": ["subnet-1", "subnet-2"], "private": ["subnet-3", "subnet-4"]},
    "vpc_id": "vpc-1",
}
#: What the module lets through: no control characters other than tab and newline. Terraform itself
#: brings every string into Unicode's composed form.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters=_CONTROL), max_size=40).map(
    partial(unicodedata.normalize, "NFC")
)


@pytest.fixture(scope="session")
def user_data(mocked_folder: Callable[..., Any]) -> str:
    """User data as Terraform's own console gives it."""
    folder = mocked_folder(MODULE, {"test.auto.tfvars.json": json.dumps(REQUIRED)})
    answer = folder.run("console", text="base64encode(local.user_data)\n")
    return base64.b64decode(json.loads(answer)).decode()


@pytest.fixture(scope="session")
def written(user_data: str) -> dict[str, str]:
    """Content of each file that cloud-init writes, by its path."""
    found = yaml.safe_load(user_data)["write_files"]
    return {file["path"]: base64.b64decode(file["content"]).decode() for file in found}


@pytest.fixture(scope="session")
def environment_files(terraform_folder: Callable[..., Any]) -> Callable[[Mapping[str, str]], str]:
    """Renders the template of the environment file; without a provider that is quick."""
    folder = terraform_folder("rendering")
    template = folder.directory.parent / MODULE / "templates" / "environment.tftpl"

    def render(environment: Mapping[str, str]) -> str:
        values = base64.b64encode(json.dumps(environment).encode()).decode()
        words = f'{{ environment = jsondecode(base64decode("{values}")) }}'
        answer = folder.run("console", text=f'base64encode(templatefile("{template}", {words}))\n')
        return base64.b64decode(json.loads(answer)).decode()

    return render


def after_reading(file: Path) -> dict[str, str]:
    """The environment of a program that sh starts after it has read a file."""
    script = f"set -eu; set -a; . '{file}'; set +a; exec /usr/bin/env -0"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={}, capture_output=True, timeout=300, check=True
    )
    items = done.stdout.decode().rstrip("\0").split("\0")
    return dict(item.split("=", 1) for item in items if item)


def test_user_data_is_what_cloud_init_reads(user_data: str) -> None:
    """cloud-init takes YAML after its mark, and each file with a path, a mode and its content."""
    first, _, document = user_data.partition("\n")
    config = yaml.safe_load(document)

    assert first == "#cloud-config"
    assert set(config) == {"runcmd", "write_files"}
    assert all(
        set(file) == {"content", "encoding", "owner", "path", "permissions"}
        and file["encoding"] == "b64"
        and file["permissions"] in {"0600", "0644", "0700", "0755"}
        for file in config["write_files"]
    )
    assert all(isinstance(word, str) for command in config["runcmd"] for word in command)


def test_nothing_is_installed_and_only_systemctl_is_called(user_data: str) -> None:
    """What is installed at a start is not what was tested; the AMI has what is needed."""
    config = yaml.safe_load(user_data)

    assert {command[0] for command in config["runcmd"]} == {"systemctl"}
    assert not {"packages", "package_update", "package_upgrade", "repo_update"} & set(config)


def test_scripts_are_valid(written: dict[str, str], tmp_path: Path) -> None:
    """A shell script that does not parse would be found out on the first instance."""
    for name in ("start", "environment"):
        path = tmp_path / name
        path.write_text(written[f"{DIRECTORY}/{name}"])
        subprocess.run(["/bin/sh", "-n", path], check=True, timeout=300)
    helper = "/usr/local/bin/docker-credential-instance-role"
    compile(written[helper], helper, "exec")


def test_the_unit_starts_what_is_written(written: dict[str, str]) -> None:
    """Paths in the unit are those of the files, and it starts the container again."""
    unit = written["/etc/systemd/system/grading-web.service"]

    assert f"ExecStart={DIRECTORY}/start\n" in unit
    assert f"DOCKER_CONFIG={DIRECTORY}/docker\n" in unit
    assert "Restart=always\n" in unit
    assert {"[Unit]", "[Service]", "[Install]"} <= set(unit.splitlines())


def test_docker_gets_the_environment_and_the_words(written: dict[str, str], tmp_path: Path) -> None:
    """The start script, run with a docker that tells what it got, passes values and words whole."""
    docker = tmp_path / "docker"
    docker.write_text(
        '#!/bin/sh\nprintf \'%s\\0\' "$@" > "$0.words"\nexec /usr/bin/env -0 > "$0.env"\n'
    )
    docker.chmod(0o700)
    (tmp_path / "environment").write_text(written[f"{DIRECTORY}/environment"])
    script = written[f"{DIRECTORY}/start"].replace("/usr/bin/docker", str(docker))
    start = tmp_path / "start"
    start.write_text(script.replace(DIRECTORY, str(tmp_path)))

    subprocess.run(["/bin/sh", start], env={"PATH": os.defpath}, check=True, timeout=300)

    words = (tmp_path / "docker.words").read_text().split("\0")[:-1]
    told = (tmp_path / "docker.env").read_text().split("\0")
    assert words[0] == "run"
    assert words[-4:] == [IMAGE, "serve", "it's $HOME", "a\nb"]
    assert [words[at + 1] for at, word in enumerate(words) if word == "--env"] == [
        "GREETING",
        "QUEUE_NAME",
    ]
    assert "GREETING=" + REQUIRED["environment"]["GREETING"] in told  # type: ignore[index]
    assert {"--read-only", "--init", "--cap-drop", "no-new-privileges"} <= set(words)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(TEXT, min_size=60, max_size=60))
def test_any_value_survives_the_shell(
    environment_files: Callable[[Mapping[str, str]], str], tmp_path: Path, values: list[str]
) -> None:
    """Quotes, newlines, $, backticks, backslashes: what was given is what the program sees."""
    environment = {f"VALUE_{number}": value for number, value in enumerate(values)}
    file = tmp_path / "environment"
    file.write_text(environment_files(environment), newline="")

    found = after_reading(file)

    assert {name: found[name] for name in environment} == environment
