"""The ten submissions for the comparison of judges, their problem, and their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_FOLDER = Path(__file__).with_name("ten")
_LANGUAGES = {".c": "c", ".cpp": "cpp", ".py": "python"}
_CASES = 10
_NUMBERS_MORE_PER_CASE = 20
#: Three of them pass 32 bits.
_LARGE = 2_000_000_000

TIME_LIMIT_MS = 500
MEMORY_LIMIT_MB = 64


@dataclass(frozen=True)
class Case:
    """One test case."""

    input: bytes
    answer: bytes


@dataclass(frozen=True)
class Submission:
    """
    One of the ten.

    Args:
        path: Its source.
        verdicts: Expected verdicts: one per case, or only CE.
    """

    path: Path
    verdicts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its file."""
        return self.path.name

    @property
    def language(self) -> str:
        """Name of its language, as in a request."""
        return _LANGUAGES[self.path.suffix]


def cases() -> Iterator[Case]:
    """Generate the cases: a count and that many numbers; the answer is their sum."""
    for case in range(_CASES):
        count = 1 + case * _NUMBERS_MORE_PER_CASE
        numbers = [(index + 1) * 7919 % 100_003 for index in range(count)]
        if case == _CASES - 1:
            numbers[-3:] = [_LARGE] * 3
        text = f"{count}\n{' '.join(map(str, numbers))}\n"
        yield Case(text.encode(), f"{sum(numbers)}\n".encode())


def submissions() -> list[Submission]:
    """Return all ten in the order of `expected.yaml`."""
    manifest = yaml.safe_load((_FOLDER / "expected.yaml").read_text())
    return [
        Submission(_FOLDER / name, _verdicts(**expected)) for name, expected in manifest.items()
    ]


def find(name: str) -> Submission:
    """Return the submission with this file name."""
    return next(one for one in submissions() if one.name == name)


def _verdicts(verdict: str, failing_cases: tuple[int, ...] = ()) -> tuple[str, ...]:
    if verdict == "CE":
        return (verdict,)
    return tuple(verdict if case in failing_cases else "AC" for case in range(1, _CASES + 1))
