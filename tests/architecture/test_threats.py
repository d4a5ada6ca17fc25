"""The table of threats: each row has a test that exists, and no part of STRIDE is left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "api-access.md"
STRIDE = (
    "Spoofing",
    "Tampering",
    "Repudiation",
    "Information disclosure",
    "Denial of service",
    "Elevation of privilege",
)


def rows() -> list[tuple[str, str]]:
    """Threat and test of each row."""
    lines = PAGE.read_text().partition("## Threats")[2].splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return [(each[0].strip(), each[-1].strip()) for each in cells[1:]]


def has_test(path: Path, name: str) -> bool:
    """Whether a file has a test of this name."""
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_each_threat_has_a_test() -> None:
    """One line, one test; a test that was renamed takes its row with it."""
    wrong = [
        f"{threat}: {test}"
        for threat, test in rows()
        if not (found := re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", test))
        or not (path := ROOT / found[1]).is_file()
        or not has_test(path, found[2])
    ]

    assert rows()
    assert not wrong, "\n".join(wrong)


def test_each_part_of_stride_is_there_in_order() -> None:
    """So that a reader sees what was thought of."""
    found = [threat.replace("*", "").partition(":")[0] for threat, _ in rows()]

    assert list(dict.fromkeys(found)) == list(STRIDE)
