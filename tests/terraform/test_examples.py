"""Every example of the documentation is planned, and plans what its last lines say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from example_claims import Planned, claims, complaints
from example_folders import Example, examples, first_calls, root
from month_tables import BEGIN, comments, has_bill, stated
from month_tables import planned as billed

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent.name for path in (ROOT / "modules").glob("*/variables.tf"))
PAGES = [
    *(ROOT / "modules" / name / "README.md" for name in MODULES),
    ROOT / "environments" / "README.md",
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PROVIDER = """
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""
FOLDER = "plans"
Serve = Callable[[Any], AbstractContextManager[Any]]
LEAST_EXAMPLES = 2


def of_page(path: Path) -> list[Example]:
    """The examples of a page."""
    text = path.read_text() if path.is_file() else ""
    return examples(str(path.relative_to(ROOT)), text)


def of_folder(folder: Path) -> Example:
    """A root below examples/ as one example; comments of its main.tf say what it plans."""
    files = sorted(folder.glob("*.tf"), key=lambda path: (path.name != "main.tf", path.name))
    text = "\n".join(path.read_text() for path in files)
    return Example(str(files[0].relative_to(ROOT)), 1, text)


ROOTS = sorted({path.parent for path in (ROOT / "examples").glob("*/*.tf")})
EXAMPLES = [
    *(example for page in PAGES for example in of_page(page)),
    *(of_folder(folder) for folder in ROOTS),
]
#: What an example may refer to without calling it.
LIBRARY = first_calls(example for example in EXAMPLES if example.page.startswith("modules/"))
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@dataclass(frozen=True)
class Outcome:
    """What became of all examples: errors by the key of an example, resources likewise."""

    errors: Mapping[str, Sequence[str]]
    planned: Mapping[str, Sequence[Planned]]


@pytest.fixture(scope="session")
def outcome(
    terraform_folder: Callable[..., Any],
    serve: Serve,
    moto_server: str,
    request: pytest.FixtureRequest,
) -> Outcome:
    """
    Plan the examples that tests of this run ask for, in one go and in an empty account.

    Where Terraform makes no plan, that is done again without the examples that it objects to.
    """
    asked = {item.callspec.id for item in request.session.items if hasattr(item, "callspec")}
    chosen = [example for example in EXAMPLES if example.name in asked]
    errors = {example.key: [example.mistake] for example in chosen if example.mistake}
    left = [example for example in chosen if not example.mistake]
    while True:
        folder = terraform_folder(FOLDER, {"provider.tf": PROVIDER, **root(left, LIBRARY)})
        found, plan = planned(folder.within(AWS_ENDPOINT_URL=moto_server), serve)
        for key, said in located(found, left):
            errors.setdefault(key, []).append(said)
        healthy = [example for example in left if example.key not in errors]
        if plan or len(healthy) in (0, len(left)):
            return Outcome(errors, resources(plan))
        left = healthy


def planned(folder: Any, serve: Serve) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Plan a folder: the errors, and as much of a plan as there is."""
    file = folder.directory / "examples.plan"
    if found := errors_of(folder, "init"):
        return found, {}
    with serve(folder) as served:
        found = errors_of(served, "plan", f"-out={file}")
        if not file.exists():
            return found, {}
        return found, json.loads(served.run("show", "-json", str(file)))


def errors_of(folder: Any, *words: str) -> list[dict[str, Any]]:
    """Run a command; return its errors."""
    done = folder.attempt(*words, "-json")
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    said = [event["diagnostic"] for event in events if event["type"] == "diagnostic"]
    found = [item for item in said if item["severity"] == "error"]
    assert found or done.returncode == 0, done.stdout + done.stderr
    return found


def located(
    found: Sequence[Mapping[str, Any]], wanted: Sequence[Example]
) -> Iterator[tuple[str, str]]:
    """Say for each error which example it is about, and on which line of its page."""
    for item in found:
        place = item.get("range") or {}
        name = place.get("filename", "")
        what = f"{item['summary']}: {item.get('detail', '')}".strip()
        about = [example for example in wanted if is_about(item, name, example)]
        for example in about:
            here = name == f"{example.key}/example.tf"
            line = example.line_in_page(place["start"]["line"]) if here else example.line
            yield example.key, f"{example.page}:{line}: {what}" + ("" if here else f" ({name})")
        if not about:
            yield "", f"{name}:{place.get('start', {}).get('line', 0)}: {what}"


def is_about(item: Mapping[str, Any], name: str, example: Example) -> bool:
    """Tell by its file or its address whether an error is about an example."""
    files = (f"{example.key}/", f"{example.key}.tf")
    return name.startswith(files) or f"module.{example.key}." in item.get("address", "")


def resources(plan: Mapping[str, Any]) -> dict[str, list[Planned]]:
    """Give the resources that each example would make, by its key."""
    found: dict[str, list[Planned]] = {}
    for item in plan.get("resource_changes", []):
        match = re.match(r"module\.(\w+)\.(.*)", item["address"])
        if match and item["mode"] == "managed":
            change = item["change"]
            made = Planned(match.group(2), change["after"], change["after_unknown"])
            found.setdefault(match.group(1), []).append(made)
    return found


@pytest.mark.engine
@each_example
def test_an_example_plans_what_it_says(example: Example, outcome: Outcome) -> None:
    """Somebody who copies it gets that, at the first try."""
    found = outcome.planned.get(example.key, [])
    wrong = [*outcome.errors.get("", ()), *outcome.errors.get(example.key, ())] or [
        f"{example.page}:{claim.line}: # plans: {claim.text}\n  {what}"
        for claim in claims(example.text, example.line)
        for what in complaints(claim, found)
    ]
    if not wrong and has_bill(example.text) and stated(example.text) != (bill := billed(found)):
        wrong = [f"{example.name}: the plan bills\n{comments(bill)}"]

    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@each_example
def test_an_example_says_what_it_plans(example: Example) -> None:
    """An example that says nothing could lose its point without anybody noticing."""
    if not claims(example.text):
        text = f"{example.name}: it ends in no comment such as # plans: resources=12"
        pytest.fail(text, pytrace=False)


@pytest.mark.parametrize("module", MODULES)
def test_the_first_example_of_a_module_says_what_a_month_costs(module: str) -> None:
    """The table of its README follows from that; `make docs` writes it."""
    page = ROOT / "modules" / module / "README.md"
    example = of_page(page)[0]

    assert has_bill(example.text), f"{example.name}: it has no comment such as # bills: nothing"
    assert BEGIN in page.read_text(), f"{page}: it has no line {BEGIN}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_small_example_and_one_for_a_choice(module: str) -> None:
    """The first shows how little is needed, and calls the module by its own name."""
    found = of_page(ROOT / "modules" / module / "README.md")

    assert len(found) >= LEAST_EXAMPLES
    sources = [block.attribute("source") for block in found[0].blocks if block.kind == "module"]
    assert [
        source.literal
        for source in sources
        if source and f"modules/{module}?" in source.value[0].text
    ]
