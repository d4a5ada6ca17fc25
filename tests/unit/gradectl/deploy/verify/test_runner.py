"""The checks look at the image of the next plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.deploy.release import IMAGE_VARIABLE, Release, release_path, write_release
from gradectl.deploy.verify.runner import with_release
from gradectl.environment import Environment

DIGEST = f"sha256:{'0' * 64}"
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/dev-grading-worker@{DIGEST}"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment whose folder exists."""
    content = {"name": "dev", "account_id": "123456789012", "region": "eu-west-1"}
    found = Environment.model_validate({"schema_version": 1, **content})
    release_path(tmp_path, found).parent.mkdir(parents=True)
    return found


def test_the_pushed_image_is_the_one_to_check(tmp_path: Path, environment: Environment) -> None:
    """And not the one that does not exist."""
    release = Release(image=IMAGE, digest=DIGEST, tag="x", architecture="X86_64", version="1")
    write_release(tmp_path, environment, release)

    assert with_release(tmp_path, environment).variables == {IMAGE_VARIABLE: IMAGE}


def test_without_a_valid_release_the_values_stay(tmp_path: Path, environment: Environment) -> None:
    """The check of the rendered files says what is wrong with the file."""
    assert with_release(tmp_path, environment) == environment
    release_path(tmp_path, environment).write_text("{")
    assert with_release(tmp_path, environment) == environment
