"""The specification of a task in its image."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gradectl.local.container import capabilities, contained, full_command
from gradectl.local.desired import Container
from gradectl.local.image_store import UnpackedImage

MODULE = Path(__file__).resolve().parents[4] / "modules" / "ecs-grading" / "task.tf"


#: Docker's default, which ECS has as well.
ALL = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}


@pytest.mark.parametrize(
    ("dropped", "left"),
    [((), ALL), (("ALL",), set()), (("CHOWN", "MKNOD"), ALL - {0, 27})],
)
def test_dropped_capabilities_are_missing(dropped: tuple[str, ...], left: set[int]) -> None:
    """The others of the default remain."""
    assert capabilities(dropped) == left


def test_the_module_leaves_the_seven_of_the_launcher() -> None:
    """chown, dac_override, fowner, fsetid, kill, setgid, setuid."""
    listed = re.search(r"dropped_capabilities = \[(.*)\]", MODULE.read_text())
    assert listed

    dropped = tuple(re.findall(r'"(\w+)"', listed[1]))

    assert capabilities(dropped) == {0, 1, 3, 4, 5, 6, 7}


def test_a_volume_has_the_content_of_the_image(tmp_path: Path) -> None:
    """As Docker fills a new volume; each task has its own."""
    root, directory = tmp_path / "root", tmp_path / "task"
    (root / "data").mkdir(parents=True)
    (root / "data" / "file").write_text("of the image")
    (root / "data").chmod(0o711)
    directory.mkdir()
    image = UnpackedImage(root, "sha256:0", {}, (), (), "1000", "/", ("/data",))
    container = Container((), (), (), 5, writable_paths=("/data", "/more"), user="7:8")

    command = contained(["x", "y"], container, image, directory=directory, ca_file=Path("/ca"))

    found = json.loads(command[-1])
    assert list(found["volumes"]) == ["/data", "/more"]
    volume = Path(found["volumes"]["/data"])
    assert volume.is_relative_to(directory)
    assert (volume / "file").read_text() == "of the image"
    assert volume.stat().st_mode & 0o777 == 0o711
    assert (found["command"], found["user"], found["files"]["/etc/gradectl-ca.pem"]) == (
        ["x", "y"],
        "7:8",
        "/ca",
    )


@pytest.mark.parametrize(
    ("command", "has_entry_point", "expected"),
    [
        ((), False, ("init", "serve")),
        (("x",), False, ("init", "x")),
        (("own", "x"), True, ("own", "x")),
    ],
)
def test_the_command_is_that_of_docker(
    command: tuple[str, ...], has_entry_point: bool, expected: tuple[str, ...]
) -> None:
    """A command replaces that of the image; only an entry point replaces the entry point."""
    image = UnpackedImage(Path("/"), "sha256:0", {}, ("init",), ("serve",), "", "/", ())
    container = Container(command, (), (), 5, has_entry_point=has_entry_point)

    assert full_command(container, image) == expected
