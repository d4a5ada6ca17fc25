"""Fingerprints of findings: they stay the same when lines move, and on every machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from os.path import relpath
from pathlib import Path

from gradectl.validation.findings import Finding
from gradectl.validation.hcl import Block
from gradectl.validation.project import readable

_NUMBERED = re.compile(r"\b(lines?|columns?) \d+")
#: Terraform names a rule by its range: `variables.tf:33,3-13` or `variables.tf:33,3-35,4`.
_RANGE = re.compile(r":\d+,\d+-\d+(?:,\d+)?")
_WITH_BLOCKS = (".tf", ".tftest.hcl")


@dataclass(frozen=True, order=True)
class Fingerprint:
    """
    What identifies a finding in later runs.

    Attributes:
        path: The file, relative to the checked folder.
        block: The Terraform block, such as `resource.aws_mq_broker.this`; empty in other files.
        rule: Name of the rule; may be empty.
        message: The message without line numbers and without folders of this machine.
    """

    path: str
    block: str
    rule: str
    message: str

    @property
    def digest(self) -> str:
        """A short hash, for other programs."""
        text = json.dumps((self.path, self.block, self.rule, self.message))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class Fingerprints:
    """
    Makes the fingerprints of one run.

    Args:
        top: The checked folder.
        here: The folder that the paths of findings are relative to.
        temporary: Folders of this run, whose names no other run has.
    """

    def __init__(self, top: Path, here: Path, temporary: Iterable[Path]) -> None:
        self._top = top
        self._here = here
        self._hidden = [(str(folder), "TMP") for folder in temporary] + [(str(top), ".")]
        self._blocks = cache(_blocks)

    def of(self, finding: Finding) -> Fingerprint:
        """Return the fingerprint of a finding."""
        path = self._here / finding.path
        message = " ".join(finding.message.split())
        for folder, name in self._hidden:
            message = message.replace(folder, name)
        return Fingerprint(
            relpath(path, self._top),
            self._block(path, finding.line),
            finding.rule,
            _RANGE.sub(":N", _NUMBERED.sub(r"\1 N", message)),
        )

    def _block(self, path: Path, line: int) -> str:
        """
        Name the block of a line: the last one that begins at or above it.

        A line above the first block, such as line 1 for a whole file, counts as the first block.
        """
        blocks = self._blocks(path)
        above = [block for block in blocks if block.line <= line] or blocks[:1]
        return ".".join((above[-1].kind, *above[-1].labels)) if above else ""


def _blocks(path: Path) -> tuple[Block, ...]:
    """The blocks of a Terraform file."""
    return readable(path) if path.name.endswith(_WITH_BLOCKS) else ()
