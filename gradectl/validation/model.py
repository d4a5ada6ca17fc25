"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.failures import provider_hint
from gradectl.processes.tools import Tools
from gradectl.validation.findings import Finding, Severity
from gradectl.validation.project import Project
from gradectl.validation.workbench import TerraformWorkspace


@dataclass(frozen=True)
class CheckContext:
    """
    What checks work with.

    Attributes:
        project: What is checked.
        bench: Terraform.
        tools: Starts other programs.
        scratch: A folder of this run, removed after it.
        cache: A folder that stays.
        here: Paths are shown as seen from here.
    """

    project: Project
    bench: TerraformWorkspace
    tools: Tools
    scratch: Path
    cache: Path
    here: Path

    def shown(self, path: Path) -> str:
        """Write a path as people type it: from here, and whole when it is somewhere else."""
        relative = relpath(path, self.here)
        return str(path) if relative.startswith("..") else relative

    def finding(
        self, path: Path, line: int, message: str, rule: str = "", severity: Severity = "error"
    ) -> Finding:
        """Make a finding about a file."""
        return Finding(self.shown(path), line, message, rule, severity)

    def findings(self, diagnostics: Iterable[Diagnostic], directory: Path) -> list[Finding]:
        """
        Make findings of what Terraform said.

        Args:
            diagnostics: Terraform's words.
            directory: Where it ran; files are named as seen from there.
        """
        return [self._finding(item, directory) for item in diagnostics]

    def _finding(self, item: Diagnostic, directory: Path) -> Finding:
        """Make one finding; one without a file is about the folder, so about its first file."""
        severity: Severity = "warning" if item.severity == "warning" else "error"
        hint = provider_hint(item)
        text = f"{item.summary}: {item.detail}" if item.detail else item.summary
        text = f"{text} Next: {hint}" if hint else text
        if item.in_file:
            name, _, line = item.place.rpartition(":")
            path = (directory / name).resolve()
            return self.finding(path, int(line), text, severity=severity)
        first = next(iter(sorted(directory.glob("*.tf"))), directory)
        return self.finding(first, 1, text, severity=severity)


@dataclass(frozen=True)
class CheckJob:
    """
    One subject of a check.

    Attributes:
        subject: What is looked at, such as a module's folder.
        inputs: Files and folders that decide about the result, for `--changed-since`.
        run: Looks at it.
    """

    subject: str
    inputs: Sequence[Path]
    run: Callable[[], Iterable[Finding]]


def _nothing(context: CheckContext) -> None:
    """Need nothing that could be missing."""


@dataclass(frozen=True)
class Check:
    """
    One check.

    Attributes:
        name: As `--only` and `--skip` take it.
        purpose: What it is for, in a sentence without its full stop.
        jobs: Gives its subjects in a project; none where it does not apply.
        absent: Why it does not apply where it has no subject.
        require: Raises ConfigurationError when a program that it needs is missing.
    """

    name: str
    purpose: str
    jobs: Callable[[CheckContext], list[CheckJob]]
    absent: str
    require: Callable[[CheckContext], None] = _nothing
