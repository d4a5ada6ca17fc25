"""Whether Terraform can install what the lock file says, and accepts the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import LOCK_FILE, Folder
from gradectl.validation.workbench import NotReadyError


def terraform_inputs(context: CheckContext, folder: Folder) -> list[Path]:
    """List what decides about Terraform's opinion of a folder."""
    return [folder.path, *sorted(folder.local_modules), *context.project.lock_files]


def _init_jobs(context: CheckContext) -> list[CheckJob]:
    """Look at each root."""
    return [
        CheckJob(
            context.shown(folder.path),
            terraform_inputs(context, folder),
            partial(_init, context, folder),
        )
        for folder in context.project.of_kind("root")
    ]


def _init(context: CheckContext, folder: Folder) -> Iterable[Finding]:
    """Install a root's providers, held against its lock file."""
    if not (folder.path / LOCK_FILE).is_file():
        text = "no lock file: whoever runs it may get other providers; terraform init, and commit"
        return [context.finding(folder.path / LOCK_FILE, 1, text)]
    return context.findings(context.bench.init(folder), folder.path)


def _validate_jobs(context: CheckContext) -> list[CheckJob]:
    """Look at each folder, the roots first: they see the modules too."""
    folders = [*context.project.of_kind("root"), *context.project.of_kind("module", "example")]
    return [
        CheckJob(
            context.shown(folder.path),
            terraform_inputs(context, folder),
            partial(_validate, context, folder),
        )
        for folder in folders
    ]


def _validate(context: CheckContext, folder: Folder) -> Iterator[Finding]:
    """Hold a folder against the schemas of its providers."""
    try:
        place = context.bench.ready(folder)
    except NotReadyError as error:
        yield from context.findings(error.diagnostics, error.directory)
        return
    yield from context.findings(context.bench.terraform.validate(place), folder.path)


INIT = Check(
    name="init",
    purpose="The lock file of each root fits its providers",
    jobs=_init_jobs,
    absent="there is no root module, only modules",
    require=lambda context: context.bench.require(),
)
VALIDATE = Check(
    name="validate",
    purpose="Terraform accepts each root, module and example",
    jobs=_validate_jobs,
    absent="there is no folder with Terraform files",
    require=lambda context: context.bench.require(),
)
