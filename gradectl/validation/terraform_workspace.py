"""Prepares the folders of a project for Terraform without writing into them."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from os.path import relpath
from pathlib import Path

from gradectl.adapters.terraform.checking import CheckingTerraform, ReadyFolder
from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.locate import Binary, locate
from gradectl.adapters.terraform.shared import REATTACH, serve_providers
from gradectl.errors import GradectlError
from gradectl.processes.tools import Tools
from gradectl.validation.links import linked, work_tree
from gradectl.validation.project import LOCK_FILE, Folder, Project, Requirement

#: A temporary folder has no lock file whose checksums the plugin cache could break.
_CACHE_WITHOUT_LOCK = {"TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


class NotReadyError(GradectlError):
    """
    The providers or modules of a folder cannot be installed.

    Args:
        diagnostics: Terraform's errors.
        directory: Folder where it ran.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], directory: Path) -> None:
        super().__init__("its providers or modules cannot be installed", where=str(directory))
        self.diagnostics = diagnostics
        self.directory = directory


class TerraformWorkspace:
    """
    Prepares each folder once; safe to use from several threads.

    The providers of all folders are installed together into a temporary folder, and one process per
    provider serves all commands (see `gradectl.adapters.terraform.shared`).

    Args:
        project: The folders.
        tools: Runs Terraform.
        scratch: Temporary folder of this run.

    Attributes:
        providers_seconds: Time to install and start the providers, once for all folders.
    """

    def __init__(self, project: Project, tools: Tools, scratch: Path) -> None:
        self._project = project
        self._tools = tools
        self._scratch = scratch
        self._lock = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}
        self._ready: dict[Path, ReadyFolder] = {}
        self._served: str | None = None
        self._waited = threading.local()
        self.providers_seconds = 0.0

    @property
    def waited_seconds(self) -> float:
        """How long the current thread has waited for the providers of all folders."""
        return float(getattr(self._waited, "seconds", 0.0))

    @cached_property
    def binary(self) -> Binary:
        """The Terraform program."""
        return locate(self._tools.environ)

    @cached_property
    def terraform(self) -> CheckingTerraform:
        """The Terraform commands of the checks."""
        return CheckingTerraform(self.binary, self._tools)

    def require(self) -> None:
        """
        Check that Terraform is installed.

        Raises:
            ConfigurationError: It is not installed, or too old.
        """
        _ = self.binary

    def init(self, folder: Folder) -> list[Diagnostic]:
        """Install the providers of a root from scratch and compare them with its lock file."""
        if cycle := _in_cycle(folder):
            return [cycle]
        fresh = ReadyFolder(folder.path, self._data_dir("init", folder), {})
        found = self.terraform.init(fresh, locked=True)
        shutil.rmtree(fresh.data_dir, ignore_errors=True)
        return found

    def ready(self, folder: Folder) -> ReadyFolder:
        """
        Prepare a folder for other commands.

        Raises:
            NotReadyError: Its providers or modules cannot be installed.
        """
        if cycle := _in_cycle(folder):
            raise NotReadyError([cycle], folder.path)
        start = time.monotonic()
        try:
            served = self._providers()
        finally:
            self._waited.seconds = self.waited_seconds + time.monotonic() - start
        with self._lock:
            lock = self._locks.setdefault(folder.path, threading.Lock())
        with lock:
            if folder.path not in self._ready:
                data_dir = self._data_dir("data", folder)
                ready = ReadyFolder(folder.path, data_dir, {REATTACH: served})
                if folder.calls_modules:
                    _succeed(self.terraform.init(ready, locked=True), folder.path)
                self._ready[folder.path] = ready
        return self._ready[folder.path]

    def copied(self, folder: Folder, files: Mapping[str, str]) -> ReadyFolder:
        """
        Prepare a folder of links to a folder's files, with more files; the folder stays as it is.

        Args:
            folder: The folder.
            files: Texts by path in the copy.

        Raises:
            NotReadyError: Its providers or modules cannot be installed.
        """
        ready = self.ready(folder)
        top = work_tree([self._project.path, folder.path, *folder.local_modules])
        added = frozenset(Path(path).parts[0] for path in files)
        copy = Path(tempfile.mkdtemp(prefix="copy-", dir=self._scratch))
        directory = linked(folder.path, top, copy, added)
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
        return replace(ready, directory=directory)

    def called(self, folder: Folder) -> dict[str, Path]:
        """
        List the folders of all modules that a folder calls, by key: `network.subnets`, say.

        Raises:
            NotReadyError: Its providers or modules cannot be installed.
        """
        index = self.ready(folder).data_dir / "modules" / "modules.json"
        if not index.is_file():
            return {}
        modules = json.loads(index.read_text(encoding="utf-8"))["Modules"]
        return {item["Key"]: (folder.path / item["Dir"]).resolve() for item in modules}

    def _data_dir(self, purpose: str, folder: Folder) -> Path:
        """Make the data directory of a folder."""
        number = self._project.folders.index(folder)
        path = self._scratch / f"{purpose}-{number}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _providers(self) -> str:
        """Install and start the providers of all folders, once."""
        with self._locks.setdefault(self._scratch, threading.Lock()):
            if self._served is None:
                start = time.monotonic()
                wanted = [item for folder in self._project.folders for item in folder.requirements]
                folder = self._scratch / "providers"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "versions.tf.json").write_text(_together(wanted), encoding="utf-8")
                for lock_file in self._project.lock_files[:1]:
                    shutil.copy(lock_file, folder / LOCK_FILE)
                together = ReadyFolder(folder, folder / ".terraform", _CACHE_WITHOUT_LOCK)
                found = self.terraform.init(together, locked=False)
                _succeed([_relocated(item, wanted) for item in found], self._project.path)
                self._served = serve_providers(together.data_dir, self._tools)
                self.providers_seconds = time.monotonic() - start
        return self._served


def _in_cycle(folder: Folder) -> Diagnostic | None:
    """The error about modules that call each other in a cycle."""
    if not folder.cycle:
        return None
    names = " -> ".join(relpath(path, folder.path) for path in folder.cycle)
    where = next(iter(Folder(folder.cycle[0], "module").files))
    text = "Modules call each other in a cycle"
    return Diagnostic("error", text, names, f"{relpath(where, folder.path)}:1")


def _succeed(found: Sequence[Diagnostic], directory: Path) -> None:
    """Raise NotReadyError when the diagnostics contain an error."""
    errors = [item for item in found if item.severity == "error"]
    if errors:
        raise NotReadyError(errors, directory)


def _together(wanted: Sequence[Requirement]) -> str:
    """Write a configuration with the provider requirements of all folders."""
    constraints: dict[str, set[str]] = {}
    for item in wanted:
        constraints.setdefault(item.source, set()).update({item.constraint} - {""})
    required = {
        f"p{number}": {"source": source, "version": ", ".join(sorted(versions)) or ">= 0"}
        for number, (source, versions) in enumerate(sorted(constraints.items()))
    }
    return json.dumps({"terraform": {"required_providers": [required]}}, indent=2)


def _relocated(item: Diagnostic, wanted: Sequence[Requirement]) -> Diagnostic:
    """Move a diagnostic of the generated file to the file that first requires the provider."""
    text = f"{item.summary} {item.detail}"
    named = [need for need in wanted if need.source in text] or list(wanted)
    if not named:
        return item
    location = f"{named[0].path}:{named[0].line}"
    return Diagnostic(item.severity, item.summary, item.detail, location)
