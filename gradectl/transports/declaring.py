"""Writes the variables of a transport into environment.yaml, and renders the environment."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from gradectl.deploy.rendering import outdated, rendered
from gradectl.environment import FILE, FOLDER, Environment, parse
from gradectl.errors import ConfigurationError
from gradectl.transports.state import DRAIN_OTHER, Declared
from gradectl.transports.variable_lines import with_flags
from gradectl.validation.file_writer import replace_file


@dataclass(frozen=True)
class FileChange:
    """
    New contents of files.

    Attributes:
        root: The folder that holds environments/.
        texts: New text by path, of the files that change.
    """

    root: Path
    texts: dict[Path, str]

    @property
    def names(self) -> list[str]:
        """The files, as seen from the project."""
        return [str(path.relative_to(self.root)) for path in self.texts]

    def diff(self) -> list[str]:
        """The changed lines, with their files."""
        lines: list[str] = []
        for path, text in self.texts.items():
            old = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            name = str(path.relative_to(self.root))
            lines += unified_diff(old, text.splitlines(), name, name, n=1, lineterm="")
        return lines

    def write(self) -> None:
        """
        Write the files, each as a whole; environment.yaml is the first.

        Raises:
            GradectlError: One cannot be written.
        """
        for path, text in self.texts.items():
            replace_file(path, text.encode())


def declare(root: Path, name: str, declared: Declared) -> FileChange:
    """
    Compute what the files of an environment must be for a transport; writes nothing.

    Args:
        root: The folder that holds environments/.
        name: The environment.
        declared: What environment.yaml must say.

    Raises:
        ConfigurationError: The lines cannot be edited, or the root lacks the variables.
    """
    path = root / FOLDER / name / FILE
    where = f"{FOLDER}/{name}/{FILE}"
    before = path.read_text(encoding="utf-8")
    text = before
    if Declared.of(parse(before, where).variables) != declared:
        text = with_flags(before, declared.variables, removed_if_false=DRAIN_OTHER)
    environment = parse(text, where)
    if Declared.of(environment.variables) != declared:
        raise ConfigurationError(
            "the lines of the transport could not be edited here",
            where=f"{where}: variables",
            next_step=f"set {by_hand(declared)} there, then run the same command again",
        )
    return FileChange(
        root, {**({path: text} if text != before else {}), **_stale(root, environment)}
    )


def by_hand(declared: Declared) -> str:
    """The variables as lines for people."""
    pairs = declared.variables.items()
    return " and ".join(f"{key}: {'true' if value else 'false'}" for key, value in pairs)


def _stale(root: Path, environment: Environment) -> dict[Path, str]:
    """The rendered files that are out of date."""
    files = rendered(root, environment)
    return {path: files[path] for path in outdated(files)}
