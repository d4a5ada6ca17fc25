"""Whether each folder passes its own tests, with mocked providers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.checks.configuration import terraform_inputs
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Folder, readable
from gradectl.validation.workbench import NotReadyError


def _jobs(context: CheckContext) -> list[CheckJob]:
    """Look at each folder that has tests."""
    return [
        CheckJob(
            context.shown(folder.path),
            terraform_inputs(context, folder),
            partial(_test, context, folder),
        )
        for folder in context.project.folders
        if folder.tests
    ]


def _test(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Run the tests of a folder that need no account."""
    mocked = [path for path in folder.tests if not _not_mocked(folder, path)]
    for path in folder.tests:
        if path not in mocked:
            names = ", ".join(_not_mocked(folder, path))
            text = f"not run: without mock_provider for {names} it would need an account"
            yield context.finding(path, 1, text, severity="note")
    if not mocked:
        return
    try:
        place = context.bench.ready(folder)
    except NotReadyError as error:
        yield from context.findings(error.diagnostics, error.directory)
        return
    files = [str(path.relative_to(folder.path)) for path in mocked]
    tested = context.bench.terraform.test(place, files)
    yield from context.findings(tested.diagnostics, folder.path)
    if not tested.passed and not tested.diagnostics:
        yield context.finding(mocked[0], 1, "no test was run")


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
    require=lambda context: context.bench.require(),
)
