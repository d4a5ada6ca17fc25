"""Reads the attacks: one folder each, with a source and ``attack.yaml``."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grader.languages import find

HERE = Path(__file__).resolve().parents[1]
#: Language of attacks by a compiler that a submission has taken over.
TAKEN_OVER_COMPILER = "taken-over-compiler"


@dataclass(frozen=True)
class Attack:
    """
    One attack.

    Args:
        name: Name of its folder.
        about: Description.
        ideas: The ideas of ``ideas.yaml`` that it covers.
        language: Language of its source, ``solution.<extension>`` in the folder.
        verdict: Allowed verdicts or error codes.
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: Memory limit in MB.
        compile_seconds: CPU seconds of the compiler.
        cases: Number of test cases, which are all the same.
        rounds: Number of submissions; each has to get an allowed verdict.
        input_mb: Size of its input in MB.
        writable: Whether the problem allows files.
        checker: A file of ``checkers/``; empty if outputs are compared.
        file_name: Name of the submitted file.
        source: The source, if it cannot be a file in the folder.
        disturbs: Whether it attacks the other box.
        machine: Processor architecture that it needs.
        again: Whether it repeats an attack in one more language; not in `make test`.
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
    again: bool = False

    @classmethod
    def read(cls, folder: Path) -> Attack:
        """Read a folder; raises `TypeError` for an unknown key."""
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
        """Source of its checker; empty if there is none."""
        return (HERE / "checkers" / self.checker).read_bytes() if self.checker else b""


def read_attacks() -> tuple[Attack, ...]:
    """Read all attacks for the architecture of this machine, by name."""
    folders = sorted(path.parent for path in HERE.glob("*/attack.yaml"))
    attacks = (Attack.read(folder) for folder in folders)
    return tuple(attack for attack in attacks if attack.machine == platform.machine())


def read_ideas() -> Iterator[tuple[str, str, str]]:
    """Read group and name of each idea, and why it does not apply, which is mostly empty."""
    for group, ideas in yaml.safe_load((HERE / "ideas.yaml").read_text()).items():
        reasons = ideas if isinstance(ideas, dict) else dict.fromkeys(ideas, "")
        yield from ((group, idea, reason) for idea, reason in reasons.items())
