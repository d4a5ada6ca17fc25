"""Checks lock files with `terraform init` and configuration with `terraform validate`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import LOCK_FILE, Folder
from gradectl.validation.terraform_workspace import NotReadyError

#: What Terraform says of providers that the lock file does not fit.
_OF_LOCK_FILE = re.compile(r"lock file|lockfile|locked provider|dependency changes", re.IGNORECASE)


def terraform_inputs(context: CheckContext, folder: Folder) -> list[Path]:
    """The files and folders that Terraform's result for a folder depends on."""
    return [folder.path, *sorted(folder.local_modules), *context.project.lock_files]


def _init_jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each root."""
    return [
        CheckJob(
            context.shown(folder.path),
            terraform_inputs(context, folder),
            partial(_init, context, folder),
        )
        for folder in context.project.of_kind("root")
    ]


def _init(context: CheckContext, folder: Folder) -> Iterable[Finding]:
    """
    Install the providers of a root and compare them with its lock file.

    After any other error, such as a module that cannot be installed, they were not compared.
    """
    if not (folder.path / LOCK_FILE).is_file():
        text = "no lock file, so provider versions are not pinned: run terraform init and commit it"
        return [context.finding(folder.path / LOCK_FILE, 1, text)]
    found = context.findings(context.workspace.init(folder), folder.path)
    return [
        replace(item, blocks=item.fails and not _OF_LOCK_FILE.search(item.message))
        for item in found
    ]


def _validate_jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each folder, roots first: they include the modules."""
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
    """Validate a folder against the schemas of its providers."""
    try:
        ready = context.workspace.ready(folder)
    except NotReadyError as error:
        yield from context.not_ready(error)
        return
    yield from context.findings(context.workspace.terraform.validate(ready), folder.path)


INIT = Check(
    name="init",
    purpose="The lock file of each root matches its providers",
    jobs=_init_jobs,
    absent="no root module",
    require=lambda context: context.workspace.require(),
)
VALIDATE = Check(
    name="validate",
    purpose="Terraform accepts each root, module and example",
    jobs=_validate_jobs,
    absent="no folder has Terraform files",
    require=lambda context: context.workspace.require(),
)
