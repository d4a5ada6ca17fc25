"""What the Terraform files promise to whoever uses them: refusals, secrets, null, moves, places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from terraform_files import blocks, conditions, of_kind, passed, text_of

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/variables.tf"))
FOLDERS = [*MODULES, ROOT / "environments"]
REGION = re.compile(r"\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov)?-[a-z]+-\d[a-f]?\b")
ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
#: What says of a value what is allowed.
ALLOWING = re.compile(r"\b(allows?|may|must|requires?|required)\b")
SECRET = re.compile(r"(^|_)(passwords?|secrets?|secret_values|tokens?)$")
COLLECTIONS = frozenset({"list", "map", "object", "set"})

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)


def hold(wrong: list[str]) -> None:
    """Fail with the places that break a rule."""
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


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
    """It names the variable, states what is allowed or required, and ends in a full stop."""
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


@each_module
def test_every_move_is_in_the_upgrade_notes(folder: Path) -> None:
    """Whoever sees a plan with moves finds there that they are meant."""
    notes = (ROOT / "docs" / "upgrading.md").read_text()
    wrong = []
    for file, block in of_kind(folder, "moved"):
        ends = ["".join(w.text for w in item.value) for item in block.attributes]
        if not all(f"`{end}`" in notes for end in ends):
            wrong.append(f"{file}:{block.line}: {' -> '.join(ends)} is not in docs/upgrading.md")

    hold(wrong)


@each_module
def test_no_module_names_a_partition(folder: Path) -> None:
    """A policy with `arn:aws:` allows nothing in GovCloud; ARNs of resources have the right one."""
    wrong = [
        f"{file}:{item.line}: {text_of(item)}"
        for file, block in blocks(folder)
        for item in passed(block)
        if item.name not in ("description", "error_message") and "arn:aws:" in text_of(item)
    ]

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
