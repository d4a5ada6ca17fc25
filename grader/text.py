"""Makes untrusted text safe to print on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Replace control characters; keeps line ends and tabs."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def escape_controls(text: str) -> str:
    r"""Write control characters as escapes such as ``\x1b``; keeps line ends and tabs."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def printable_name(name: str) -> str:
    """Replace control characters and line ends, so that a name stays on one line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
