"""The file with Terraform's import blocks of one environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradectl.adapters.templates import hcl
from gradectl.environment import FOLDER


@dataclass(frozen=True)
class ImportBlock:
    """
    A resource to import.

    Attributes:
        address: Its address in the root.
        import_id: Its ID in the account.
    """

    address: str
    import_id: str


def import_path(project_root: Path, name: str) -> Path:
    """Path of the file; Terraform reads import blocks only in the root, which is shared."""
    return project_root / FOLDER / f"imports-{name}.tf"


def import_text(name: str, blocks: Sequence[ImportBlock]) -> str:
    """
    Write the import blocks, which apply to one environment of the shared root only.

    Args:
        name: The environment.
        blocks: The resources.
    """
    head = [
        f"# Written by `gradectl import {name}`: resources that exist and become part of {name}.",
        "# All other environments ignore this file. Run it again after the apply to delete it.",
    ]
    return "\n".join([*head, *(_block(name, each) for each in blocks)])


def _block(name: str, block: ImportBlock) -> str:
    """One block, with an empty set for all other environments."""
    ids = f"toset([{hcl(block.import_id)}])"
    return (
        "\nimport {\n"
        f"  for_each = var.environment_name == {hcl(name)} ? {ids} : toset([])\n"
        f"  to       = {block.address}\n"
        "  id       = each.key\n"
        "}\n"
    )
