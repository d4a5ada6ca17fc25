"""The types that all checks share."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from os.path import relpath
from pathlib import Path

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.failures import provider_hint
from gradectl.processes.tools import Tools
from gradectl.validation.findings import Finding, Severity
from gradectl.validation.hcl import HclError, parse
from gradectl.validation.project import Folder, Project, source
from gradectl.validation.terraform_workspace import NotReadyError, TerraformWorkspace

_HCL = (".tf", ".tfvars", ".hcl")


@dataclass(frozen=True)
class CheckContext:
    """
    The project and the tools of a run, for its checks.

    Attributes:
        project: The folders to check.
        workspace: Terraform, prepared for these folders.
        tools: Runs other programs.
        scratch: Temporary folder of this run.
        cache: Folder that persists between runs.
        here: Working directory; paths in findings are relative to it.
    """

    project: Project
    workspace: TerraformWorkspace
    tools: Tools
    scratch: Path
    cache: Path
    here: Path

    def shown(self, path: Path) -> str:
        """Format a path relative to the working directory; absolute when it is not below it."""
        relative = relpath(path, self.here)
        return str(path) if relative.startswith("..") else relative

    def finding(
        self, path: Path, line: int, message: str, rule: str = "", severity: Severity = "error"
    ) -> Finding:
        """Build a finding about a file."""
        return Finding(self.shown(path), line, message, rule, severity)

    def blocked(self, path: Path, line: int, message: str, rule: str = "") -> Finding:
        """Build a finding that kept a check from looking at everything; a baseline lists none."""
        return replace(self.finding(path, line, message, rule), blocks=True)

    def findings(self, diagnostics: Iterable[Diagnostic], directory: Path) -> list[Finding]:
        """
        Convert Terraform's diagnostics to findings.

        Args:
            diagnostics: Terraform's diagnostics.
            directory: Folder where it ran; its paths are relative to it.
        """
        return [self._finding(item, directory) for item in diagnostics]

    def not_ready(self, error: NotReadyError) -> list[Finding]:
        """Convert the reasons why Terraform could not look at a folder; a baseline lists none."""
        found = self.findings(error.diagnostics, error.directory)
        return [replace(finding, blocks=True) for finding in found]

    def _finding(self, item: Diagnostic, directory: Path) -> Finding:
        """Convert one diagnostic; one without a file goes to the folder's first."""
        severity: Severity = "warning" if item.severity == "warning" else "error"
        hint = provider_hint(item)
        text = f"{item.summary}: {item.detail}" if item.detail else item.summary
        text = self._without_scratch(f"{text} Next: {hint}" if hint else text)
        if not item.in_file:
            return self.finding(_first(directory), 1, text, severity=severity)
        name, _, number = item.location.rpartition(":")
        path, line = (directory / name).resolve(), int(number)
        blocks = severity == "error" and not _is_valid(path)
        if path.is_relative_to(self.scratch.resolve()):
            path, line, text = self._at_call(path, line, text, directory)
        return replace(self.finding(path, line, text, severity=severity), blocks=blocks)

    def _at_call(self, path: Path, line: int, text: str, directory: Path) -> tuple[Path, int, str]:
        """Move an error in a downloaded module, whose folder is temporary, to the root's call."""
        inner = path.relative_to(self.scratch.resolve()).parts[2:]
        key, file = "".join(inner[:1]), "/".join(inner[1:])
        text = f"in {file or path.name}, line {line}, of module {key!r}: {text}"
        for place, block in Folder(directory, "module").blocks:
            if block.kind == "module" and block.labels == (key.partition(".")[0],):
                return place, block.line, text
        return _first(directory), 1, text

    def _without_scratch(self, text: str) -> str:
        """Remove the temporary folder from the paths of downloaded modules in a message."""
        folders = {str(self.scratch), str(self.scratch.resolve())}
        names = "|".join(re.escape(folder.lstrip("/")) for folder in folders)
        prefix = rf"(?:(?:\.\./)*/?(?:{names})/|(?:\.\./)+)(?:data|init)-\d+/modules/"
        return re.sub(prefix, "", text)


def _first(directory: Path) -> Path:
    """The first configuration file of a folder; the folder itself when it has none."""
    return next(iter(sorted(directory.glob("*.tf"))), directory)


def _is_valid(path: Path) -> bool:
    """Whether Terraform could go on after reading a file: after a syntax error it stops."""
    try:
        if path.name.endswith(_HCL):
            parse(source(path))
    except HclError:
        return False
    return True


@dataclass(frozen=True)
class Change:
    """A file and the content that it should have."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class CheckJob:
    """
    A check of one subject.

    Attributes:
        subject: The subject, such as the folder of a module.
        inputs: Files and folders that the result depends on, for `--changed-since`.
        run: Performs the check.
        fix: Returns the corrections, for `--fix`; None where people have to decide.
        narrowed: Returns the job for only those of its files that changed; None where one
            file affects the findings in others.
    """

    subject: str
    inputs: Sequence[Path]
    run: Callable[[], Iterable[Finding]]
    fix: Callable[[], Iterable[Change]] | None = None
    narrowed: Callable[[Collection[Path]], CheckJob] | None = None


@dataclass(frozen=True)
class Installation:
    """
    How to install a program that a check lacks.

    Attributes:
        program: Its name.
        folder: Where it will be installed.
        command: The command of a user who installs it without gradectl.
        run: Installs it; calls its argument with each line of progress.
    """

    program: str
    folder: Path
    command: str
    run: Callable[[Callable[[str], None]], None]


def _complete(context: CheckContext) -> None:
    """Default of `Check.installation`: nothing can be installed."""


def _nothing(context: CheckContext) -> None:
    """Default of `Check.require`: no program is needed."""


@dataclass(frozen=True)
class Check:
    """
    One check.

    Attributes:
        name: Its name for `--only` and `--skip`.
        purpose: The rule that it checks, as a sentence without a full stop.
        jobs: Returns one job for each subject; none where the check does not apply.
        absent: Why it does not apply when it has no subjects.
        require: Raises ConfigurationError when a required program is missing.
        installation: Returns how to install a missing program, or None. Its check then runs
            without it unless `--only` names it, and reports the missing program as an error.
    """

    name: str
    purpose: str
    jobs: Callable[[CheckContext], list[CheckJob]]
    absent: str
    require: Callable[[CheckContext], None] = _nothing
    installation: Callable[[CheckContext], Installation | None] = _complete
