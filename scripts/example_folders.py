"""
Examples of READMEs made into folders that Terraform can plan, all in one root.

What an example takes for granted is filled in: a module that it refers to and does not call is the
one of the first example that calls it, shared by all; a variable that it does not declare is
declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from gradectl.validation.hcl import Block, HclError, parse

#: The source of a module in an example. COMMIT stands for a commit or tag that the reader chooses.
SOURCE = "git::https://git.example.com/platform/gradectl.git//{folder}?ref=COMMIT"
_SOURCE = re.compile(
    r'"(?:git::https://git\.example\.com/platform/gradectl\.git/|\.)/([\w/-]+)(?:\?ref=COMMIT)?"'
)
_FENCE = re.compile(r"^```hcl\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MODULE = re.compile(r"\bmodule\.(\w+)")
_VARIABLE = re.compile(r"(?<![\w.])var\.(\w+)")
_GIVEN = re.compile(r"^\s*# given: (\w+) += +(.*?)\s*$", re.MULTILINE)
_STRONG = '"a-Password-for-tests-1"'
_EMPTY = {"number": "1", "bool": "true", "map": "{}", "object": "{}", "list": "[]", "set": "[]"}


@dataclass(frozen=True)
class Example:
    """
    One example.

    Attributes:
        page: Path of the file that it stands in.
        line: The line on which it begins.
        text: What stands there.
    """

    page: str
    line: int
    text: str

    @property
    def name(self) -> str:
        """Where to find it."""
        return f"{self.page}:{self.line}"

    @property
    def key(self) -> str:
        """A name for Terraform."""
        return re.sub(r"\W+", "_", self.name).lower()

    @cached_property
    def mistake(self) -> str:
        """Why it is no Terraform, with its place; empty where it is."""
        try:
            parse(self.text, self.line)
        except HclError as error:
            return f"{self.page}:{error.line}: this is no Terraform: {error}"
        return ""

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """What it consists of; nothing where it only gives values to variables of the root."""
        return () if self.mistake else parse(self.text, self.line)

    def line_in_page(self, line: int) -> int:
        """Number a line of the folder's example.tf as its page does."""
        return self.line + line - (1 if self.blocks else 2)

    @property
    def calls(self) -> set[str]:
        """The modules that it calls."""
        return {block.labels[0] for block in self.blocks if block.kind == "module"}

    @property
    def borrows(self) -> list[str]:
        """The modules that it refers to and does not call."""
        code = re.sub(r"^\s*#.*$", "", self.text, flags=re.MULTILINE)
        return [name for name in dict.fromkeys(_MODULE.findall(code)) if name not in self.calls]

    @property
    def given(self) -> dict[str, str]:
        """Values that a comment gives to its variables."""
        return dict(_GIVEN.findall(self.text))


def examples(page: str, markdown: str) -> list[Example]:
    """
    Find the examples of a page.

    Args:
        page: Its path.
        markdown: Its text.
    """
    return [
        Example(page, markdown.count("\n", 0, found.start(1)) + 1, found.group(1))
        for found in _FENCE.finditer(markdown)
    ]


def first_calls(known: Iterable[Example]) -> dict[str, Example]:
    """Find the example that first calls each module, reduced to that call."""
    found: dict[str, Example] = {}
    for example in known:
        lines = example.text.splitlines(keepends=True)
        ends = [*(block.line for block in example.blocks[1:]), example.line + len(lines)]
        for block, end in zip(example.blocks, ends, strict=bool(example.blocks)):
            text = "".join(lines[block.line - example.line : end - example.line])
            if block.kind == "module" and block.labels[0] not in found:
                found[block.labels[0]] = Example(example.page, block.line, text)
    return found


def root(wanted: Iterable[Example], library: Mapping[str, Example]) -> dict[str, str]:
    """
    Write a root that plans examples.

    Args:
        wanted: The examples.
        library: The first call of each module.

    Returns:
        Name of each file to its text. The root is to lie beside `modules` and `environments`.

    Raises:
        LookupError: An example refers to a module that no example calls.
    """
    files: dict[str, str] = {}
    borrowed: list[str] = []
    for example in wanted:
        files[f"{example.key}.tf"] = _call(example)
        files[f"{example.key}/example.tf"] = local(_filled_in(example), "../../")
        files[f"{example.key}/filled_in.tf"] = _declarations(example)
        borrowed += _checked(example, library)
    for name in borrowed:  # grows while what is borrowed borrows itself
        borrowed += [more for more in _checked(library[name], library) if more not in borrowed]
    parts = [library[name] for name in dict.fromkeys(borrowed)]
    files["shared.tf"] = "\n".join(local(part.text, "../") for part in parts)
    files["filled_in.tf"] = "\n".join(
        dict.fromkeys(declaration(name, part) for part in parts for name in undeclared(part))
    )
    return files


def local(text: str, above: str) -> str:
    """Let sources name folders of this repository; `above` is the way up to it."""
    return _SOURCE.sub(lambda found: f'"{above}{found.group(1)}"', text)


def _checked(example: Example, library: Mapping[str, Example]) -> list[str]:
    """List what an example borrows, and make sure that it is there."""
    for name in example.borrows:
        if name not in library:
            text = f'{example.name}: no example calls module "{name}", to which it refers'
            raise LookupError(text)
    return example.borrows


def _filled_in(example: Example) -> str:
    """Take what is borrowed from variables, line by line as before; values go to the root."""
    text = example.text
    for name in example.borrows:
        text = re.sub(rf"\bmodule\.{name}\b", f"var.filled_in_{name}", text)
    if example.blocks:
        return text
    return f'module "root" {{\n{text}\n  emulated = true\n  source = "../../environments"\n}}\n'


def undeclared(example: Example) -> list[str]:
    """List the variables that an example uses and does not declare."""
    declared = {block.labels[0] for block in example.blocks if block.kind == "variable"}
    return [name for name in dict.fromkeys(_VARIABLE.findall(example.text)) if name not in declared]


def _declarations(example: Example) -> str:
    """Declare what is filled in."""
    borrowed = [f'variable "filled_in_{name}" {{}}\n' for name in example.borrows]
    return "".join([*borrowed, *(declaration(name, example) for name in undeclared(example))])


def declaration(name: str, example: Example) -> str:
    """Declare one variable."""
    return (
        f'variable "{name}" {{\n  default = {example.given.get(name, _value(name, "string"))}\n}}\n'
    )


def _value(name: str, kind: str) -> str:
    """Make a value up."""
    return _EMPTY.get(kind, _STRONG if "password" in name else f'"value-of-{name}"')


def _call(example: Example) -> str:
    """Call an example, with what it borrows and with values for its own variables."""
    lines = [f'module "{example.key}" {{', f'  source = "./{example.key}"']
    lines += [f"  filled_in_{name} = module.{name}" for name in example.borrows]
    for block in example.blocks:
        if block.kind == "variable" and not block.attribute("default"):
            stated = block.attribute("type")
            name, kind = block.labels[0], stated.value[0].text if stated else "string"
            lines.append(f"  {name} = {example.given.get(name, _value(name, kind))}")
    return "\n".join([*lines, "}\n"])
