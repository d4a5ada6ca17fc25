"""
The commands of docs/tutorial.md, as the tests run them.

A command that is not in `PARTS` fails the tests with its name.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
ENVIRONMENT = "exams"
ADDRESS = "https://git.example.com/platform/gradectl.git"
#: What the commands need of the repository.
FILES = ("Makefile", "examples", "modules", "scripts", "templates")


class Part(StrEnum):
    """The part of the tutorial that a command belongs to, in this order."""

    INSTALL = "install"
    PREPARE = "prepare"
    OPERATE = "operate"
    DELETE = "delete"


#: Beginning of a command -> its part. The longest one that fits is taken.
PARTS = {
    f"git clone {ADDRESS}": Part.INSTALL,
    "cd gradectl": Part.INSTALL,
    "make setup": Part.INSTALL,
    ". .venv/bin/activate": Part.INSTALL,
    "gradectl version": Part.INSTALL,
    "gradectl init exams": Part.PREPARE,
    "export AWS_PROFILE=": Part.PREPARE,
    "gradectl bootstrap exams": Part.PREPARE,
    "gradectl render exams": Part.PREPARE,
    "gradectl deploy exams --dry-run": Part.PREPARE,
    "gradectl deploy exams": Part.OPERATE,
    "gradectl problem push -e exams": Part.OPERATE,
    "gradectl submit -e exams": Part.OPERATE,
    "gradectl status exams": Part.OPERATE,
    "gradectl logs exams": Part.OPERATE,
    "gradectl queue list -e exams": Part.OPERATE,
    "gradectl queue inspect -e exams": Part.OPERATE,
    "gradectl destroy exams": Part.DELETE,
}


@dataclass(frozen=True)
class Command:
    """A command line of the tutorial, without its comment."""

    words: tuple[str, ...]

    @property
    def line(self) -> str:
        """The command line, for a shell."""
        return shlex.join(self.words)

    @property
    def part(self) -> Part:
        """
        The part that it belongs to.

        Raises:
            LookupError: The tests do not know how to run it.
        """
        found = [start for start in PARTS if f"{self.line} ".startswith(start)]
        if not found:
            text = f"add this command of docs/tutorial.md to tests/support/tutorial.py: {self.line}"
            raise LookupError(text)
        return PARTS[max(found, key=len)]

    def of(self, environment: str) -> tuple[str, ...]:
        """The arguments of `gradectl` for another environment."""
        return tuple(environment if word == ENVIRONMENT else word for word in self.words[1:])


def commands(text: str) -> list[Command]:
    """
    Read the commands of a page, in their order.

    Args:
        text: The page; its blocks of `sh` are read.
    """
    found = []
    inside = False
    for line in text.replace("\\\n", " ").splitlines():
        if line.lstrip().startswith("```"):
            inside = line.strip() == "```sh"
        elif inside and (words := shlex.split(line, comments=True)):
            found.append(Command(tuple(words)))
    return found


def script(wanted: Sequence[Command], account: str = "") -> str:
    """
    Write a shell script that runs commands as a person would who answers yes.

    Args:
        wanted: The commands.
        account: Command that starts the emulated account of the environment, if it does not run.
    """
    extra = {
        # The tests run in the installed environment, and must not install another one.
        "make setup": ["make --dry-run setup", f"ln -s {shlex.quote(sys.prefix)} .venv"],
        "gradectl init": [f"echo 'emulated: true' >> environments/{ENVIRONMENT}/environment.yaml"],
    }
    if account:
        extra["gradectl init"].append(account)
    lines = ["set -eux"]
    for command in wanted:
        yes = " --yes" if command.words[0] == "gradectl" else ""
        begin = " ".join(command.words[:2])
        own = [] if begin == "make setup" else [command.line + yes]
        lines += [*own, *extra.get(begin, [])]
    return "\n".join(lines) + "\n"


def run(
    folder: Path,
    text: str,
    environ: Mapping[str, str],
    environments: Path = ROOT / "environments",
) -> subprocess.CompletedProcess[str]:
    """
    Run a script of `script` where `git clone` finds the files of this repository.

    Args:
        folder: An empty folder.
        text: The script.
        environ: Variables of the account, besides those of this process that do not configure one.
        environments: The Terraform root.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "GIT_", "GITHUB_", "GRADECTL_", "TF_VAR_"))
    }
    repository = _repository(
        folder, {**dict.fromkeys(FILES, ROOT), environments.name: environments.parent}
    )
    profile = folder / "aws-config"
    profile.write_text(
        "[profile ...]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    return subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env={**kept, "AWS_CONFIG_FILE": str(profile), **_git(repository), **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _repository(folder: Path, sources: Mapping[str, Path]) -> Path:
    """A repository with some files of this one, each by the folder that it is in."""
    made = folder / "origin"
    made.mkdir()
    ignored = shutil.ignore_patterns(".terraform", "__pycache__")
    for name, source in sources.items():
        if (source / name).is_dir():
            shutil.copytree(source / name, made / name, ignore=ignored)
        else:
            shutil.copy(source / name, made / name)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all files")):
        subprocess.run(["git", *words], cwd=made, env={**os.environ, **_git(made)}, check=True)
    return made


def _git(repository: Path) -> dict[str, str]:
    """Variables that give git an author and lead the address of the tutorial to a repository."""
    settings = {
        "user.name": "tests",
        "user.email": "tests@example.com",
        f"url.{repository}.insteadOf": ADDRESS,
    }
    numbered = enumerate(settings.items())
    found = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_CONFIG_NOSYSTEM": "1"}
    for at, (key, value) in numbered:
        found |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return found
