"""The files with values of a root's variables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from gradectl.validation.hcl import HclError, parse
from gradectl.validation.project import source

_SUFFIXES = (".tfvars", ".tfvars.json")
#: `prod.tfvars`, `prod/x.tfvars`, `environments/prod/x.tfvars`.
_LEVELS = 2
_AUTOMATIC = ("terraform.tfvars", "terraform.tfvars.json")


def automatic(folder: Path) -> list[Path]:
    """The files that Terraform reads unasked."""
    return [path for path in _in(folder) if _is_automatic(path)]


def named(folder: Path) -> list[Path]:
    """The files that a command names: one for each environment, in the folder or below."""
    own = [path for path in _in(folder) if not _is_automatic(path)]
    return own + [path for inner in _below(folder, _LEVELS) for path in _in(inner)]


def given(files: Iterable[Path]) -> frozenset[str]:
    """Names of the variables for which one of the files has a value."""
    names: set[str] = set()
    for path in files:
        try:
            text = source(path)
            if path.name.endswith(".json"):
                names |= set(json.loads(text))
            else:
                (values,) = parse(f"values {{\n{text}\n}}\n")
                names |= {item.name for item in values.attributes}
        except (HclError, ValueError, TypeError):
            continue  # Terraform reports it
    return frozenset(names)


def _in(folder: Path) -> list[Path]:
    """The files of one folder."""
    return sorted(
        path for path in folder.iterdir() if path.name.endswith(_SUFFIXES) and path.is_file()
    )


def _below(folder: Path, levels: int) -> Iterator[Path]:
    """Yield the folders below that are not a configuration of their own."""
    for inner in sorted(folder.iterdir()) if levels else ():
        if inner.is_dir() and not inner.name.startswith(".") and not any(inner.glob("*.tf")):
            yield inner
            yield from _below(inner, levels - 1)


def _is_automatic(path: Path) -> bool:
    """Whether Terraform reads a file of the root's folder unasked."""
    plain = path.name.removesuffix(".json").removesuffix(".tfvars")
    return path.name in _AUTOMATIC or plain.endswith(".auto")
