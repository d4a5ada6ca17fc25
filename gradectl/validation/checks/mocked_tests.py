"""Whether each folder passes its own tests, with mocked providers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.checks.configuration import terraform_inputs
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckJob, Scene
from gradectl.validation.project import Folder, readable
from gradectl.validation.workbench import NotReadyError


def _jobs(scene: Scene) -> list[CheckJob]:
    """Look at each folder that has tests."""
    return [
        CheckJob(
            scene.shown(folder.path),
            terraform_inputs(scene, folder),
            partial(_test, scene, folder),
        )
        for folder in scene.project.folders
        if folder.tests
    ]


def _test(scene: Scene, folder: Folder) -> Iterator[Finding]:
    """Run the tests of a folder that need no account."""
    mocked = [path for path in folder.tests if not _not_mocked(folder, path)]
    for path in folder.tests:
        if path not in mocked:
            names = ", ".join(_not_mocked(folder, path))
            text = f"not run: without mock_provider for {names} it would need an account"
            yield scene.finding(path, 1, text, severity="note")
    if not mocked:
        return
    try:
        place = scene.bench.ready(folder)
    except NotReadyError as error:
        yield from scene.findings(error.diagnostics, error.directory)
        return
    files = [str(path.relative_to(folder.path)) for path in mocked]
    tested = scene.bench.terraform.test(place, files)
    yield from scene.findings(tested.diagnostics, folder.path)
    if not tested.passed and not tested.diagnostics:
        yield scene.finding(mocked[0], 1, "no test was run")


def _not_mocked(folder: Folder, path: Path) -> list[str]:
    """Name the providers that a test file would really use; a broken file uses none."""
    blocks = readable(path)
    mocked = {block.labels[0] for block in blocks if block.kind == "mock_provider" and block.labels}
    wanted = {item.local_name for item in folder.requirements}
    return sorted(wanted - mocked) if blocks else []


CHECK = Check(
    name="test",
    purpose="Each module passes its tests with mocked providers",
    jobs=_jobs,
    absent="there is no *.tftest.hcl",
    require=lambda scene: scene.bench.require(),
)
