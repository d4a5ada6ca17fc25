"""Builders are found, and keep passwords out of arguments; programs that record their calls."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from gradectl.adapters.images.base import make_base
from gradectl.adapters.images.buildah import Buildah, size_in_bytes
from gradectl.adapters.images.builder import BuildRequest, PushTarget
from gradectl.adapters.images.components import find_syft
from gradectl.adapters.images.docker import Docker
from gradectl.adapters.images.find import builder_environment, find_builder
from gradectl.errors import ConfigurationError, GradectlError, UnreachableError
from gradectl.processes.tools import Tools

PASSWORD = "a-Password-of-the-registry-1"
DIGEST = "sha256:" + "b" * 64
#: Records arguments and input, writes the file of the digest, and prints what `docker push` does.
PROGRAM = f"""#!{sys.executable}
import json, os, sys
words = sys.argv[1:]
given = sys.stdin.read() if "--password-stdin" in words else ""
config = os.environ.get("DOCKER_CONFIG", "")
with open({{log!r}}, "a") as file:
    file.write(json.dumps([words, given, config]) + "\\n")
if "--digestfile" in words:
    open(words[words.index("--digestfile") + 1], "w").write("{DIGEST}")
print("1.0: digest: {DIGEST} size: 1")
print(os.environ.get("SAYS", ""), file=sys.stderr)
sys.exit(words[0] == os.environ.get("FAILS"))
"""
TARGET = PushTarget("localhost:5", "dev-grading-worker", "content-1", "AWS", PASSWORD)


def program(folder: Path, name: str) -> str:
    """Install the recording program under a name."""
    path = folder / name
    path.write_text(PROGRAM.format(log=str(folder / "log")))
    path.chmod(0o755)
    return str(path)


def calls(folder: Path) -> list[tuple[list[str], str, str]]:
    return [tuple(json.loads(line)) for line in (folder / "log").read_text().splitlines()]


def request(context: Path) -> BuildRequest:
    return BuildRequest(context, "localhost/x:1", "linux/amd64", {"PACKAGES": ""})


@pytest.mark.parametrize("name", ["docker", "buildah", "podman"])
def test_a_push_passes_the_password_by_a_pipe_only(tmp_path: Path, name: str) -> None:
    """And never touches the user's own credentials."""
    tools, path = Tools({"PATH": os.defpath}), program(tmp_path, name)
    builder = Docker(tools, path) if name == "docker" else Buildah(tools, path, name)

    assert builder.push("localhost/x:1", TARGET, lambda _line: None) == DIGEST

    found = calls(tmp_path)
    assert [given for words, given, _ in found if words[0] == "login"] == [PASSWORD]
    assert not [words for words, _, _ in found if PASSWORD in " ".join(words)]
    for words, _, config in found:
        if words[0] in ("login", "push"):
            assert config if name == "docker" else "--authfile" in words


def test_a_failed_build_quotes_the_builder(tmp_path: Path) -> None:
    """A registry that cannot be reached has its own exit code, and a way without one."""
    tools = Tools({"PATH": os.defpath, "FAILS": "build", "SAYS": "dial tcp: i/o timeout"})
    builder = Buildah(tools, program(tmp_path, "buildah"))

    with pytest.raises(UnreachableError) as caught:
        builder.build(request(tmp_path), lambda _line: None)

    assert "i/o timeout" in caught.value.what
    assert "--base debootstrap" in caught.value.next_step


def test_a_failed_login_is_an_error_without_the_password(tmp_path: Path) -> None:
    """Nothing is pushed then."""
    tools = Tools({"PATH": os.defpath, "FAILS": "login", "SAYS": "unauthorized"})

    with pytest.raises(GradectlError) as caught:
        Buildah(tools, program(tmp_path, "buildah")).push("x", TARGET, lambda _line: None)

    assert "unauthorized" in caught.value.what
    assert PASSWORD not in str(caught.value)
    assert [words[0] for words, _, _ in calls(tmp_path)] == ["login"]


def test_a_docker_program_without_an_engine_is_passed_over(tmp_path: Path) -> None:
    """The next builder on PATH is taken."""
    tools = Tools({"PATH": str(tmp_path), "FAILS": "info"})
    program(tmp_path, "docker")
    program(tmp_path, "buildah")

    assert find_builder(tools).name == "buildah"


def test_a_machine_without_a_builder_gets_one_error(tmp_path: Path) -> None:
    """It says what to install."""
    with pytest.raises(ConfigurationError) as caught:
        find_builder(Tools({"PATH": str(tmp_path)}))

    assert "apt-get install buildah" in caught.value.next_step


def test_missing_programs_are_named(tmp_path: Path) -> None:
    """The base needs mmdebstrap, the list of components syft."""
    tools = Tools({"PATH": str(tmp_path)})

    with pytest.raises(ConfigurationError, match="mmdebstrap"):
        make_base(tools, tmp_path, request(tmp_path), lambda _line: None)
    with pytest.raises(ConfigurationError, match="syft"):
        find_syft(tools)


def test_a_builder_gets_no_secret_variable() -> None:
    """Only what it needs, by name."""
    environ = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "DB_PASSWORD": "x", "DOCKER_HOST": "h"}

    assert builder_environment(environ) == {"PATH": "/bin", "DOCKER_HOST": "h"}


def test_sizes_of_buildah_are_converted() -> None:
    """It prints decimal units."""
    assert size_in_bytes("524 MB") == 524_000_000
    assert size_in_bytes("1.2 GB") == 1_200_000_000
