"""The Terraform folders below a path, and the providers and modules that they use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from gradectl.errors import ConfigurationError
from gradectl.validation.hcl import Attribute, Block, HclError, parse

LOCK_FILE = ".terraform.lock.hcl"
#: Files of a checked folder: configuration, values, tests.
_SUFFIXES = (".tf", ".tfvars", ".tftest.hcl")
_SKIPPED_FOLDERS = frozenset({"build", "node_modules", "__pycache__"})
_BUILT_IN = "terraform"

Kind = Literal["root", "module", "example"]


@dataclass(frozen=True)
class Requirement:
    """A provider that a folder requires, and the location of the requirement."""

    local_name: str
    source: str
    constraint: str
    path: Path
    line: int


@dataclass(frozen=True)
class Folder:
    """
    One folder with Terraform files.

    Attributes:
        path: The folder.
        kind: A root has a state and a lock file; an example is a root that is never applied.
    """

    path: Path
    kind: Kind

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Its configuration files."""
        return tuple(sorted(self.path.glob("*.tf")))

    @cached_property
    def tests(self) -> tuple[Path, ...]:
        """Its test files."""
        found = [*self.path.glob("*.tftest.hcl"), *self.path.glob("tests/*.tftest.hcl")]
        return tuple(sorted(found))

    @cached_property
    def blocks(self) -> tuple[tuple[Path, Block], ...]:
        """Its blocks with their files; files with syntax errors have none."""
        return tuple((path, block) for path in self.files for block in readable(path))

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """The providers that it requires."""
        declared = {item.local_name: item for item in _declared(self.blocks)}
        implied = {item.local_name: item for item in _implied(self.blocks)}
        return tuple({**implied, **declared}.values())

    @property
    def calls_modules(self) -> bool:
        """Whether Terraform must install modules before other commands."""
        tested = [block for path in self.tests for run in readable(path) for block in run.blocks]
        return any(block.kind == "module" for _, block in self.blocks) or any(
            block.kind == "module" for block in tested
        )

    @cached_property
    def local_modules(self) -> frozenset[Path]:
        """The local modules that it calls, directly or indirectly."""
        found: set[Path] = set()
        waiting = [self]
        while waiting:
            for path in _called(waiting.pop()):
                if path not in found:
                    found.add(path)
                    waiting.append(Folder(path, "module"))
        return frozenset(found)

    @cached_property
    def cycle(self) -> tuple[Path, ...]:
        """
        The modules that lead from one of its modules back to the same one; empty without a cycle.

        Terraform would install them until a path is too long.
        """
        return _cycle((self.path,), set())


class Project:
    """
    All Terraform folders at and below a path.

    Args:
        path: Folder of this repository, of a module, or of another root.

    Raises:
        ConfigurationError: No folder has Terraform files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.folders = _as_called(
            Folder(folder, _kind(folder, self.path))
            for folder in _walk(self.path)
            if any(folder.glob("*.tf"))
        )
        if not self.folders:
            text = "no Terraform files in this folder or below"
            hint = "name the folder of a root module: gradectl validate PATH"
            raise ConfigurationError(text, where=str(self.path), next_step=hint)

    def of_kind(self, *kinds: Kind) -> list[Folder]:
        """List the folders of the given kinds."""
        return [folder for folder in self.folders if folder.kind in kinds]

    @cached_property
    def formatted_files(self) -> list[Path]:
        """The files that `terraform fmt` formats, without intentionally wrong ones of tests."""
        found = {
            path
            for folder in _walk(self.path)
            for part in (folder, folder / "tests" if any(folder.glob("*.tf")) else folder)
            for path in part.glob("*")
            if path.name.endswith(_SUFFIXES) and path.is_file()
        }
        return sorted(found)

    @property
    def lock_files(self) -> tuple[Path, ...]:
        """The lock files of the roots."""
        paths = (folder.path / LOCK_FILE for folder in self.of_kind("root"))
        return tuple(path for path in paths if path.is_file())


def readable(path: Path) -> tuple[Block, ...]:
    """Parse the blocks of a file; none after a syntax error, which Terraform itself reports."""
    try:
        return parse(source(path))
    except HclError:
        return ()


def source(path: Path) -> str:
    """
    Read a configuration file.

    Raises:
        HclError: It cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a text in UTF-8"
        raise HclError(1, f"unreadable file: {why}") from error


def _walk(top: Path) -> Iterator[Path]:
    """Walk through source folders: no hidden, test, build or installed ones."""
    for name, folders, _ in os.walk(top):
        here = Path(name)
        folders[:] = sorted(
            folder
            for folder in folders
            if not folder.startswith(".")
            and folder not in _SKIPPED_FOLDERS | {"tests"}
            and not (here / folder / "pyvenv.cfg").exists()
        )
        yield here


def _kind(folder: Path, top: Path) -> Kind:
    """Classify a folder by its path."""
    parts = folder.relative_to(top).parts
    if "examples" in parts or folder.parent.name == "examples":
        return "example"
    return "module" if "modules" in parts or folder.parent.name == "modules" else "root"


def _as_called(folders: Iterable[Folder]) -> tuple[Folder, ...]:
    """Classify folders that another one calls as modules."""
    found = tuple(folders)
    called = {path for folder in found for path in folder.local_modules}
    return tuple(
        Folder(folder.path, "module") if folder.path in called else folder for folder in found
    )


def _called(folder: Folder) -> Iterator[Path]:
    """Yield the local folders that a folder calls as modules."""
    for _, block in folder.blocks:
        source = block.attribute("source") if block.kind == "module" else None
        if source and (source.literal or "").startswith(("./", "../")):
            yield (folder.path / str(source.literal)).resolve()


def _cycle(chain: tuple[Path, ...], done: set[Path]) -> tuple[Path, ...]:
    """Follow the calls of the last folder of a chain."""
    for path in _called(Folder(chain[-1], "module")):
        if path in chain:
            return (*chain[chain.index(path) :], path)
        if path not in done and (found := _cycle((*chain, path), done)):
            return found
    done.add(chain[-1])
    return ()


def _declared(blocks: Iterable[tuple[Path, Block]]) -> Iterator[Requirement]:
    """Yield the providers in `required_providers`."""
    for path, block in blocks:
        for inner in block.blocks if block.kind == "terraform" else ():
            for item in inner.attributes if inner.kind == "required_providers" else ():
                source = _key(item, "source") or f"hashicorp/{item.name}"
                constraint = _key(item, "version") or ""
                yield Requirement(item.name, source, constraint, path, item.line)


def _implied(blocks: Iterable[tuple[Path, Block]]) -> Iterator[Requirement]:
    """Yield the providers that blocks use without a declaration."""
    for path, block in blocks:
        if block.kind in ("provider", "resource", "data", "ephemeral") and block.labels:
            name = block.labels[0].partition("_")[0]
            if name != _BUILT_IN:
                yield Requirement(name, f"hashicorp/{name}", "", path, block.line)


def _key(item: Attribute, name: str) -> str | None:
    """Read a string of an object; a plain string is its version."""
    if item.literal is not None:
        return item.literal if name == "version" else None
    tokens = item.value
    for at, token in enumerate(tokens[:-2]):
        if token.value == name and tokens[at + 1].text in ("=", ":"):
            return tokens[at + 2].value
    return None
