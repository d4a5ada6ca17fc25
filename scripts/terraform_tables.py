"""Formats the Terraform reference as Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from terraform_modules import Output, Sources, Variable

BEGIN = "<!-- BEGIN reference -->\n"
END = "<!-- END reference -->\n"

#: Characters to escape: emphasis and tags. An underscore inside a word is neither.
_MARKUP = re.compile(r"[<*]|(?<!\w)_|_(?!\w)")

#: Groups of the root's variables in their order, by names or prefixes of names.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Basics": (
        "environment_name",
        "mq_engine_type",
        "mq_instance_type",
        "mq_admin_username",
        "mq_admin_password",
        "grading_container_image",
        "use_fargate",
        "ecs_desired_count",
        "enable_ecs_autoscaling",
        "ecs_min_capacity",
        "ecs_max_capacity",
    ),
    "Performance": ("ecs_task_cpu", "ecs_task_memory", "ecs_cpu_target_value"),
    "Cost": ("mq_deployment_mode", "enable_s3_lifecycle", "s3_lifecycle_expiration_days"),
    "Security": (
        "enable_ssh_access",
        "enable_ecs_alb_access",
        "mq_enable_audit_logs",
        "enable_s3_versioning",
    ),
    "Others: the broker": ("mq_*",),
    "Others: SQS": ("drain_other_transport", "sqs_*", "use_sqs_queue"),
    "Others: the workers": ("ecs_*", "enable_ecs_*", "grading_*", "enable_service_*"),
    "Others: the bucket": ("s3_*", "enable_s3_*"),
    "Others: the database": ("db_*", "enable_db_*"),
    "Others: the web tier": ("web_*", "enable_web_*", "ssh_*"),
    "Others: the network": ("vpc_*", "enable_vpc_*", "availability_*", "nat_*"),
    "Others: the alarms": ("alarm_*",),
    "Others": ("*",),
}


def module_reference(sources: Sources) -> str:
    """Return the reference of a module."""
    parts = [_needs(sources), "### Variables", _variables(sources.variables)]
    return "\n\n".join([*parts, "### Outputs", _outputs(sources.outputs)])


def root_reference(sources: Sources) -> str:
    """Return the reference of the root, with its variables in groups."""
    parts = ["### Requirements", _needs(sources), "### Modules", _modules(sources), "### Variables"]
    for title, variables in grouped(sources.variables).items():
        parts += [f"#### {title}", _variables(variables)]
    return "\n\n".join([*parts, "### Outputs", _outputs(sources.outputs)])


def grouped(variables: Iterable[Variable]) -> dict[str, list[Variable]]:
    """Assign each variable to the first group that matches it, in the group's order."""
    left = {variable.name: variable for variable in variables}
    found: dict[str, list[Variable]] = {}
    for title, names in GROUPS.items():
        taken = [name for pattern in names for name in left if _matches(pattern, name)]
        if taken:
            found[title] = [left.pop(name) for name in dict.fromkeys(taken)]
    return found


def _matches(pattern: str, name: str) -> bool:
    """Whether a name or prefix matches a variable."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def code(text: str) -> str:
    """Format code for a cell of a table, in which `|` must be escaped."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def prose(text: str) -> str:
    """Format a sentence for a cell: keep code in backticks, escape other markup."""
    parts = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    return "".join(
        part if part.startswith("`") else _MARKUP.sub(r"\\\g<0>", part) for part in parts
    )


def page(text: str, reference: str) -> str:
    """Replace the reference of a page, or append it."""
    before, mark, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    before = before if mark else f"{before.rstrip()}\n\n## Reference\n\n"
    return f"{before}{BEGIN}\n{reference.strip()}\n\n{END}{after}"


def _needs(sources: Sources) -> str:
    """List the required versions of Terraform and providers."""
    providers = (f"provider `{name}` {code(v)}" for name, v in sources.providers.items())
    return f"Terraform or OpenTofu {code(sources.terraform_version)}, {', '.join(providers)}."


def _modules(sources: Sources) -> str:
    """Format the table of module calls."""
    rows = (
        [code(name), f"[`{path}`]({path}/README.md)" if path.startswith(".") else code(path)]
        for name, path in sources.modules.items()
    )
    return table(["Name", "Module"], rows)


def _variables(variables: Iterable[Variable]) -> str:
    """Format the table of variables, with a row for each member of an object."""
    rows = (row for variable in variables for row in _rows(variable))
    return table(["Name", "Type", "Default", "Description"], rows)


def _rows(variable: Variable) -> Iterator[list[str]]:
    """Return the rows of one variable."""
    marks = f" *{', '.join(variable.marks).capitalize()}.*" if variable.marks else ""
    description = prose(variable.description) + marks
    yield [code(variable.name), code(variable.type.short), _default(variable.default), description]
    for leaf in variable.members:
        comment = prose(variable.comments.get(leaf.path, ""))
        default = _default(leaf.member.default)
        yield [code(leaf.path), code(leaf.member.type.short), default, comment]


def _default(text: str | None) -> str:
    """Format a default value."""
    return "**required**" if text is None else code(text)


def _outputs(outputs: Iterable[Output]) -> str:
    """Format the table of outputs."""
    rows = (
        [code(item.name), prose(item.description) + (" *Sensitive.*" if item.sensitive else "")]
        for item in outputs
    )
    return table(["Name", "Description"], rows)
