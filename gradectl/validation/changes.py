"""Lists the files that changed since a git revision."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gradectl.errors import ConfigurationError, UsageError
from gradectl.processes.tools import Tools


def changed_since(revision: str, directory: Path, tools: Tools) -> frozenset[Path]:
    """
    List the files that differ from the merge base with a revision, committed or not.

    Args:
        revision: A branch, tag or commit.
        directory: A folder of the work tree.
        tools: Runs git.

    Raises:
        ConfigurationError: git is not installed, or the folder is not in a work tree.
        UsageError: The revision does not exist or has no common history.
    """
    git = tools.find("git")
    if not git:
        text = "git is not installed"
        raise ConfigurationError(
            text, where="PATH", next_step="install git, or omit --changed-since"
        )
    where = tools.run([git, "rev-parse", "--show-toplevel"], directory)
    if where.code:
        text = "not in a git work tree"
        hint = "omit --changed-since, or run it inside a git work tree"
        raise ConfigurationError(text, where=str(directory), next_step=hint)
    top = Path(where.output.rstrip("\n"))
    base = tools.run([git, "merge-base", "--end-of-options", revision, "HEAD"], top)
    if base.code:
        text = f"revision {revision!r} not found, or without a common ancestor with HEAD"
        hint = f"git fetch origin {revision}; in CI, clone with the full history"
        raise UsageError(text, where="--changed-since", next_step=hint)
    differing = tools.run([git, "diff", "--name-only", "-z", base.output.strip(), "--"], top)
    new = tools.run([git, "ls-files", "--others", "--exclude-standard", "-z"], top)
    names = [*differing.output.split("\0"), *new.output.split("\0")]
    return frozenset((top / name).resolve() for name in names if name)


def concerns(inputs: Iterable[Path], changed: Iterable[Path]) -> bool:
    """Whether one of the changed files is one of the inputs, or inside one of them."""
    wanted = {path.resolve() for path in inputs}
    return any(path in wanted or not wanted.isdisjoint(path.parents) for path in changed)
