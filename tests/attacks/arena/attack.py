"""The attacks as data: one folder each, with a source and ``attack.yaml``."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grader.languages import find

HERE = Path(__file__).resolve().parents[1]
#: Attacks in this language are what a compiler could do that obeys a submission, not its own code.
TAKEN_OVER_COMPILER = "taken-over-compiler"


@dataclass(frozen=True)
class Attack:
    """
    One folder.

    Args:
        name: Of the folder.
        about: What it tries.
        ideas: Those of ``ideas.yaml`` that it stands for.
        language: Of its source, ``solution.<extension>`` beside the file.
        verdict: Verdicts, or error codes, that it may get.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB.
        compile_seconds: CPU seconds of the compiler.
        cases: How many there are, all alike.
        rounds: How often it is submitted; each time the verdict has to be one of those.
        input_mb: MB to which its input is filled up.
        writable: Whether the problem lets submissions make files.
        checker: Of ``checkers/``; empty: outputs are compared.
        file_name: What the submitted file is called.
        source: The source, where it could not be a file of its own.
        disturbs: Whether it aims at the other slot.
        machine: The only kind of processor it is for, where it has one.
    """

    name: str
    about: str
    ideas: list[str]
    language: str
    verdict: list[str]
    time_limit_ms: int = 500
    memory_limit_mb: int = 64
    compile_seconds: int = 3
    cases: int = 1
    rounds: int = 1
    input_mb: int = 0
    writable: bool = False
    checker: str = ""
    file_name: str = "solution"
    source: bytes | str = b""
    disturbs: bool = False
    machine: str = platform.machine()

    @classmethod
    def read(cls, folder: Path) -> Attack:
        """Read a folder; a key that nobody knows is an error."""
        fields: dict[str, Any] = yaml.safe_load((folder / "attack.yaml").read_text())
        return cls(name=folder.name, **fields)

    @property
    def content(self) -> bytes:
        """The source."""
        if self.source:
            return self.source.encode() if isinstance(self.source, str) else self.source
        extension = "py" if self.language == TAKEN_OVER_COMPILER else find(self.language).extension
        return (HERE / self.name / f"solution.{extension}").read_bytes()

    @property
    def validator(self) -> bytes:
        """Source of its checker; empty when there is none."""
        return (HERE / "checkers" / self.checker).read_bytes() if self.checker else b""


def read_attacks() -> tuple[Attack, ...]:
    """All that are meant for this machine, by name."""
    folders = sorted(path.parent for path in HERE.glob("*/attack.yaml"))
    attacks = (Attack.read(folder) for folder in folders)
    return tuple(attack for attack in attacks if attack.machine == platform.machine())


def read_ideas() -> Iterator[tuple[str, str, str]]:
    """Group, name, and the reason why it cannot be tried, which is empty for most."""
    for group, ideas in yaml.safe_load((HERE / "ideas.yaml").read_text()).items():
        reasons = ideas if isinstance(ideas, dict) else dict.fromkeys(ideas, "")
        yield from ((group, idea, reason) for idea, reason in reasons.items())
