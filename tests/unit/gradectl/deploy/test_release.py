"""release.json selects the image of the next plan, and only one that fits the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.release import Release, read_release, release_path, write_release
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError

DIGEST = "sha256:" + "a" * 64
RELEASE = Release(
    image=f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/dev-grading-worker@{DIGEST}",
    digest=DIGEST,
    tag="content-1",
    architecture="X86_64",
    version="0.1.0",
)


def environment(**variables: Any) -> Environment:
    return Environment(
        schema_version=1,
        name="dev",
        account_id="123456789012",
        region="eu-west-1",
        variables=variables,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a release."""
    (tmp_path / "environments" / "dev").mkdir(parents=True)
    assert write_release(tmp_path, environment(), RELEASE)
    return tmp_path


def test_a_release_is_read_as_it_was_written(root: Path) -> None:
    """And writing it again changes nothing."""
    assert read_release(root, environment()) == RELEASE
    assert not write_release(root, environment(), RELEASE)


def test_an_environment_without_a_release_has_none(tmp_path: Path) -> None:
    """The image is then that of environment.yaml."""
    assert read_release(tmp_path, environment()) is None


def test_an_image_for_another_architecture_is_refused(root: Path) -> None:
    """Its tasks would stop with `exec format error`, minutes after the apply."""
    with pytest.raises(ConfigurationError) as caught:
        read_release(root, environment(ecs_architecture="ARM64"))

    assert "for X86_64, but ecs_architecture is ARM64" in caught.value.what
    assert caught.value.next_step == "gradectl image push dev"


def test_two_sources_of_the_image_are_refused(root: Path) -> None:
    """It would be unclear which one runs."""
    with pytest.raises(ConfigurationError) as caught:
        read_release(root, environment(grading_container_image="example.com/worker:1"))

    assert "is set by release.json" in caught.value.what


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema_version": 1}', "\udcff", '{"image": "x:latest"}']
)
def test_an_invalid_file_is_one_error(root: Path, text: str) -> None:
    """With the command that writes a valid one."""
    path = release_path(root, environment())
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(ConfigurationError) as caught:
        read_release(root, environment())

    assert caught.value.where == "environments/dev/release.json"
    assert caught.value.next_step == "gradectl image push dev"
