"""Python scripts of ours that run inside the sandbox, which cannot import our modules."""

from __future__ import annotations

import ast
import re
from pathlib import Path


def packed(name: str) -> str:
    """
    Read a script of this package for `python3 -c`.

    Types, comments and docstrings are removed: an argument of the launcher has at most 4 kB.

    Args:
        name: Name of the file.
    """
    tree = ast.parse(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not _only_types(node)]
    documented = ast.Module | ast.FunctionDef | ast.ClassDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node):
            del node.body[0]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return re.sub("^ +", lambda indent: indent[0][::4], ast.unparse(tree), flags=re.MULTILINE)


def _only_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in {"__future__", "types", "typing"}
