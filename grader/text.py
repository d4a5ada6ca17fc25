"""Text of programs and people, made safe to show in a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Replace what a terminal would act on; keeps line ends and tabs."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def printable_name(name: str) -> str:
    """Show the name of an object on one line, whatever it holds."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
