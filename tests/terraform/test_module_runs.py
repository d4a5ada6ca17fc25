"""The tests of each module pass, and each single rule is the one that refuses in some run."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from module_runs import FOLDER, ModuleRuns

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/variables.tf"))
#: The module whose tests run as they are written; the others do in `gradectl validate` too.
AS_WRITTEN = "parameters"

pytestmark = pytest.mark.engine
Maker = Callable[..., Any]
Told = Callable[[Path], tuple[ModuleRuns, str]]
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


@pytest.fixture(scope="module")
def told(mocked_folder: Maker) -> Told:
    """Run all tests of a module once, in one process; return what Terraform told of each run."""

    @cache
    def run(module: Path) -> tuple[ModuleRuns, str]:
        runs = ModuleRuns.of(module)
        folder = mocked_folder(f"modules/{module.name}", runs.files)
        return runs, folder.attempt("test", "-json", f"-test-directory={FOLDER}").stdout

    return run


@each_module
def test_all_runs_of_a_module_end_as_they_expect(told: Told, module: Path) -> None:
    """Defaults and toggles pass; a refusal comes from the rules that its run expects, no other."""
    runs, stream = told(module)

    if mistakes := list(runs.mistakes(stream)):
        pytest.fail("\n".join(mistakes), pytrace=False)


@each_module
def test_each_rule_is_the_one_that_refuses_in_some_run(told: Told, module: Path) -> None:
    """Two runs may both be refused by the first rule of a variable, and the second be wrong."""
    runs, stream = told(module)

    if silent := runs.silent_rules(stream):
        names = "\n".join(f"modules/{module.name}/{place}" for place in silent)
        pytest.fail(f"nothing is refused by the rules at\n{names}", pytrace=False)


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(
            module.name, marks=[pytest.mark.exhaustive] if module.name != AS_WRITTEN else []
        )
        for module in MODULES
    ],
)
def test_a_module_passes_its_own_tests(mocked_folder: Maker, module: str) -> None:
    """As they are written, with a mocked provider and no network."""
    folder = mocked_folder(f"modules/{module}")

    done = folder.attempt("test", "-no-color")

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Success! [1-9][0-9]* passed, 0 failed", done.stdout), done.stdout
