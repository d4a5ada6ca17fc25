"""Every setting of a module is set in a test; `test_module_runs` looks at the rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from terraform_coverage import Coverage

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/variables.tf"))
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


@each_module
def test_every_setting_is_set_by_a_run_that_looks_at_what_comes_of_it(module: Path) -> None:
    """A variable with a default, or an optional member, that no test sets could do nothing."""
    unset = Coverage.of(module, module / "tests").unset

    if unset:
        pytest.fail(f"{module.name}: no run sets {', '.join(unset)}", pytrace=False)
