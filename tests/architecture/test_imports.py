"""The layers of the code as a table: which room may import which, and where vendors are used."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("grader", "gradectl")
    for path in sorted((ROOT / package).rglob("*.py"))
}

#: Modules at the top of each package; everything else lives in a room.
TOP = {
    "grader": "errors handlers logs __main__ settings start text",
    "gradectl": "cli cloud context environment errors files job_table options target ui",
}

#: Room -> the rooms of its own package that it may import, and those of `grader` by full name.
#: A room is a package or a module; a row for a part of a package takes that part out of it.
#: The table itself has no cycle, so the rooms have none.
TABLE = {
    "grader": {
        "errors": "",
        "logs": "",
        "text": "",
        "contract": "errors",
        "settings": "contract errors logs",
        "ports": "contract",
        "languages": "contract errors",
        "problems": "contract errors text",
        "testing": "contract errors ports",
        "sandbox": "errors languages",
        "cache": "errors ports problems",
        "adapters": "contract errors ports",
        "migrations": "adapters errors",
        "handlers": "contract errors logs ports settings",
        "client": "adapters contract errors ports",
        "judge": "cache contract errors handlers languages ports problems sandbox settings text",
        "functions": "cache contract errors handlers judge languages logs ports sandbox",
        "webhooks": "contract errors logs ports",
        "worker": "adapters contract errors handlers logs migrations ports settings webhooks",
        "api": "adapters client contract errors languages logs ports problems settings text"
        " webhooks worker",
        "commands": "adapters contract errors judge logs migrations ports sandbox settings webhooks"
        " worker",
        "__main__": "commands errors handlers judge logs settings worker",
        "start": "worker",  # loads `__main__` by name
    },
    "gradectl": {
        "errors": "",
        "files": "",
        "options": "",
        "ui": "errors grader.text",
        "environment": "errors",
        "context": "environment errors options ui",
        "processes": "errors",
        "adapters.aws": "errors grader.adapters grader.ports",
        "adapters.images": "errors processes",
        "adapters.terraform": "errors processes",
        "adapters": "adapters.aws errors queues grader.adapters grader.contract grader.errors"
        " grader.ports",
        "local.loopback": "",
        "local.engines": "context errors local.loopback processes",
        "local.desired": "local.engines",
        "local.control_plane": "errors local.desired local.engines local.loopback",
        "local": "context errors local.control_plane local.desired local.engines local.loopback"
        " processes grader.errors grader.sandbox",
        "cloud": "adapters.aws context environment errors local",
        "target": "adapters adapters.aws cloud environment errors queues grader.adapters"
        " grader.contract grader.errors",
        "job_table": "adapters target grader.adapters",
        "planning": "context environment errors files ui",
        "rollouts": "adapters.aws environment errors monitoring ui grader.contract",
        "secrets": "adapters.aws environment errors monitoring planning rollouts ui"
        " grader.contract",
        "deploy": "adapters adapters.aws adapters.images adapters.terraform cloud"
        " environment errors monitoring planning processes rollouts secrets ui validation"
        " grader.errors",
        "setup": "adapters adapters.aws deploy environment errors planning",
        "monitoring": "adapters.aws cloud environment errors local queues target"
        " grader.contract grader.errors grader.ports grader.text",
        "problems": "errors grader.contract grader.errors grader.judge grader.languages"
        " grader.ports grader.problems grader.sandbox",
        "functions": "environment errors ui grader.client grader.contract grader.errors"
        " grader.functions grader.languages",
        "queues": "errors grader.contract grader.errors grader.ports",
        "submissions": "errors queues ui grader.client grader.contract grader.errors grader.ports",
        "rejudging": "errors files queues grader.client grader.contract grader.errors grader.ports",
        "smoke": "errors queues grader.client grader.contract grader.errors grader.ports"
        " grader.text",
        "transports": "adapters.aws cloud deploy environment errors monitoring queues rollouts"
        " target validation grader.contract grader.ports",
        "validation": "adapters.terraform environment errors files processes grader.text",
        "validation.checks": "deploy environment errors processes validation",
        "validation.catalogue": "validation validation.checks",
        "validation.session": "adapters.terraform errors processes validation validation.catalogue",
        "commands": "adapters.aws cloud context deploy environment errors functions local"
        " monitoring options job_table planning problems processes queues rejudging rollouts"
        " secrets setup smoke submissions target transports ui validation validation.catalogue"
        " validation.session grader.client grader.contract grader.errors grader.functions"
        " grader.languages grader.ports",
        "cli": "errors options processes grader.errors",  # loads the modules of `commands` by name
    },
}

#: Library -> the only files that may import it.
CONFINED = {
    "alembic": "grader/migrations/*",
    "boto3": "gradectl/adapters/aws/account.py grader/adapters/s3.py grader/adapters/sqs/client.py"
    " grader/adapters/ssm.py",
    "botocore": "gradectl/adapters/aws/* gradectl/local/control_plane/*"
    " grader/adapters/s3.py grader/adapters/s3_put.py grader/adapters/sqs/client.py"
    " grader/adapters/ssm.py",
    "click": "gradectl/cli.py gradectl/cloud.py gradectl/context.py gradectl/options.py"
    " gradectl/target.py gradectl/commands/* grader/__main__.py",
    "cryptography": "gradectl/local/engines/*",
    "fastapi": "grader/api/*",
    "jinja2": "gradectl/adapters/templates.py",
    "jwt": "grader/api/auth/tokens.py",
    "jmespath": "gradectl/queues/selection.py",
    "moto": "gradectl/local/control_plane/*",
    "pydantic_settings": "grader/settings.py grader/__main__.py",
    "pymysql": "grader/adapters/mysql/*",
    "pyseccomp": "grader/sandbox/policy.py",
    "prometheus_client": "grader/api/*",
    "python_terraform": "gradectl/adapters/terraform/*",
    "redis": "grader/adapters/redis.py",
    "rich": "gradectl/ui.py",
    "sqlalchemy": "grader/adapters/mysql/* grader/migrations/*",
    "starlette": "grader/api/*",
    "standardwebhooks": "grader/adapters/webhook.py",
    "stomp": "grader/adapters/activemq/*",
    "structlog": "grader/logs.py",
    "subprocess": "gradectl/adapters/terraform/* gradectl/local/* gradectl/processes/*"
    " grader/sandbox/*",
    "tenacity": "grader/worker/retry.py",
    "trustme": "gradectl/local/engines/*",
    "uvicorn": "grader/api/*",
    "urllib3": "grader/adapters/http_api.py grader/adapters/webhook.py",
    "werkzeug": "gradectl/local/control_plane/*",
    "yaml": "gradectl/environment.py gradectl/ui.py gradectl/validation/checks/*"
    " grader/problems/document.py",
}

#: Packages and modules that decide and do nothing else.
PURE = (
    "gradectl.adapters.aws.ecs_models",
    "gradectl.adapters.aws.models",
    "gradectl.adapters.aws.network_model",
    "gradectl.adapters.aws.state_models",
    "gradectl.adapters.images.architectures",
    "gradectl.deploy.deploy_report",
    "gradectl.deploy.steps",
    "gradectl.deploy.verify.account_rules",
    "gradectl.deploy.verify.endpoint_policies",
    "gradectl.deploy.verify.filters",
    "gradectl.deploy.verify.network_rules",
    "gradectl.deploy.verify.planned",
    "gradectl.deploy.verify.queue_rules",
    "gradectl.deploy.verify.reachability",
    "gradectl.deploy.verify.results",
    "gradectl.deploy.verify.root_values",
    "gradectl.deploy.verify.terraform_state",
    "gradectl.local.control_plane.sqs_errors",
    "gradectl.local.control_plane.sqs_limits",
    "gradectl.local.control_plane.sqs_messages",
    "gradectl.local.control_plane.sqs_move_tasks",
    "gradectl.monitoring.checks",
    "gradectl.monitoring.log_lines",
    "gradectl.monitoring.observations",
    "gradectl.monitoring.status",
    "gradectl.monitoring.stopped_tasks",
    "gradectl.planning.cost",
    "gradectl.planning.cost_report",
    "gradectl.planning.drift",
    "gradectl.planning.exposure",
    "gradectl.planning.keeping",
    "gradectl.planning.managed_parts",
    "gradectl.planning.masking",
    "gradectl.planning.meters",
    "gradectl.planning.plain_secrets",
    "gradectl.planning.plan",
    "gradectl.planning.plan_diff",
    "gradectl.planning.plan_report",
    "gradectl.planning.policy",
    "gradectl.planning.worker_image",
    "gradectl.problems.expectations",
    "gradectl.problems.layout",
    "gradectl.queues.claims",
    "gradectl.queues.hints",
    "gradectl.queues.listing",
    "gradectl.queues.message_view",
    "gradectl.queues.rates",
    "gradectl.queues.scan",
    "gradectl.queues.transfer",
    "gradectl.rejudging.comparison",
    "gradectl.rejudging.request",
    "gradectl.rollouts.revisions",
    "gradectl.rollouts.rollout_state",
    "gradectl.secrets.broker_user_plan",
    "gradectl.secrets.catalogue",
    "gradectl.setup.first_cost",
    "gradectl.setup.least_policy",
    "gradectl.setup.new_environment",
    "gradectl.smoke.junit",
    "gradectl.smoke.report",
    "gradectl.transports.draining",
    "gradectl.transports.state",
    "gradectl.transports.variable_lines",
    "gradectl.validation.broker_rules",
    "gradectl.validation.findings",
    "gradectl.validation.formats",
    "gradectl.validation.hcl",
    "gradectl.validation.mocked_plan",
    "gradectl.validation.module_versions",
    "gradectl.validation.policy_wildcards",
    "gradectl.validation.readme_examples",
    "gradectl.validation.unused",
    "grader.adapters.sqs.addresses",
    "grader.adapters.sqs.envelope",
    "grader.contract",
    "grader.functions.memory_tip",
    "grader.judge.execution_log",
    "grader.judge.limits",
    "grader.judge.optimization_tip",
    "grader.judge.verdict",
    "grader.problems",
    "grader.text",
    "grader.webhooks.guard",
    "grader.webhooks.schedule",
    "grader.webhooks.shares",
    "grader.worker.copies",
    "grader.worker.settlement",
)
#: What pure modules may import besides each other: error classes, constants and plain records.
VOCABULARY = (
    "gradectl.errors",
    "grader.errors",
    "grader.languages",
    "grader.ports",
    "grader.sandbox.runs",
)
#: Modules and classes that reach outside the process; pure modules may not import them.
IMPURE = (
    "os",
    "pathlib.Path",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
)


def rooms() -> dict[str, set[str]]:
    """The table with full names."""
    return {
        f"{package}.{room}": {
            name if name.startswith("grader.") else f"{package}.{name}" for name in row.split()
        }
        for package, rows in TABLE.items()
        for room, row in rows.items()
    }


ROOMS = rooms()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of the syntax tree of a file."""
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every name that a file imports with its line, at any depth: hidden imports count too."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def within(module: str, package: str) -> bool:
    """Whether a module is a package or in it."""
    return module == package or module.startswith(package + ".")


def room_of(module: str) -> str:
    """The longest row of the table that the module is in; empty for none."""
    return max((room for room in ROOMS if within(module, room)), key=len, default="")


def may_import(room: str, name: str) -> bool:
    """Whether the row of a room allows a module; `gradectl/__init__.py` itself has no room."""
    target = room_of(name) or name
    return target in {room, room.partition(".")[0], *ROOMS[room]}


def our_imports() -> Iterator[tuple[str, str, str]]:
    """Importing module, imported module and `file:line`, for the modules of this repository."""
    for module, path in SOURCES.items():
        for name, line in imports(path):
            if name in SOURCES and name != module:
                yield module, name, f"{path.relative_to(ROOT)}:{line}"


def cycle(graph: Mapping[str, set[str]]) -> str:
    """A cycle of the graph as `a -> b -> a`; empty for none."""
    done: set[str] = set()

    def walk(node: str, trail: tuple[str, ...]) -> str:
        if node in trail:
            return " -> ".join((*trail[trail.index(node) :], node))
        if node in done:
            return ""
        done.add(node)
        return next(filter(None, (walk(to, (*trail, node)) for to in sorted(graph[node]))), "")

    return next(filter(None, (walk(node, ()) for node in sorted(graph))), "")


def report(lines: Iterator[str]) -> str:
    """The distinct lines, one below the other, for a failing test."""
    return "\n".join(sorted(set(lines)))


@pytest.mark.parametrize("package", TOP)
def test_the_top_of_a_package_holds_only_the_listed_modules(package: str) -> None:
    """A new module belongs into a room; the entry points and shared basics are at the top."""
    found = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}

    assert found == set(TOP[package].split()), f"move the others into a room of {package}/"


def test_every_module_is_in_a_room_and_every_room_exists() -> None:
    """A new package needs a row in TABLE, and a deleted one loses its row."""
    homeless = {module for module in SOURCES if not room_of(module)} - set(TABLE)
    empty = set(ROOMS) - {room_of(module) for module in SOURCES}
    unknown = {name for row in ROOMS.values() for name in row} - set(ROOMS)

    assert not homeless, "add a row to TABLE"
    assert not empty, "remove the row from TABLE"
    assert not unknown, "no such row in TABLE"


def test_a_room_imports_only_what_its_row_allows() -> None:
    """Data flows one way: contract, ports, adapters and judge, worker and deploy, commands."""
    strays = report(
        f"{where} imports {name}; {room} may import {', '.join(sorted(ROOMS[room])) or 'nothing'}"
        for module, name, where in our_imports()
        if (room := room_of(module)) and not may_import(room, name)
    )

    assert not strays, strays


def test_the_table_of_rooms_has_no_cycle() -> None:
    """Together with the test of the rows: no cycle between rooms, hidden or not."""
    assert not cycle(ROOMS)


def test_no_module_is_part_of_an_import_cycle() -> None:
    """Imports in functions and below TYPE_CHECKING count as well."""
    graph: dict[str, set[str]] = {module: set() for module in SOURCES}
    for module, name, _ in our_imports():
        graph[module].add(name)

    assert not cycle(graph)


def test_a_cycle_is_shown_with_its_path() -> None:
    """So that the arrow to turn around is seen at once."""
    assert cycle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == "b -> d -> b"
    assert not cycle({"a": {"b"}, "b": set()})


def test_product_code_imports_no_test_support() -> None:
    """In-memory fakes and test fixtures are for tests, benchmarks and plug-in authors."""
    strays = report(
        f"{where} imports {name}; make it product code, or inject it"
        for module, name, where in our_imports()
        if "testing" in name.split(".") and "testing" not in module.split(".")
    )

    assert not strays, strays


def test_a_vendor_library_is_imported_only_where_the_table_allows() -> None:
    """A vendor's types and errors stay behind few files, so that replacing it touches these."""
    strays = report(
        f"{file}:{line} imports {library}; allowed in {allowed}"
        for path in SOURCES.values()
        for name, line in imports(path)
        for library, allowed in CONFINED.items()
        if within(name, library)
        and not any(
            fnmatch(file := str(path.relative_to(ROOT)), pattern) for pattern in allowed.split()
        )
    )

    assert not strays, strays


def test_the_worker_does_not_know_its_transport() -> None:
    """One module of it opens the queues; all others use the ports, so a third needs one folder."""
    vendors = ("grader.adapters.activemq", "grader.adapters.sqs")
    strays = report(
        f"{where} imports {name}; only grader/worker/transports.py may"
        for module, name, where in our_imports()
        if within(module, "grader.worker")
        and module != "grader.worker.transports"
        and any(within(name, vendor) for vendor in vendors)
    )

    assert not strays, strays


def test_pure_modules_reach_nothing_outside_the_process() -> None:
    """Decisions are tested without a clock, a file or a network."""
    strays = report(
        f"{path.relative_to(ROOT)}:{line} imports {name}; {module} is pure, pass the value in"
        for module, path in SOURCES.items()
        if any(within(module, pure) for pure in PURE)
        for name, line in imports(path)
        if any(within(name, outside) for outside in IMPURE)
        or (name in SOURCES and not any(within(name, calm) for calm in (*PURE, *VOCABULARY)))
    )

    assert not strays, strays


def test_the_environment_is_read_in_few_places() -> None:
    """Settings come in through `grader.settings` and `gradectl.context`; the probe is without."""
    strays = report(
        f"{path.relative_to(ROOT)}:{node.lineno} reads the environment; take an argument"
        for module, path in SOURCES.items()
        if module not in {"grader.settings", "grader.start", "gradectl.context"}
        for node in nodes(path)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {alias.name for alias in node.names} & {"environ", "environb", "getenv"}
        )
    )

    assert not strays, strays


def test_imports_are_absolute() -> None:
    """The tests above read full names."""
    strays = report(
        f"{path.relative_to(ROOT)}:{node.lineno} has a relative import; write the full name"
        for path in SOURCES.values()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.level
    )

    assert not strays, strays


def test_imports_stand_at_the_top_of_a_file() -> None:
    """Only the table of commands loads modules by name."""
    strays = report(
        f"{path.relative_to(ROOT)}:{inner.lineno} imports below the top of the file"
        for path in SOURCES.values()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If | ast.Try)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    )

    assert not strays, strays
