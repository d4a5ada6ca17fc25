"""Interface of another judge that is compared with this one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class UnavailableError(Exception):
    """The judge cannot be used on this machine; has the reason."""


class Rival(Protocol):
    """A running judge with one problem."""

    def judge(self, language: str, source: Path) -> tuple[str, ...]:
        """
        Judge a source on disk.

        Args:
            language: Name of the language, as in a request.
            source: A source that it has not judged before.

        Returns:
            One verdict per case, or only CE.

        Raises:
            UnavailableError: The judge failed.
        """
        ...
