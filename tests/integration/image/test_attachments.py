"""Documents of images in a real registry, which lacks the referrers API."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from small_images import layer, push

from gradectl.adapters.aws.images import Images
from gradectl.adapters.images.attachments import Attachments, index_tag
from gradectl.adapters.images.builder import PushTarget
from gradectl.errors import GradectlError, UnreachableError
from gradectl.local.engines.registry import RegistryAccess
from gradectl.local.engines.registry_client import RegistryClient
from gradectl.local.testing import running_control_plane, running_registry

pytestmark = pytest.mark.engine
REPOSITORY = "attached"
DOCUMENT = b'{"bomFormat": "CycloneDX"}'


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryAccess]:
    """A running registry."""
    with running_registry(tmp_path_factory.mktemp("registry")) as access:
        yield access


@pytest.fixture(scope="module")
def ecr(access: RegistryAccess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The emulated ECR in front of it, with a repository."""
    with running_control_plane(tmp_path_factory.mktemp("moto"), access) as endpoint:
        ecr = boto3.client(
            "ecr",
            endpoint_url=endpoint,
            region_name="ap-northeast-2",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        ecr.create_repository(repositoryName=REPOSITORY)
        yield ecr


@pytest.fixture(scope="module")
def digest(access: RegistryAccess, ecr: Any) -> str:
    """A pushed image."""
    layers = [layer({"file": (b"content", 0o644)})]
    return push(ecr, Path(access.ca_file), REPOSITORY, layers, {}).partition("@")[2]


@pytest.fixture(scope="module")
def attachments(access: RegistryAccess) -> Attachments:
    return Attachments(target(access))


def target(access: RegistryAccess, password: str = "") -> PushTarget:
    login = (access.user, password or access.password)
    return PushTarget(access.host, REPOSITORY, "", *login, Path(access.ca_file))


def test_an_attached_document_is_found(attachments: Attachments, digest: str) -> None:
    """By its kind; a second one of another kind does not replace it."""
    assert attachments.find(digest) == ""

    first = attachments.attach(digest, DOCUMENT)
    other = attachments.attach(digest, b"{}", "application/json")

    assert attachments.find(digest) == first
    assert attachments.find(digest, "application/json") == other


def test_the_same_document_has_the_same_digest(attachments: Attachments, digest: str) -> None:
    """So a repeated push stores nothing new."""
    assert attachments.attach(digest, DOCUMENT) == attachments.attach(digest, DOCUMENT)


def test_the_list_of_images_has_no_documents(
    attachments: Attachments, digest: str, ecr: Any, access: RegistryAccess
) -> None:
    """They cannot be run; the registry stores them next to the images."""
    attachments.attach(digest, DOCUMENT)

    assert index_tag(digest) in RegistryClient(access).tags(REPOSITORY)
    assert [each.digest for each in Images(ecr).all(REPOSITORY)] == [digest]


def test_a_refusal_and_an_absent_image_are_errors(
    attachments: Attachments, access: RegistryAccess, digest: str
) -> None:
    """Without the password in the text."""
    with pytest.raises(GradectlError, match=str(http.client.UNAUTHORIZED.value)) as refused:
        Attachments(target(access, "wrong-password")).attach(digest, DOCUMENT)
    with pytest.raises(GradectlError, match="cannot read the image"):
        attachments.attach(f"sha256:{'0' * 64}", DOCUMENT)

    assert "wrong-password" not in str(refused.value)


def test_a_registry_that_is_away_is_an_error(tmp_path: Path) -> None:
    """With the exit code of a service that does not answer."""
    with running_registry(tmp_path) as stopped:
        away = target(stopped)

    with pytest.raises(UnreachableError):
        Attachments(away).find(f"sha256:{'0' * 64}")
