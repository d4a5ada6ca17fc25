"""Terraform made ready for the folders of a project, without writing a file into any of them."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from gradectl.adapters.terraform.checking import CheckingTerraform, ReadyFolder
from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.locate import Binary, locate
from gradectl.adapters.terraform.shared import REATTACH, serve_providers
from gradectl.errors import GradectlError
from gradectl.processes.tools import Tools
from gradectl.validation.project import LOCK_FILE, Folder, Project, Requirement

#: Without a lock file of ours there is no checksum that the plugin cache could break.
_CACHE_WITHOUT_LOCK = {"TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


class NotReadyError(GradectlError):
    """A folder cannot be looked at; Terraform said why."""

    def __init__(self, diagnostics: Sequence[Diagnostic], directory: Path) -> None:
        """Keep what it said, and where it ran."""
        super().__init__("Terraform cannot look at it", where=str(directory))
        self.diagnostics = diagnostics
        self.directory = directory


class TerraformWorkspace:
    """
    Prepares each folder once; safe to use from several threads.

    The providers of all folders are installed together into a folder of this run, and served by one
    process each to all commands (see `gradectl.adapters.terraform.shared`).

    Args:
        project: The folders.
        tools: Starts Terraform.
        scratch: A folder of this run.
    """

    def __init__(self, project: Project, tools: Tools, scratch: Path) -> None:
        """Prepare nothing yet."""
        self._project = project
        self._tools = tools
        self._scratch = scratch
        self._lock = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}
        self._places: dict[Path, ReadyFolder] = {}
        self._served: str | None = None

    @cached_property
    def binary(self) -> Binary:
        """The program."""
        return locate(self._tools.environ)

    @cached_property
    def terraform(self) -> CheckingTerraform:
        """Its commands."""
        return CheckingTerraform(self.binary, self._tools)

    def require(self) -> None:
        """
        Make sure that there is a Terraform.

        Raises:
            ConfigurationError: There is none, or it is too old.
        """
        _ = self.binary

    def init(self, folder: Folder) -> list[Diagnostic]:
        """Install what the lock file of a root says, from nothing, and compare the checksums."""
        place = ReadyFolder(folder.path, self._data_dir("init", folder), {})
        found = self.terraform.init(place, locked=True)
        shutil.rmtree(place.data_dir, ignore_errors=True)
        return found

    def ready(self, folder: Folder) -> ReadyFolder:
        """
        Make a folder ready for other commands.

        Raises:
            NotReadyError: Its providers or modules cannot be had.
        """
        served = self._providers()
        with self._lock:
            lock = self._locks.setdefault(folder.path, threading.Lock())
        with lock:
            if folder.path not in self._places:
                place = ReadyFolder(folder.path, self._data_dir("data", folder), {REATTACH: served})
                if folder.calls_modules:
                    _succeed(self.terraform.init(place, locked=True), folder.path)
                self._places[folder.path] = place
        return self._places[folder.path]

    def _data_dir(self, purpose: str, folder: Folder) -> Path:
        """Name a data directory."""
        number = self._project.folders.index(folder)
        path = self._scratch / f"{purpose}-{number}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _providers(self) -> str:
        """Install and serve the providers of all folders, once."""
        with self._locks.setdefault(self._scratch, threading.Lock()):
            if self._served is None:
                wanted = [item for folder in self._project.folders for item in folder.requirements]
                folder = self._scratch / "providers"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "versions.tf.json").write_text(_together(wanted), encoding="utf-8")
                for lock_file in self._project.lock_files[:1]:
                    shutil.copy(lock_file, folder / LOCK_FILE)
                place = ReadyFolder(folder, folder / ".terraform", _CACHE_WITHOUT_LOCK)
                found = self.terraform.init(place, locked=False)
                _succeed([_placed(item, wanted) for item in found], self._project.path)
                self._served = serve_providers(place.data_dir, self._tools)
        return self._served


def _succeed(found: Sequence[Diagnostic], directory: Path) -> None:
    """Raise NotReadyError when there is an error among what was said."""
    errors = [item for item in found if item.severity == "error"]
    if errors:
        raise NotReadyError(errors, directory)


def _together(wanted: Sequence[Requirement]) -> str:
    """Write a configuration that requires what all folders require."""
    constraints: dict[str, set[str]] = {}
    for item in wanted:
        constraints.setdefault(item.source, set()).update({item.constraint} - {""})
    required = {
        f"p{number}": {"source": source, "version": ", ".join(sorted(versions)) or ">= 0"}
        for number, (source, versions) in enumerate(sorted(constraints.items()))
    }
    return json.dumps({"terraform": {"required_providers": [required]}}, indent=2)


def _placed(item: Diagnostic, wanted: Sequence[Requirement]) -> Diagnostic:
    """Move what was said of our own file to the file that first requires the provider."""
    text = f"{item.summary} {item.detail}"
    named = [need for need in wanted if need.source in text] or list(wanted)
    if not named:
        return item
    place = f"{named[0].path}:{named[0].line}"
    return Diagnostic(item.severity, item.summary, item.detail, place)
