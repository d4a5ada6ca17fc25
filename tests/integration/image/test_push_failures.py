"""A registry that fails in the middle of a push: the error, and the push that goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tcp_relay import Relay

from gradectl.adapters.images.buildah import Buildah
from gradectl.adapters.images.builder import BuildRequest, PushTarget
from gradectl.adapters.images.find import builder_environment
from gradectl.errors import GradectlError, UnreachableError
from gradectl.local.engines.registry import RegistryAccess
from gradectl.local.engines.registry_client import RegistryClient
from gradectl.local.loopback import free_ports
from gradectl.local.testing import running_registry
from gradectl.processes.tools import Tools

pytestmark = pytest.mark.engine
IMAGE = "localhost/push-failures:test"
REPOSITORY = "pushed"
LAYER_BYTES = 24 << 20


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """A builder with an image whose layer cannot be compressed; the image is removed again."""
    context = tmp_path_factory.mktemp("context")
    (context / "noise").write_bytes(os.urandom(LAYER_BYTES))
    (context / "Dockerfile").write_text("FROM scratch\nCOPY noise /noise\n")
    program = shutil.which("buildah") or "buildah"
    found = Buildah(Tools(builder_environment(os.environ)), program)
    found.build(BuildRequest(context, IMAGE, "linux/amd64"), lambda _line: None)
    yield found
    subprocess.run([program, "rmi", "--force", IMAGE], capture_output=True, check=True)


def target(access: RegistryAccess) -> PushTarget:
    login = (access.user, access.password)
    return PushTarget(access.host, REPOSITORY, "content", *login, Path(access.ca_file))


def tags(access: RegistryAccess) -> list[str]:
    """The tags of the pushed repository; none when it does not exist."""
    return list(RegistryClient(access).tags(REPOSITORY))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is smaller than the layer."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={LAYER_BYTES // 2}", "none", str(disk)], check=True
    )
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_registry_is_an_error_and_room_lets_the_push_go_on(
    builder: Buildah, small_disk: Path
) -> None:
    """No tag names half an image, and the same command succeeds when there is room."""
    with running_registry(small_disk) as access:
        with pytest.raises(GradectlError, match="the push failed") as refused:
            builder.push(IMAGE, target(access), lambda _line: None)
        before = tags(access)
        room = f"remount,size={8 * LAYER_BYTES}"
        subprocess.run(["mount", "-o", room, str(small_disk)], check=True)
        digest = builder.push(IMAGE, target(access), lambda _line: None)

        assert "run it again" in refused.value.next_step
        assert access.password not in str(refused.value)
        assert before == []
        assert digest.startswith("sha256:")
        assert tags(access) == ["content"]


def test_a_registry_that_goes_away_in_the_middle_of_a_push(
    builder: Buildah, tmp_path: Path
) -> None:
    """It counts as unreachable, and the same command succeeds when it is back."""
    with running_registry(tmp_path) as access:
        (port,) = free_ports(1)
        relay = Relay(int(access.host.rpartition(":")[2]), port)
        behind = target(replace(access, host=f"localhost:{port}"))
        relay.open()
        relay.cut_after(LAYER_BYTES // 4)
        with pytest.raises(UnreachableError, match="the push failed"):
            builder.push(IMAGE, behind, lambda _line: None)
        relay.cut()
        before = tags(access)
        relay.open()
        builder.push(IMAGE, behind, lambda _line: None)
        relay.cut()

        assert before == []
        assert tags(access) == ["content"]
