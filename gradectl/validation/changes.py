"""Which files changed since a revision, as git says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gradectl.errors import ConfigurationError, UsageError
from gradectl.processes.tools import Tools


def changed_since(revision: str, directory: Path, tools: Tools) -> frozenset[Path]:
    """
    List what differs from the point where a branch left a revision, saved or not, committed or not.

    Args:
        revision: A branch, tag or commit.
        directory: A folder of the work tree.
        tools: Starts git.

    Raises:
        ConfigurationError: There is no git, or the folder is in no work tree.
        UsageError: There is no such revision.
    """
    git = tools.find("git")
    if not git:
        text = "git is not installed"
        raise ConfigurationError(text, where="PATH", next_step="leave --changed-since out")
    where = tools.run([git, "rev-parse", "--show-toplevel"], directory)
    if where.code:
        text = "not in a git work tree"
        hint = "leave --changed-since out"
        raise ConfigurationError(text, where=str(directory), next_step=hint)
    top = Path(where.output.rstrip("\n"))
    base = tools.run([git, "merge-base", "--end-of-options", revision, "HEAD"], top)
    if base.code:
        text = f"no revision {revision!r} that this branch began from"
        hint = f"git fetch origin {revision}; a pipeline's shallow clone has no history"
        raise UsageError(text, where="--changed-since", next_step=hint)
    differing = tools.run([git, "diff", "--name-only", "-z", base.output.strip(), "--"], top)
    new = tools.run([git, "ls-files", "--others", "--exclude-standard", "-z"], top)
    names = [*differing.output.split("\0"), *new.output.split("\0")]
    return frozenset((top / name).resolve() for name in names if name)


def concerns(inputs: Iterable[Path], changed: Iterable[Path]) -> bool:
    """Tell whether one of the changed files is one of the inputs, or in a folder among them."""
    wanted = {path.resolve() for path in inputs}
    return any(path in wanted or not wanted.isdisjoint(path.parents) for path in changed)
