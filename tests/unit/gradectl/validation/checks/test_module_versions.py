"""The check of module versions reports file and line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.validation.checks.module_versions import CHECK

CALL = 'module "a" {\n  source = "./a"\n}\n\nmodule "b" {\n  source  = "example/b/aws"\n'


def test_modules_are_judged_where_they_are_called(
    make_context: Callable[..., Any], look: Any
) -> None:
    """An error, a warning and a broken file."""
    files = {
        "main.tf": CALL + "}\n",
        "modules/m/main.tf": CALL + '  version = "~> 1.0"\n}\n',
        "z.tf": "module {\n",
    }

    found = look(CHECK, make_context(files))

    assert [(item.location, item.severity) for item in found] == [
        ("main.tf:5", "error"),
        ("z.tf:1", "error"),
        ("modules/m/main.tf:7", "warning"),
    ]
    assert [item.blocks for item in found] == [False, True, False]
    assert found[0].rule == "unpinned"
