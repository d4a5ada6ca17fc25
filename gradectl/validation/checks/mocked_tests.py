"""Runs the `terraform test` files that mock their providers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.checks.configuration import terraform_inputs
from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Folder, readable
from gradectl.validation.terraform_workspace import NotReadyError


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each folder with tests."""
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
    """Run the tests of a folder that need no AWS account."""
    mocked = [path for path in folder.tests if not _not_mocked(folder, path)]
    for path in folder.tests:
        if path not in mocked:
            names = ", ".join(_not_mocked(folder, path))
            text = f"not run: without mock_provider for {names} it needs an AWS account"
            yield context.finding(path, 1, text, severity="note")
    if not mocked:
        return
    try:
        ready = context.workspace.ready(folder)
    except NotReadyError as error:
        yield from context.not_ready(error)
        return
    files = [str(path.relative_to(folder.path)) for path in mocked]
    tested = context.workspace.terraform.test(ready, files)
    yield from context.findings(tested.diagnostics, folder.path)
    if not tested.passed and not tested.diagnostics:
        yield context.finding(mocked[0], 1, "no tests ran")


def _not_mocked(folder: Folder, path: Path) -> list[str]:
    """Providers that a test file does not mock; none for a file with a syntax error."""
    blocks = readable(path)
    mocked = {block.labels[0] for block in blocks if block.kind == "mock_provider" and block.labels}
    wanted = {item.local_name for item in folder.requirements}
    return sorted(wanted - mocked) if blocks else []


CHECK = Check(
    name="test",
    purpose="Each module passes its tests with mocked providers",
    jobs=_jobs,
    absent="no *.tftest.hcl file",
    require=lambda context: context.workspace.require(),
)
