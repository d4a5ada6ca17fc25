"""Each single rule of a module is the one that refuses something in some run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from terraform_files import blocks, conditions

from gradectl.validation.hcl import Block, parse

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/variables.tf"))
#: How Terraform names the rule of a variable.
RULE = re.compile(r"validation rule at ([\w.-]+):(\d+)")
#: What it says of other conditions; the place it names is inside the rule.
FAILED = re.compile(r"(condition|assertion) failed$")

Place = tuple[str, int]

pytestmark = pytest.mark.engine


def rules(module: Path) -> list[Place]:
    """File and line of each rule."""
    return [(file, rule.line) for file, block in blocks(module) for rule in conditions(block)]


def refusals(text: str) -> Iterator[str]:
    """Give each run that expects a refusal as a file of its own, in which it expects none."""
    lines = text.splitlines()
    found = parse(text)
    ends = [*(block.line - 1 for block in found[1:]), len(lines)]
    parts = list(zip(found, ends, strict=True))
    common = [
        line for block, end in parts if block.kind != "run" for line in lines[block.line - 1 : end]
    ]
    for block, end in parts:
        if block.kind == "run" and (gone := expectation(block)):
            kept = [n for n in range(block.line, end + 1) if n not in gone]
            yield "\n".join([*common, *(lines[n - 1] for n in kept)])


def expectation(run: Block) -> range:
    """The lines on which a run says what it expects to fail."""
    item = run.attribute("expect_failures")
    return range(item.line, item.value[-1].line + 1) if item else range(0)


def refusing(stream: str, known: list[Place]) -> set[Place]:
    """Read which rules refused something."""
    found: set[Place] = set()
    for line in stream.splitlines():
        said: Mapping[str, Any] = json.loads(line).get("diagnostic") or {}
        if named := RULE.search(said.get("detail", "")):
            found.add((named.group(1), int(named.group(2))))
        elif "range" in said and FAILED.search(said["summary"]):
            place, line_number = said["range"], said["range"]["start"]["line"]
            above = [
                rule for rule in known if rule[0] == place["filename"] and rule[1] <= line_number
            ]
            found |= {max(above)} if above else set()
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_each_rule_is_the_one_that_refuses_in_some_run(
    mocked_folder: Callable[..., Any], module: Path
) -> None:
    """Two runs may both be refused by the first rule of a variable, and the second be wrong."""
    texts = [path.read_text() for path in sorted((module / "tests").glob("*.tftest.hcl"))]
    alone = [one for text in texts for one in refusals(text)]
    files = {f"refusals/{number}.tftest.hcl": text for number, text in enumerate(alone)}
    folder = mocked_folder(f"modules/{module.name}", files)

    stream = folder.attempt("test", "-json", "-test-directory=refusals").stdout

    known = rules(module)
    silent = sorted(set(known) - refusing(stream, known))
    if silent:
        names = "\n".join(f"modules/{module.name}/{file}:{line}" for file, line in silent)
        pytest.fail(f"nothing is refused by the rules at\n{names}", pytrace=False)
