"""Plans each root with mocked providers, so that the rules of its modules are checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os.path import relpath
from pathlib import Path

from gradectl.environment import read_mapping
from gradectl.validation.checks.configuration import terraform_inputs
from gradectl.validation.findings import Finding
from gradectl.validation.invented import Called, Invented, placed
from gradectl.validation.mocked_plan import OWN, invented, mock_values, plan_test
from gradectl.validation.model import Check, CheckContext, CheckJob
from gradectl.validation.project import Folder
from gradectl.validation.terraform_workspace import NotReadyError
from gradectl.validation.value_files import automatic, given, named

_TEST = f"{OWN}/plan.tftest.hcl"
_DATA = Path(__file__).parents[1] / "mock_data.yaml"
#: A provider of these has its type as name in a root that does not name it.
_OFFICIAL = "hashicorp/"
#: Part of Terraform; it is always mocked.
_BUILT_IN = "terraform.io/builtin/"
_HOSTS = ("registry.terraform.io/", "registry.opentofu.org/")
_UNJUDGED = "not judged: {count} about values that are invented here, of {sources}{hint}"
_UNMOCKED = (
    "not planned: modules use {providers}, which only a root that declares it can mock;"
    " next: add it to required_providers of the root"
)


@dataclass(frozen=True)
class _Plan:
    """One plan: a root with its automatic values, and perhaps one more file."""

    folder: Folder
    values: tuple[Path, ...]

    @property
    def missing(self) -> dict[str, object]:
        """Invented values of the variables for which no file has one."""
        known = given([*automatic(self.folder.path), *self.values])
        return {
            block.labels[0]: invented(kind.value if kind else ())
            for _, block in self.folder.blocks
            if block.kind == "variable" and block.labels and not block.attribute("default")
            for kind in [block.attribute("type")]
            if block.labels[0] not in known
        }


def _jobs(context: CheckContext) -> list[CheckJob]:
    """One job for each root and example, and for each file with values."""
    plans = [
        _Plan(folder, values)
        for folder in context.project.of_kind("root", "example")
        for values in _choices(folder)
    ]
    return [
        CheckJob(
            context.shown(plan.values[0] if plan.values else plan.folder.path),
            [*terraform_inputs(context, plan.folder), *plan.values],
            partial(_check, context, plan),
        )
        for plan in plans
    ]


def _choices(folder: Folder) -> Sequence[tuple[Path, ...]]:
    """The files with values of each plan; a root without named files has one plan without."""
    return [(path,) for path in named(folder.path)] or [()]


def _check(context: CheckContext, plan: _Plan) -> Iterator[Finding]:
    """Plan a root, and report what its modules and its own rules refuse, with which values."""
    try:
        calls = _calls(context, plan.folder)
    except NotReadyError as error:
        yield from context.not_ready(error)
        return
    mocks = _mocks(plan.folder, calls)
    if mocks.impossible:
        text = _UNMOCKED.format(providers=", ".join(mocks.impossible))
        yield context.finding(plan.folder.files[0], 1, text, severity="note")
        return
    for finding in _planned(context, plan, calls, mocks):
        # A baseline compares messages: what one environment refuses must not hide another's.
        names = [relpath(path, context.project.path) for path in plan.values]
        text = "".join(f"with {name}: " for name in names)
        yield replace(finding, message=f"{text}{finding.message}")


def _planned(
    context: CheckContext, plan: _Plan, calls: Sequence[Called], mocks: _Mocks
) -> Iterator[Finding]:
    """Plan a copy of a root."""
    copy = context.workspace.copied(plan.folder, {_TEST: _test(plan, calls, mocks)})
    found = context.workspace.terraform.test(copy, [_TEST], plan.values).diagnostics
    values = Invented({called.key: called for called in calls}, frozenset(plan.missing))
    errors = [placed(item) for item in found if item.severity == "error"]
    real = [item for item in errors if not values.explain(item, plan.folder.path)]
    yield from context.findings(real, plan.folder.path)
    if ignored := len(errors) - len(real):
        yield context.finding(plan.folder.files[0], 1, _unjudged(plan, ignored), severity="note")


def _unjudged(plan: _Plan, count: int) -> str:
    """Say what the plan could not judge, and what it needs for that."""
    names = ", ".join(sorted(plan.missing))
    return _UNJUDGED.format(
        count="1 error" if count == 1 else f"{count} errors",
        sources=f"variables ({names}) or data sources" if names else "data sources",
        hint="; give the variables values in a .tfvars file" if names else "",
    )


def _calls(context: CheckContext, folder: Folder) -> list[Called]:
    """The root and its modules."""
    paths = {"": folder.path, **context.workspace.called(folder)}
    return [Called(key, path, Folder(path, "module").blocks) for key, path in paths.items()]


@dataclass(frozen=True)
class _Mocks:
    """The providers of a root and its modules: local names to mock, sources that have none."""

    names: frozenset[str]
    impossible: tuple[str, ...]


def _mocks(folder: Folder, calls: Sequence[Called]) -> _Mocks:
    """Name the providers of a configuration; without a name, one would run for real."""
    own = {_address(item.source): item.local_name for item in folder.requirements}
    of_modules = {
        _address(item.source)
        for called in calls[1:]
        for item in Folder(called.path, "module").requirements
    }
    others = {source for source in of_modules - own.keys() if not source.startswith(_BUILT_IN)}
    names = {source: source.removeprefix(_OFFICIAL) for source in others}
    impossible = {source for source, name in names.items() if "/" in name or name in own.values()}
    named = {*own.values(), *(names[source] for source in others - impossible)}
    return _Mocks(frozenset(named), tuple(sorted(impossible)))


def _address(source: str) -> str:
    """A provider's source without the host of the public registry, in lower case."""
    plain = source.lower()
    return next((plain.removeprefix(host) for host in _HOSTS if plain.startswith(host)), plain)


def _test(plan: _Plan, calls: Sequence[Called], mocks: _Mocks) -> str:
    """Write the test file of a plan."""
    files = [*plan.values, *automatic(plan.folder.path), *plan.folder.files]
    texts = [path.read_text("utf-8", errors="replace") for path in files if path.is_file()]
    kinds = {
        block.labels[0]
        for called in calls
        for _, block in called.blocks
        if block.kind == "data" and block.labels
    }
    table = mock_values(read_mapping(_DATA, _DATA.name), texts)
    data = {kind: values for kind, values in table.items() if kind in kinds}
    blocks = [block for _, block in plan.folder.blocks]
    return plan_test(mocks.names, blocks, data, plan.missing)


CHECK = Check(
    name="plan",
    purpose="Each root and example can be planned, with mocked providers",
    jobs=_jobs,
    absent="no root module",
    require=lambda context: context.workspace.require(),
)
