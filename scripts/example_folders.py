"""
Builds a root that plans README examples, one module per example.

Missing parts are filled in. A module that an example refers to but does not call is taken from the
first example that calls it, and shared by all examples; variables that it does not declare are
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
    An example.

    Attributes:
        page: Path of its file.
        line: Line on which it begins.
        text: Its text.
    """

    page: str
    line: int
    text: str

    @property
    def name(self) -> str:
        """Page and line."""
        return f"{self.page}:{self.line}"

    @property
    def key(self) -> str:
        """The name as a Terraform identifier."""
        return re.sub(r"\W+", "_", self.name).lower()

    @cached_property
    def mistake(self) -> str:
        """The syntax error with its place; empty if the example is valid HCL."""
        try:
            parse(self.text, self.line)
        except HclError as error:
            return f"{self.page}:{error.line}: invalid HCL: {error}"
        return ""

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its blocks; empty if it only sets variables of the root."""
        return () if self.mistake else parse(self.text, self.line)

    def line_in_page(self, line: int) -> int:
        """Convert a line of example.tf to a line of the page."""
        return self.line + line - (1 if self.blocks else 2)

    @property
    def calls(self) -> set[str]:
        """Modules that it calls."""
        return {block.labels[0] for block in self.blocks if block.kind == "module"}

    @property
    def borrows(self) -> list[str]:
        """Modules that it refers to but does not call."""
        code = re.sub(r"^\s*#.*$", "", self.text, flags=re.MULTILINE)
        return [name for name in dict.fromkeys(_MODULE.findall(code)) if name not in self.calls]

    @property
    def given(self) -> dict[str, str]:
        """Values of variables from `# given:` comments."""
        return dict(_GIVEN.findall(self.text))


def examples(page: str, markdown: str) -> list[Example]:
    """
    Find the `hcl` blocks of a page.

    Args:
        page: Path of the page.
        markdown: Text of the page.
    """
    return [
        Example(page, markdown.count("\n", 0, found.start(1)) + 1, found.group(1))
        for found in _FENCE.finditer(markdown)
    ]


def first_calls(known: Iterable[Example]) -> dict[str, Example]:
    """Return the first call of each module, as an example of only that call."""
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
    Build a root that plans examples.

    Args:
        wanted: Examples to plan.
        library: First call of each module.

    Returns:
        Text of each file by name. The root belongs next to `modules` and `environments`.

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
    for name in borrowed:  # grows with the modules that these refer to
        borrowed += [more for more in _checked(library[name], library) if more not in borrowed]
    parts = [library[name] for name in dict.fromkeys(borrowed)]
    files["shared.tf"] = "\n".join(local(part.text, "../") for part in parts)
    files["filled_in.tf"] = "\n".join(
        dict.fromkeys(declaration(name, part) for part in parts for name in undeclared(part))
    )
    return files


def local(text: str, above: str) -> str:
    """Rewrite sources to folders of this repository; `above` is the relative path to it."""
    return _SOURCE.sub(lambda found: f'"{above}{found.group(1)}"', text)


def _checked(example: Example, library: Mapping[str, Example]) -> list[str]:
    """Return the modules that an example borrows, after checking that an example calls them."""
    for name in example.borrows:
        if name not in library:
            text = f'{example.name}: no example calls the referenced module "{name}"'
            raise LookupError(text)
    return example.borrows


def _filled_in(example: Example) -> str:
    """Replace borrowed modules by variables, keeping all lines; wrap bare values in a root call."""
    text = example.text
    for name in example.borrows:
        text = re.sub(rf"\bmodule\.{name}\b", f"var.filled_in_{name}", text)
    if example.blocks:
        return text
    return f'module "root" {{\n{text}\n  emulated = true\n  source = "../../environments"\n}}\n'


def undeclared(example: Example) -> list[str]:
    """List variables that an example uses but does not declare."""
    declared = {block.labels[0] for block in example.blocks if block.kind == "variable"}
    return [name for name in dict.fromkeys(_VARIABLE.findall(example.text)) if name not in declared]


def _declarations(example: Example) -> str:
    """Declare all filled-in variables."""
    borrowed = [f'variable "filled_in_{name}" {{}}\n' for name in example.borrows]
    return "".join([*borrowed, *(declaration(name, example) for name in undeclared(example))])


def declaration(name: str, example: Example) -> str:
    """Declare a variable with a default."""
    return (
        f'variable "{name}" {{\n  default = {example.given.get(name, _value(name, "string"))}\n}}\n'
    )


def _value(name: str, kind: str) -> str:
    """Return a placeholder value."""
    return _EMPTY.get(kind, _STRONG if "password" in name else f'"value-of-{name}"')


def _call(example: Example) -> str:
    """Call an example with its borrowed modules and values of its variables."""
    lines = [f'module "{example.key}" {{', f'  source = "./{example.key}"']
    lines += [f"  filled_in_{name} = module.{name}" for name in example.borrows]
    for block in example.blocks:
        if block.kind == "variable" and not block.attribute("default"):
            stated = block.attribute("type")
            name, kind = block.labels[0], stated.value[0].text if stated else "string"
            lines.append(f"  {name} = {example.given.get(name, _value(name, kind))}")
    return "\n".join([*lines, "}\n"])
