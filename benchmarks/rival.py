"""What another judge must be able to do to be compared with ours."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class UnavailableError(Exception):
    """The judge cannot be had on this machine; says why."""


class Rival(Protocol):
    """A judge that is up, and has one problem."""

    def judge(self, language: str, source: Path) -> tuple[str, ...]:
        """
        Judge a source on disk.

        Args:
            language: As a request names it.
            source: Not seen before.

        Returns:
            One verdict a case, in our words, or only CE.

        Raises:
            UnavailableError: It broke down.
        """
        ...
