"""How the Terraform files use the language: what tflint looks for, names, and plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from terraform_files import (
    blocks,
    conditions,
    locals_of,
    of_kind,
    references,
    text_of,
    words,
)

from gradectl.validation.hcl import parse, tokens

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/variables.tf"))
FOLDERS = [*MODULES, ROOT / "environments"]
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAMED = ("check", "data", "module", "output", "resource", "variable")
#: Words of comments, descriptions and error messages, each with what to write instead.
WORDS = {
    r"nobody|somebody|everybody": "the role, such as worker, client or user",
    r"beside": "in addition to, next to",
    r"for ever|forever": "never expires, without limit",
    r"(is|are) told": "receives, is notified",
    r"hears? of": "receives",
    r"of yours|of your own": "existing, or nothing",
    r"(is|are) there( already)?": "exists, existing",
    r"so (long|many)": "the quantity, such as minutes of ...",
    r"leave to": "permission to",
    r"left (away|out)": "omitted",
    r"knows? (no|neither|nothing)": "has no, does not support",
    r"keeps? for (itself|ids)": "reserves",
    r"lies? in": "is in",
    r"raise it by one": "increase by one",
    r"where it is not|whoever|whom": "a shorter sentence",
}

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_prose = pytest.mark.parametrize(
    "folder",
    [*FOLDERS, *sorted(path.parent for path in ROOT.glob("examples/*/main.tf"))],
    ids=lambda folder: folder.name,
)
each_module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)


def hold(wrong: list[str]) -> None:
    """Fail with the places that break a rule."""
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@each_folder
def test_names_are_in_snake_case(folder: Path) -> None:
    """Names of blocks and of local values are lower case with underscores."""
    labelled = [
        (file, block.line, block.labels[-1])
        for file, block in blocks(folder)
        if block.kind in NAMED and block.labels
    ]
    # a leading underscore marks what only its own file uses
    labelled += [(file, item.line, item.name.removeprefix("_")) for file, item in locals_of(folder)]

    hold([f"{f}:{line}: {name}" for f, line, name in labelled if not SNAKE.fullmatch(name)])


@each_module
def test_the_main_resource_is_called_this(folder: Path) -> None:
    """The first resource of main.tf is what the module is for; one that calls others has none."""
    found = [block for file, block in of_kind(folder, "resource") if file == "main.tf"]
    first = found[0].labels[1] if found else folder.name

    assert first == ("this" if found else "grading-system"), f"main.tf: {first}"


@each_folder
def test_blocks_are_where_one_looks_for_them(folder: Path) -> None:
    """Variables are in variables.tf (in the root: variables-<part>.tf), outputs in outputs.tf."""
    places = {"variable": "variables.tf", "output": "outputs.tf", "moved": "moved.tf"}

    hold(
        [
            f"{file}:{block.line}: {block.kind} belongs into {places[block.kind]}"
            for file, block in blocks(folder)
            if block.kind in places
            and re.sub(r"^(variables)-[a-z]+", r"\1", file) != places[block.kind]
        ]
    )


@each_folder
def test_no_local_value_is_unused(folder: Path) -> None:
    """An unused local value is dead code."""
    used = {".".join(name.split(".")[:2]) for name in references(folder)}

    hold([f"{f}:{i.line}: {i.name}" for f, i in locals_of(folder) if f"local.{i.name}" not in used])


@each_folder
def test_a_local_value_with_an_underscore_is_used_in_its_file_alone(folder: Path) -> None:
    """The underscore marks a step that nobody else need know."""
    homes = {item.name: file for file, item in locals_of(folder) if item.name.startswith("_")}
    line = [(file, word) for file, word in words(folder) if word.text in homes]

    hold([f"{f}:{w.line}: {w.text} is of {homes[w.text]}" for f, w in line if homes[w.text] != f])


@each_folder
def test_nothing_is_interpolated_that_could_stand_alone(folder: Path) -> None:
    """`"${var.name}"` is `var.name`; only a text around it needs the quotes."""
    alone = re.compile(r'"\$\{[^{}"]*\}"')

    hold([f"{f}:{w.line}: {w.text}" for f, w in words(folder) if alone.fullmatch(w.text)])


def prose(folder: Path) -> Iterator[tuple[str, int, str]]:
    """File, line and text of each comment, description, error message and line of the README."""
    for path in [*folder.glob("*.tf"), *folder.glob("tests/*.tftest.hcl")]:
        text = path.read_text()
        for word in tokens(text):
            if word.kind == "comment":
                yield path.name, word.line, word.text
        for block in parse(text):
            if block.kind in ("output", "variable"):
                yield path.name, block.line, text_of(block.attribute("description"))
            asserts = (inner for inner in block.blocks if inner.kind == "assert")
            for rule in [*conditions(block), *asserts]:
                yield path.name, rule.line, text_of(rule.attribute("error_message"))
    for number, line in enumerate((folder / "README.md").read_text().splitlines(), 1):
        yield "README.md", number, line


@each_prose
def test_prose_uses_the_words_of_the_field(folder: Path) -> None:
    """A reader should not have to translate: the message names the place and the usual word."""
    hold(
        [
            f"{file}:{line}: {found.group()!r}; write: {instead}"
            for file, line, text in prose(folder)
            for pattern, instead in WORDS.items()
            for found in re.finditer(rf"\b(?:{pattern})\b", text, re.IGNORECASE)
        ]
    )


@each_folder
def test_the_old_forms_of_the_language_are_not_used(folder: Path) -> None:
    """Comments begin with #, elements have brackets, emptiness is asked by length."""
    found = []
    line = [(file, word) for file, word in words(folder) if word.kind != "newline"]
    for number, (file, word) in enumerate(line):
        before, after = (
            line[number - 1][1],
            [later.text for _, later in line[number + 1 : number + 4]],
        )
        if word.kind == "comment" and word.text.startswith("//"):
            found.append(f"{file}:{word.line}: a comment begins with #")
        if word.text == "." and before.kind == "name" and after[0][0].isdecimal():
            found.append(f"{file}:{word.line}: an element is written with brackets")
        if word.text in ("=", "!") and after == ["=", "[", "]"]:
            found.append(f"{file}:{word.line}: emptiness is asked by length(...) == 0")

    hold(found)


@each_module
def test_a_module_has_the_files_that_one_expects(folder: Path) -> None:
    """Whoever knows one module finds his way in all."""
    expected = {"README.md", "main.tf", "outputs.tf", "tests", "variables.tf", "versions.tf"}

    assert not expected - {path.name for path in folder.iterdir()}
