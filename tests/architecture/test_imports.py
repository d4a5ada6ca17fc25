"""Data flows one way: which folder may import what is a table, and the table is a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("grader", "gradectl")
    for path in sorted((ROOT / package).rglob("*.py"))
}

#: Library -> the only files that may import it.
CONFINED = {
    "boto3": [
        "gradectl/adapters/aws/account.py",
        "*/adapters/s3.py",
        "*/adapters/ssm.py",
        "*/cloudwatch.py",
    ],
    "subprocess": [
        "gradectl/adapters/terraform/*",
        "gradectl/adapters/images.py",
        "gradectl/processes/*",
        "grader/sandbox/*",
        "gradectl/local/*",
    ],
    "rich": ["gradectl/ui.py", "gradectl/ui/*"],
    "stomp": ["grader/adapters/activemq/*"],
    "sqlalchemy": ["grader/adapters/mysql.py", "grader/adapters/mysql/*", "grader/migrations/*"],
    "pymysql": ["grader/adapters/mysql.py", "grader/adapters/mysql/*"],
    "jinja2": ["gradectl/adapters/templates.py", "gradectl/local/*"],
    "python_terraform": ["gradectl/adapters/terraform/*"],
    "moto": ["gradectl/local/*"],
}

#: Folder -> what of our own code it may not import.
ONE_WAY = {
    "grader": ["gradectl"],
    "grader.contract": [
        "grader.core",
        "grader.adapters",
        "grader.ports.messages",
        "grader.sandbox",
    ],
    "grader.core": [
        "grader.adapters",
        "grader.sandbox",
        "grader.worker.consumer",
        "grader.judge.grader",
    ],
    "grader.languages": [
        "grader.adapters",
        "grader.sandbox",
        "grader.worker.consumer",
        "grader.judge.grader",
    ],
    "grader.adapters": [
        "grader.worker.consumer",
        "grader.judge.grader",
        "grader.worker.worker",
        "grader.core",
    ],
    "gradectl.core": [
        "gradectl.adapters",
        "gradectl.commands",
        "gradectl.local",
        "gradectl.ui",
        "gradectl.validation",
    ],
    "gradectl.adapters": ["gradectl.commands", "gradectl.ui", "gradectl.validation"],
    "gradectl.validation": ["gradectl.commands", "gradectl.ui"],
    "gradectl.local": ["gradectl.commands"],
}

#: Packages and modules that decide and do nothing else.
PURE = (
    "gradectl.deploy.broker_user_plan",
    "gradectl.deploy.masking",
    "gradectl.deploy.plan",
    "gradectl.deploy.plan_report",
    "gradectl.problems.expectations",
    "gradectl.problems.layout",
    "gradectl.queues.hints",
    "gradectl.queues.message_view",
    "gradectl.queues.scan",
    "gradectl.smoke.report",
    "gradectl.validation.broker_rules",
    "gradectl.validation.findings",
    "gradectl.validation.formats",
    "gradectl.validation.hcl",
    "gradectl.validation.policy_wildcards",
    "gradectl.validation.readme_examples",
    "grader.contract",
    "grader.judge.execution_log",
    "grader.judge.limits",
    "grader.judge.optimization_tip",
    "grader.judge.verdict",
    "grader.problems",
    "grader.text",
    "grader.worker.settlement",
)

#: Modules that talk to the outside; pure modules may not import them.
IMPURE = {"os", "socket", "subprocess", "threading", "time", "random", "secrets", "tempfile"}


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every module a file imports, at any depth: hidden imports count too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("library", CONFINED)
def test_a_vendor_library_is_imported_only_where_the_table_allows(library: str) -> None:
    """A vendor's types and errors stay behind one file, so that replacing it touches one file."""
    strays = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES.values()
        for name, _ in imports(path)
        if within(name, library)
        and not any(fnmatch(str(path.relative_to(ROOT)), allowed) for allowed in CONFINED[library])
    ]

    assert not strays


@pytest.mark.parametrize("package", ONE_WAY)
def test_no_arrow_points_back(package: str) -> None:
    """Each folder knows only those before it in the flow of data."""
    strays = [
        f"{module} imports {name}"
        for module, path in SOURCES.items()
        if within(module, package)
        for name, _ in imports(path)
        if any(within(name, forbidden) for forbidden in ONE_WAY[package])
    ]

    assert not strays


def test_pure_folders_import_nothing_that_talks_to_the_outside() -> None:
    """Decisions can be tested without a clock, a file or a network."""
    strays = [
        f"{module} imports {name}"
        for module, path in SOURCES.items()
        if any(within(module, pure) for pure in PURE)
        for name, _ in imports(path)
        if name.partition(".")[0] in IMPURE
    ]

    assert not strays


def reads_environment(node: ast.ImportFrom) -> bool:
    return any(alias.name in {"environ", "environb", "getenv"} for alias in node.names)


def test_the_environment_is_read_in_two_places_only() -> None:
    """Settings come in through `grader.settings` and `gradectl.context`, not from anywhere."""
    allowed = {"grader.settings", "gradectl.context"}
    strays = [
        module
        for module, path in SOURCES.items()
        if module not in allowed
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and reads_environment(node))
    ]

    assert not strays


def test_there_is_no_import_cycle_hidden_or_not() -> None:
    """Function-local and TYPE_CHECKING imports count: a cycle in the reader's head is a cycle."""
    graph = {
        module: {name for name, _ in imports(path) if name in SOURCES and name != module}
        for module, path in SOURCES.items()
    }
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for imported in sorted(graph[module]):
                walk(imported, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())


def test_imports_stand_at_the_top_of_a_file() -> None:
    """What a file needs is seen at once; only the table of commands loads by name."""
    strays = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in SOURCES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.If)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert not strays
