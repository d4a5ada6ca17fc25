"""
Writes each module as a repository of its own, in the layout of Terraform's registries.

`python scripts/publish_modules.py` writes `build/modules/terraform-aws-NAME/` with the files of the
module, its README, its examples and its version. Links and sources that lead to this repository get
an address. Of a folder that is a clone of its repository, it deletes and replaces only what it
writes itself; `.git`, `.github`, a license and all others stay.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from example_folders import Example, examples, undeclared

from gradectl.errors import ExitCode

TOP = Path(__file__).resolve().parents[1]
#: Where the documentation says that the repositories are.
GROUP = "https://git.example.com/platform"
_COPIED = ("*.tf", "templates/*", "tests/**/*")
#: All that this script can have written into the folder of a module.
_WRITTEN = (*_COPIED, "README.md", "VERSION", "examples/example-*", "examples/example-*/*")
_SOURCE = re.compile(
    r'source( *)= "(?:git::https://git\.example\.com/platform/gradectl\.git//modules|\.\.)/'
    r'(?P<name>[a-z-]+)(?:\?ref=COMMIT)?"'
)
_LINK = re.compile(r"\]\((?!\w+:|#)(?P<path>[^)#]+)(?P<anchor>#[^)]*)?\)")
_SECRET = re.compile("password|secret|token")


@dataclass(frozen=True)
class Addresses:
    """
    Where the modules and this repository are found.

    Attributes:
        version: Version of all modules.
        group: URL above the repositories.
        registry: Host and namespace of a registry; "" for sources in git.
    """

    version: str
    group: str = GROUP
    registry: str = ""

    def source(self, name: str, spaces: str) -> str:
        """The arguments of a call of a module; `spaces` align their equals signs."""
        if not self.registry:
            address = f"git::{self.group}/{repository(name)}.git?ref=v{self.version}"
            return f'source{spaces}= "{address}"'
        spaces = spaces if len(spaces) > 1 else "  "
        address = f"{self.registry}/{name}/aws"
        return f'source{spaces}= "{address}"\n  version{spaces[1:]}= "{self.version}"'

    def page(self, path: PurePosixPath, *, is_folder: bool) -> str:
        """The address of a file or folder of this repository, or of a module in its own."""
        kind = "tree" if is_folder else "blob"
        if path.parts[:1] == ("modules",) and len(path.parts) > 1:
            rest = "/".join((f"{kind}/v{self.version}", *path.parts[2:]))
            return f"{self.group}/{repository(path.parts[1])}/{rest}"
        return f"{self.group}/gradectl/{kind}/v{self.version}/{path}"


def repository(name: str) -> str:
    """Name of the repository of a module, as registries require it."""
    return f"terraform-aws-{name}"


def published(top: Path, addresses: Addresses) -> dict[PurePosixPath, str]:
    """
    Return the text of each file, by its path below the folder of all modules.

    Args:
        top: Root of this repository.
        addresses: Where modules and pages are found.
    """
    found: dict[PurePosixPath, str] = {}
    for module in sorted(path.parent for path in (top / "modules").glob("*/variables.tf")):
        folder = PurePosixPath(repository(module.name))
        for path in sorted({each for pattern in _COPIED for each in module.glob(pattern)}):
            if path.is_file():
                text = _with_sources(path.read_text(encoding="utf-8"), addresses)
                found[folder / path.relative_to(module).as_posix()] = text
        readme = (module / "README.md").read_text(encoding="utf-8")
        found[folder / "README.md"] = _page(readme, module, top, addresses)
        found[folder / "VERSION"] = f"{addresses.version}\n"
        for path, text in _examples(readme, module, top, addresses):
            found[folder / path] = text
    return found


def write(files: dict[PurePosixPath, str], folder: Path) -> None:
    """Replace what this script writes in each module's folder; all other files stay."""
    for name in {path.parts[0] for path in files}:
        found = {old for pattern in _WRITTEN for old in (folder / name).glob(pattern)}
        for old in sorted(found, reverse=True):  # what is in a folder before the folder
            if old.is_symlink() or not old.is_dir():
                old.unlink()
            else:
                with suppress(OSError):  # it has a file that is not of this script
                    old.rmdir()
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _examples(
    readme: str, module: Path, top: Path, addresses: Addresses
) -> Iterator[tuple[str, str]]:
    """The files of each example of a README: the call, its variables, and what it shows."""
    for number, example in enumerate(examples("README.md", readme), 1):
        folder = f"examples/example-{number}"
        text = re.sub(r"\bmodule\.(\w+)", _borrowed(example), example.text)
        own = re.compile(_SOURCE.pattern.replace("[a-z-]+", re.escape(module.name)))
        yield f"{folder}/main.tf", _with_sources(own.sub(r'source\1= "../.."', text), addresses)
        if variables := _variables(example):
            yield f"{folder}/variables.tf", variables
        lines = readme.splitlines()[: example.line - 2]
        paragraph = "\n".join(lines).rstrip().rpartition("\n\n")[2]
        page = f"# Example {number} of {module.name}\n\n{paragraph}\n"
        yield f"{folder}/README.md", _page(page, module, top, addresses)


def _borrowed(example: Example) -> Callable[[re.Match[str]], str]:
    """Replace modules that an example does not call by variables."""
    return lambda found: f"var.{found[1]}" if found[1] in example.borrows else found[0]


def _variables(example: Example) -> str:
    """Declare what an example takes from elsewhere."""
    blocks = [_variable(name, f"Outputs of the module {name}.", "any") for name in example.borrows]
    blocks += [_variable(name, f"Value of {name}.", "string") for name in undeclared(example)]
    return "\n".join(blocks)


def _variable(name: str, description: str, kind: str) -> str:
    """Declare a variable; what is a secret by its name stays out of state and plan."""
    secret = "  ephemeral   = true\n  sensitive   = true\n" if _SECRET.search(name) else ""
    stated = f'  description = "{description}"\n  type        = {kind}\n'
    return f'variable "{name}" {{\n{stated}{secret}}}\n'


def _page(text: str, module: Path, top: Path, addresses: Addresses) -> str:
    """Give sources and links of a page an address."""

    def link(found: re.Match[str]) -> str:
        path = (module / found["path"]).resolve()
        if path.is_relative_to(module):
            return found[0]
        inside = PurePosixPath(path.relative_to(top.resolve()).as_posix())
        address = addresses.page(inside, is_folder=path.is_dir())
        return f"]({address}{found['anchor'] or ''})"

    return _LINK.sub(link, _with_sources(text, addresses))


def _with_sources(text: str, addresses: Addresses) -> str:
    """Give the sources of modules an address."""
    return _SOURCE.sub(lambda found: addresses.source(found["name"], found[1]), text)


def main(arguments: list[str], top: Path = TOP) -> int:
    """
    Write the folders, and say where.

    Args:
        arguments: Options.
        top: Root of the repository.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", default=GROUP, help="URL above the repositories")
    parser.add_argument("--registry", default="", help="HOST/NAMESPACE of a registry, for sources")
    options = parser.parse_args(arguments)
    project = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    addresses = Addresses(str(project["version"]), options.group.rstrip("/"), options.registry)
    folder = top / "build" / "modules"
    files = published(top, addresses)
    names = sorted({path.parts[0] for path in files})
    if there := [name for name in names if (folder / name).exists()]:
        listed = ", ".join(there)
        sys.stderr.write(f"replaces its own files in {folder.relative_to(top)}/: {listed}\n")
    write(files, folder)
    for name in names:
        sys.stdout.write(f"{folder.relative_to(top)}/{name}\n")
    tag = f"git tag --annotate v{addresses.version}"
    sys.stderr.write(f"next: commit each folder to its repository, and tag it there: {tag}\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
