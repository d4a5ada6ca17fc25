"""Judges whether the source of a module names a fixed version; local modules need none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from gradectl.validation.hcl import Block

_LOCAL = ("./", "../", "/")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_PREFIX = r"(?:.*[/_-])?"
#: `v1.2.3`, `modules/vpc/1.2.0-rc.1`, `release-2026-11-30`; no branch such as `main` or `1.2.x`.
_TAG = re.compile(_PREFIX + r"(?:v?\d+(?:\.\d+)+|\d{4}-?\d{2}-?\d{2})(?:(?!\.[xX]\b)[-+._]\w+)*")
#: A branch may have such a name as well as a tag: `release/1.x`, `feature/ABC-123`, `main-2`, `v1`.
_DOUBTFUL = re.compile(_PREFIX + r"v?\d+(?:\.\d+)*(?:[-+._]\w+)*")
_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_GIT = re.compile(r"git::|git@|ssh://|(?:github\.com|bitbucket\.org)/|hg::|[^?]*\.git(?:$|//|\?)")
#: `NAMESPACE/NAME/PROVIDER`, perhaps with a host.
_REGISTRY = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?/)?[\w-]+/[\w-]+/[\w-]+(?://.*)?")
_EXACT = re.compile(r"=?\s*v?\d+(?:\.\d+){0,2}(?:[-+][\w.+-]+)?")
_UPPER_LIMIT = re.compile(r"~>|<|(?:^|,)\s*=?\s*v?\d")
#: Parameters by which an archive has one content.
_FIXED = frozenset({"checksum", "digest", "ref", "rev", "tag", "version"})
_NUMBERED = re.compile(r"\d+\.\d+|[0-9a-f]{40}")


@dataclass(frozen=True)
class Unpinned:
    """A module whose next installation may be another one; a `warning` may also have a limit."""

    line: int
    what: str
    warning: bool = False


def unpinned(block: Block) -> Unpinned | None:
    """
    Judge a module block.

    Returns:
        What is not fixed; None for a tag, a commit, an exact version or a local module.
    """
    source = block.attribute("source")
    if source is None:
        return None
    name = block.labels[0] if block.labels else ""
    address = source.literal
    if address is None or "${" in address:
        text = f"the source of module {name!r} is an expression: write it out, with a version"
        return Unpinned(source.line, text)
    if address.startswith(_LOCAL):
        return None
    if _GIT.match(address):
        return _of_git(name, address, source.line)
    if _REGISTRY.fullmatch(address):
        return _of_registry(name, block)
    return _of_archive(name, address, source.line)


def _of_git(name: str, address: str, line: int) -> Unpinned | None:
    """Judge a source in a repository: it needs a tag or a commit."""
    parameters = parse_qs(address.partition("?")[2])
    ref = next((parameters[key][0] for key in ("ref", "rev") if key in parameters), "")
    hint = "name a tag or a commit, ?ref=v1.2.3"
    if not ref:
        return Unpinned(line, f"module {name!r} has no version: {hint}")
    if ref.startswith(_TAGS) or _COMMIT.fullmatch(ref):
        return None
    if ref.startswith(_HEADS) or not (_TAG.fullmatch(ref) or _DOUBTFUL.fullmatch(ref)):
        return Unpinned(line, f"module {name!r} follows the branch {ref!r}: {hint}")
    if _TAG.fullmatch(ref):
        return None
    text = f"module {name!r} may follow a branch, {ref!r}: {hint}, or ?ref={_TAGS}{ref}"
    return Unpinned(line, text, warning=True)


def _of_registry(name: str, block: Block) -> Unpinned | None:
    """Judge a source in a registry: its versions are an argument."""
    given = block.attribute("version")
    if given is None:
        return Unpinned(block.line, f'module {name!r} has no version: add version = "1.2.3"')
    version = (given.literal or "").strip()
    if _EXACT.fullmatch(version):
        return None
    if not version or not _UPPER_LIMIT.search(version):
        text = f'module {name!r} takes every later version: write version = "1.2.3"'
        return Unpinned(given.line, text)
    text = f"module {name!r} takes the newest version of {version!r} at each init: the lock file"
    return Unpinned(given.line, f'{text} has only providers; write version = "1.2.3"', warning=True)


def _of_archive(name: str, address: str, line: int) -> Unpinned | None:
    """Judge a source that is downloaded: one version in the path, or a checksum."""
    path, _, query = address.partition("?")
    if _NUMBERED.search(path.rpartition("://")[2].partition("/")[2]):
        return None
    if _FIXED & {key.lower() for key in parse_qs(query)}:
        return None
    text = f"module {name!r} has no version: put one in the path, or add ?checksum=sha256:HASH"
    return Unpinned(line, text)
