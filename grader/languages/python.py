"""Python 3 of the image."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from grader.languages.model import Language


def _packed(path: Path) -> str:
    """Strip types, comments and docstrings: an argument of the launcher has at most 4 kB."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not _only_types(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return re.sub("^ +", lambda indent: indent[0][::4], ast.unparse(tree), flags=re.MULTILINE)


def _only_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module in {"types", "typing"}


#: Passed as text, because the sandbox cannot import our modules.
_SERVER = _packed(Path(__file__).with_name("python_server.py"))

#: Checks the syntax once, so that an error is one compile error and not one per case.
_CHECK = """\
import sys
sys.tracebacklimit = 0
with open('../compile/solution.py', 'rb') as file:
    source = file.read()
compile(source, 'solution.py', 'exec')
with open('solution.py', 'wb') as file:
    file.write(source)
"""

PYTHON = Language(
    name="python",
    title="Python 3",
    aliases=("python3", "py"),
    extension="py",
    version_argv=("python3", "--version"),
    compile_argv=("python3", "-I", "-S", "-B", "-c", _CHECK),
    compile_seconds=10,
    compile_memory_mb=256,
    program_file="solution.py",
    # Isolated: no import from the working directory, no bytecode files.
    run_argv=("python3", "-I", "-B", "../run/solution.py"),
    server_argv=("python3", "-I", "-B", "-c", _SERVER, "../run/solution.py"),
    policy="interpreted",
    processes=16,
    bound_address_space=True,
    least_memory_mb=16,
    out_of_memory=(b"MemoryError",),
    self_test="print(sum(map(int, input().split())))\n",
)
