"""The types that all checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from os.path import relpath
from pathlib import Path

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.failures import provider_hint
from gradectl.processes.tools import Tools
from gradectl.validation.findings import Finding, Severity
from gradectl.validation.project import Project
from gradectl.validation.terraform_workspace import NotReadyError, TerraformWorkspace


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
        text = f"{text} Next: {hint}" if hint else text
        if item.in_file:
            name, _, line = item.location.rpartition(":")
            path = (directory / name).resolve()
            return self.finding(path, int(line), text, severity=severity)
        first = next(iter(sorted(directory.glob("*.tf"))), directory)
        return self.finding(first, 1, text, severity=severity)


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
    """

    subject: str
    inputs: Sequence[Path]
    run: Callable[[], Iterable[Finding]]
    fix: Callable[[], Iterable[Change]] | None = None


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
