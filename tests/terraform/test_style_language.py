"""How the Terraform files use the language: what tflint looks for, and rules of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gradectl.core.hcl import Attribute, Block, Token, parse, tokens

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/variables.tf"))
FOLDERS = [*MODULES, ROOT / "environments"]
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAMED = ("check", "data", "module", "output", "resource", "variable")
REGION = re.compile(r"\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov)?-[a-z]+-\d[a-f]?\b")
ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
#: What says of a value what is allowed.
ALLOWING = re.compile(r"\b(can|may|must|needs?|takes?)\b")
SECRET = re.compile(r"(^|_)(passwords?|secrets?|secret_values|tokens?)$")
COLLECTIONS = frozenset({"list", "map", "object", "set"})

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)


@cache
def words(folder: Path) -> tuple[tuple[str, Token], ...]:
    """All words of a folder's files, with the file's name."""
    return tuple(
        (path.name, word)
        for path in sorted(folder.glob("*.tf"))
        for word in tokens(path.read_text())
    )


@cache
def blocks(folder: Path) -> tuple[tuple[str, Block], ...]:
    """All blocks of a folder's files, with the file's name."""
    return tuple(
        (path.name, block)
        for path in sorted(folder.glob("*.tf"))
        for block in parse(path.read_text())
    )


def of_kind(folder: Path, kind: str) -> Iterator[tuple[str, Block]]:
    """The blocks of a kind."""
    return ((name, block) for name, block in blocks(folder) if block.kind == kind)


def locals_of(folder: Path) -> Iterator[tuple[str, Attribute]]:
    """The local values."""
    return ((name, item) for name, block in of_kind(folder, "locals") for item in block.attributes)


def references(folder: Path) -> set[str]:
    """What the files refer to, by its first two or three words, such as `local.name`."""
    text = "\n".join(
        path.read_text() for path in folder.rglob("*.tf*") if "tests" not in path.parts
    )
    return set(re.findall(r"\b\w+\.\w+(?:\.\w+)?", text))


def passed(block: Block) -> Iterator[Attribute]:
    """The attributes of a block and of the blocks in it."""
    yield from block.attributes
    for inner in block.blocks:
        yield from passed(inner)


def conditions(block: Block) -> Iterator[Block]:
    """The rules in a block, however deep."""
    for inner in block.blocks:
        if inner.kind in ("precondition", "postcondition", "validation"):
            yield inner
        yield from conditions(inner)


def text_of(item: Attribute | None) -> str:
    """An attribute as one text."""
    return " ".join(word.value for word in item.value) if item else ""


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
    # a leading underscore marks what only other local values use
    labelled += [(file, item.line, item.name.removeprefix("_")) for file, item in locals_of(folder)]

    hold([f"{f}:{line}: {name}" for f, line, name in labelled if not SNAKE.fullmatch(name)])


@each_module
def test_the_main_resource_is_called_this(folder: Path) -> None:
    """The first resource of main.tf is what the module is for."""
    first = next(block for file, block in of_kind(folder, "resource") if file == "main.tf")

    assert first.labels[1] == "this", f"main.tf:{first.line}: {'.'.join(first.labels)}"


@each_folder
def test_blocks_are_where_one_looks_for_them(folder: Path) -> None:
    """Variables are in variables.tf, outputs in outputs.tf, moves in moved.tf."""
    places = {"variable": "variables.tf", "output": "outputs.tf", "moved": "moved.tf"}

    hold(
        [
            f"{file}:{block.line}: {block.kind} belongs into {places[block.kind]}"
            for file, block in blocks(folder)
            if block.kind in places and file != places[block.kind]
        ]
    )


@each_folder
def test_no_local_value_is_unused(folder: Path) -> None:
    """What nothing uses is a leftover."""
    used = {".".join(name.split(".")[:2]) for name in references(folder)}

    hold([f"{f}:{i.line}: {i.name}" for f, i in locals_of(folder) if f"local.{i.name}" not in used])


@each_folder
def test_a_local_value_with_an_underscore_is_used_by_local_values_alone(folder: Path) -> None:
    """The underscore marks an intermediate step."""
    used = {
        word
        for _, block in blocks(folder)
        if block.kind != "locals"
        for item in passed(block)
        for word in re.findall(r"local \. (_\w+)", text_of(item))
    }

    assert not used


@each_folder
def test_nothing_is_interpolated_that_could_stand_alone(folder: Path) -> None:
    """`"${var.name}"` is `var.name`; only a text around it needs the quotes."""
    alone = re.compile(r'"\$\{[^{}"]*\}"')

    hold([f"{f}:{w.line}: {w.text}" for f, w in words(folder) if alone.fullmatch(w.text)])


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
        if word.text == "." and before.kind == "name" and after[0].isdecimal():
            found.append(f"{file}:{word.line}: an element is written [{after[0]}]")
        if word.text in ("=", "!") and after == ["=", "[", "]"]:
            found.append(f"{file}:{word.line}: emptiness is asked by length(...) == 0")

    hold(found)


@each_folder
def test_no_variable_takes_anything(folder: Path) -> None:
    """`any` is no type: a user learns of a mistake deep inside the module."""
    hold(
        [
            f"{file}:{block.line}: {block.labels[0]}"
            for file, block in of_kind(folder, "variable")
            if "any" in text_of(block.attribute("type")).split()
        ]
    )


@each_folder
def test_a_refusal_says_what_is_allowed(folder: Path) -> None:
    """It names the variable, says what must be, may be or is needed, and ends in a full stop."""
    wrong = []
    for file, block in blocks(folder):
        for rule in conditions(block):
            message = text_of(rule.attribute("error_message")).strip()
            named = block.kind != "variable" or block.labels[0] in message
            if not (named and ALLOWING.search(message) and message.endswith(".")):
                wrong.append(f"{file}:{rule.line}: {message}")

    hold(wrong)


@each_folder
def test_secrets_are_sensitive_and_stay_out_of_the_state(folder: Path) -> None:
    """A variable that is called a password is neither shown nor kept."""
    wrong = []
    for file, block in blocks(folder):
        if block.kind in ("variable", "output") and SECRET.search(block.labels[0]):
            wanted = ("sensitive", "ephemeral") if block.kind == "variable" else ("sensitive",)
            marks = [mark for mark in wanted if text_of(block.attribute(mark)) != "true"]
            wrong += [f"{file}:{block.line}: {block.labels[0]} is not {mark}" for mark in marks]

    hold(wrong)


@each_module
def test_null_means_off_or_is_refused(folder: Path) -> None:
    """Null is the default of a collection or object, or its description says what null is."""
    wrong = []
    for file, block in of_kind(folder, "variable"):
        stated, default = block.attribute("type"), block.attribute("default")
        holds_more = text_of(stated).split()[0] in COLLECTIONS
        says = "null" in text_of(block.attribute("description")) or text_of(default) == "null"
        if holds_more and default and not says and text_of(block.attribute("nullable")) != "false":
            wrong.append(f"{file}:{block.line}: {block.labels[0]} needs nullable = false")

    hold(wrong)


@each_folder
def test_moves_lead_to_what_exists_from_what_does_not(folder: Path) -> None:
    """A `moved` block that points nowhere loses somebody's database."""
    declared = {".".join(block.labels) for _, block in of_kind(folder, "resource")}
    declared |= {f"module.{block.labels[0]}" for _, block in of_kind(folder, "module")}
    wrong = []
    for file, block in of_kind(folder, "moved"):
        ends = {}
        for name in ("from", "to"):
            item = block.attribute(name)
            ends[name] = "".join(word.text for word in item.value) if item else ""
        target = re.sub(r"\[.*", "", ends["to"])
        if target not in declared:
            wrong.append(f"{file}:{block.line}: there is no {target}")
        if ends["from"] in declared and "[" not in ends["to"]:
            wrong.append(f"{file}:{block.line}: {ends['from']} is still there")

    hold(wrong)


@each_folder
def test_no_region_and_no_account_is_built_in(folder: Path) -> None:
    """A module works wherever its user wants; lists of what AWS has are no choice."""
    wrong = []
    for file, block in blocks(folder):
        if block.kind in ("locals", "variable", "moved"):
            continue
        for item in passed(block):
            text = text_of(item)
            if item.name not in ("description", "error_message") and (
                REGION.search(text) or ACCOUNT.search(text)
            ):
                wrong.append(f"{file}:{item.line}: {text}")

    hold(wrong)


@each_module
def test_a_module_has_the_files_that_one_expects(folder: Path) -> None:
    """Whoever knows one module finds his way in all."""
    expected = {"README.md", "main.tf", "outputs.tf", "tests", "variables.tf", "versions.tf"}

    assert not expected - {path.name for path in folder.iterdir()}
