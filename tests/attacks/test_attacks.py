"""
Every folder here is a hostile submission: its source, and the verdicts that it may get.

A program that only looks for a hole prints ``safe`` when there was none, which is the right answer.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.contract.verdicts import Verdict
from grader.languages import find

HONEST = b"print('safe')\n"


@dataclass(frozen=True)
class Attack:
    """
    One folder's ``attack.yaml``.

    Args:
        about: What it tries.
        language: Of its source, ``solution.<extension>`` beside the file.
        verdict: Those it may get.
        time_limit_ms: CPU milliseconds.
        memory_limit_mb: MB.
        machine: The only kind of processor it is for, where it has one.
    """

    about: str
    language: str
    verdict: list[str]
    time_limit_ms: int = 500
    memory_limit_mb: int = 64
    machine: str = platform.machine()

    @classmethod
    def read(cls, path: Path) -> Attack:
        fields: dict[str, Any] = yaml.safe_load(path.read_text())
        return cls(**fields)


FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/attack.yaml"))
ATTACKS = {folder: Attack.read(folder / "attack.yaml") for folder in FOLDERS}


@pytest.mark.engine
@pytest.mark.parametrize(
    "folder",
    [folder for folder, attack in ATTACKS.items() if attack.machine == platform.machine()],
    ids=lambda folder: folder.name,
)
def test_an_attack_gets_its_verdict_and_leaves_nothing_behind(arena, folder: Path) -> None:
    """No process, file or IPC object remains, and the next submission is graded as ever."""
    attack = ATTACKS[folder]
    source = folder / find(attack.language).source_name

    grade = arena.grade(
        source.read_bytes(),
        attack.language,
        time_limit_ms=attack.time_limit_ms,
        memory_limit_mb=attack.memory_limit_mb,
    )

    assert grade.verdict in attack.verdict, arena.execution_log()
    assert arena.left_behind() == []
    honest = arena.grade(HONEST, "python", time_limit_ms=5000, memory_limit_mb=64)
    assert honest.verdict is Verdict.ACCEPTED, arena.execution_log()
