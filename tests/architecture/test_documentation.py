"""Paths, links, commands, settings and codes in the documentation exist in the code."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePosixPath
from typing import get_args
from unicodedata import east_asian_width

import click
import pytest
import yaml

from gradectl.cli import gradectl
from gradectl.deploy.steps import STEPS
from gradectl.environment import Environment, StrictModel
from gradectl.errors import ExitCode
from gradectl.validation.catalogue import CHECKS
from grader import errors as grader_errors
from grader.__main__ import main as grader
from grader.contract.verdicts import ErrorCode
from grader.settings import ApiSettings, DatabaseUserSettings, WorkerSettings, explain

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "environments/README.md", "*/*/README.md")
    for path in ROOT.glob(pattern)
)
#: Folders whose text defines names: settings, placeholders, values.
CODE = ("grader", "gradectl", "modules", "environments", "templates", "scripts", "benchmarks")
#: Names of AWS, of Linux (capabilities) and of Terraform.
FOREIGN = re.compile(r"(AWS|SYS|TF)_")
FENCE = re.compile(r"^\s*```(\w*)")
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"[\w.*<>{}-]+(?:/[\w.*<>{}-]+)*/?")
MODULE = re.compile(r"(?<![\w./])(?:grader|gradectl)(?:\.[A-Za-z_]\w*)+(?![\w/])")
NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
EXIT = re.compile(r"(?:exit codes?|exits? with|`exitCode`|ends with|종료 코드)(?: code)? (\d+)")
WIDTH = 120
#: The first and the last command of a deployment.
LIMITS = ("gradectl init ", r"gradectl deploy \w+ +#")


@dataclass(frozen=True)
class Line:
    """A line of a page; `fence` is the language of its code block, None outside of blocks."""

    page: Path
    number: int
    text: str
    fence: str | None

    def __str__(self) -> str:
        """`file:line`, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.number}"


@cache
def lines() -> tuple[Line, ...]:
    """All lines of all pages, without the fences themselves."""
    return tuple(line for page in PAGES for line in lines_of(page))


def lines_of(page: Path) -> Iterator[Line]:
    """The lines of one page."""
    fence: str | None = None
    for number, text in enumerate(page.read_text().splitlines(), 1):
        if found := FENCE.match(text):
            fence = (found[1] or "text") if fence is None else None
        else:
            yield Line(page, number, text, fence)


def spans() -> Iterator[tuple[Line, str]]:
    """Each code span of the prose with its line."""
    for line in lines():
        if line.fence is None:
            for text in SPAN.findall(line.text):
                yield line, text


def report(found: Iterator[str]) -> str:
    """The findings, one below the other, for a failing test."""
    return "\n".join(dict.fromkeys(found))


@cache
def repository() -> frozenset[str]:
    """All files and folders, without hidden ones and those that tools create."""
    return frozenset(
        str(path.relative_to(ROOT))
        for top in (*CODE, "docs", "examples", "requirements", "tests", ".github")
        for path in (ROOT / top, *(ROOT / top).rglob("*"))
        if "__pycache__" not in path.parts and ".terraform" not in path.parts
    )


def exists(path: str, page: Path) -> bool:
    """Whether a path, as a glob, is one of the repository or of the folder of its page."""
    pattern = re.sub(r"<[^>]+>|\{[^}]+\}|\b[A-Z]{2,}\b", "*", path).rstrip("/")
    return any(any(folder.glob(pattern)) for folder in (ROOT, page.parent))


def moved_to(path: str) -> str:
    """Where a file of this name is now, or of one like it; empty when that is unknown."""
    name = PurePosixPath(path).name
    names = {PurePosixPath(each).name for each in repository()}
    like = name if name in names else next(iter(get_close_matches(name, names, 1, 0.8)), "")
    found = sorted(each for each in repository() if like and PurePosixPath(each).name == like)
    return f"; write {' or '.join(found[:3])}" if found else ""


def test_each_path_exists() -> None:
    """A path in a code span or a code block of a page is a file or folder."""
    tops = {PurePosixPath(each).parts[0] for each in repository()}
    candidates = [*spans(), *((line, line.text) for line in lines() if line.fence == "sh")]
    missing = report(
        f"{line}: no {path}{moved_to(path)}"
        for line, text in candidates
        for path in PATH.findall(text)
        if "/" in path
        and PurePosixPath(path).parts[0] in tops
        and not any(f"{mark}{path}" in text for mark in ("/", ":", "="))
        and not exists(path, line.page)
    )

    assert not missing, missing


def test_each_module_and_its_member_exists() -> None:
    """`grader.worker.settlement` is a module, `grader.contract.bucket.result_key` its function."""
    missing = report(
        f"{line}: no {name}"
        for line, text in [*spans(), *((each, each.text) for each in lines() if each.fence)]
        for name in MODULE.findall(text)
        if not known_module(name)
    )

    assert not missing, missing


def known_module(name: str) -> bool:
    """Whether a dotted name is a module, or a name in one."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:size])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return size == len(parts) or bool(
                    re.search(rf"\b{re.escape(parts[size])}\b", path.read_text())
                )
    return False


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings."""
    found: set[str] = set()
    for line in lines_of(page):
        if line.fence is None and (heading := re.match(r"#+ (.+)", line.text)):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).strip().lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            copies = sum(1 for each in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each))
            found.add(f"{slug}-{copies}" if copies else slug)
    return found


def test_each_link_and_anchor_resolves() -> None:
    """Relative links; addresses of others are not asked."""
    assert not (broken := report(broken_links())), broken


def broken_links() -> Iterator[str]:
    """Links to files or headings that do not exist."""
    for line in lines():
        if line.fence is not None:
            continue
        for target in LINK.findall(line.text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            page = (line.page.parent / name).resolve() if name else line.page
            if not page.exists():
                yield f"{line}: no {target}{moved_to(name)}"
            elif anchor and anchor not in (known := anchors(page)):
                near = get_close_matches(anchor, known, 1, 0.4)
                yield f"{line}: no heading #{anchor}" + (f"; write #{near[0]}" if near else "")


def commands() -> Iterator[tuple[Line, list[str]]]:
    """Each command line of `gradectl`, `grader` or `make` that a page shows or mentions."""
    program = re.compile(r"^(?:[A-Z_]+=\S+ +)*(gradectl|grader|make)(?= |$)(.*)", re.DOTALL)
    shell = [(line, line.text.strip()) for line in lines() if line.fence == "sh"]
    for line, text in [*spans(), *shell]:
        found = program.match(text)
        if found and not re.search(r"[|…\[]| \.\.\.", found[2]):
            words = shlex.split(found[2].removesuffix("\\"), comments=True)
            yield line, [found[1], *words]


def complaint(words: list[str], *, whole: bool = True) -> str:
    """
    Parse a command line as its program does, and run nothing.

    Args:
        words: The command line.
        whole: Whether it can be run as it is; a sentence may leave out arguments.

    Returns:
        What is wrong; empty for nothing.
    """
    program, *rest = words
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        wrong = [word for word in rest if "=" not in word and word not in targets]
        return f"make has no target {wrong[0]}" if wrong else ""
    command: click.Command = gradectl if program == "gradectl" else grader
    context = click.Context(command, info_name=program)
    try:
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            found = command.get_command(context, rest[0])
            if found is None:
                near = get_close_matches(rest[0], command.list_commands(context), 1, 0.4)
                hint = f"; write {near[0]}" if near else ""
                return f"{context.command_path} has no command {rest[0]}{hint}"
            command, rest = found, rest[1:]
            context = click.Context(command, parent=context, info_name=command.name)
        if rest:  # without arguments a sentence only mentions the command
            command.make_context(command.name, rest, parent=context.parent)
    except click.exceptions.Exit:
        return ""  # --help and --version
    except click.MissingParameter as error:
        return error.format_message() if whole else ""
    except click.ClickException as error:
        said = error.format_message()
        # FOLDER, or a file that an earlier command writes.
        placeholder = "does not exist" in said and "'examples/" not in said
        return "" if placeholder else said
    return ""


def test_each_command_line_parses() -> None:
    """Commands and options exist; files that a command reads are there."""
    found = list(commands())
    wrong = report(
        f"{line}: {' '.join(words)}: {said}"
        for line, words in found
        if (said := complaint(words, whole=line.fence is not None))
    )

    assert len(found) > 100
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gradectl queue inspct grading-dlq", "no command inspct; write inspect"),
        ("gradectl apply --aply dev", "No such option '--aply'"),
        ("grader wrker", "no command wrker; write worker"),
        ("make tests", "no target tests"),
        ("gradectl queue list -e ENV", ""),
        ("make attacks ARGS=x", ""),
    ],
)
def test_a_wrong_command_line_is_answered_with_the_right_word(line: str, said: str) -> None:
    """Where the word is close to a right one; what is right has no complaint."""
    found = complaint(line.split())

    assert said in found
    assert bool(said) == bool(found)


def settings() -> set[str]:
    """The environment variables of the worker and of `grader database-user`."""
    fields = {*WorkerSettings.model_fields, *DatabaseUserSettings.model_fields}
    return {name.upper() for name in fields}


@cache
def names_of_the_code() -> frozenset[str]:
    """All upper-case names with an underscore that occur in the code."""
    known = settings() | {name.upper() for name in ApiSettings.model_fields}
    texts = (
        path.read_text(errors="ignore")
        for top in CODE
        for path in (ROOT / top).rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".c", ".tf", ".hcl", ".j2", ".yaml", ".tpl", ""}
        if ".terraform" not in path.parts
    )
    return frozenset(name for text in texts for name in NAME.findall(text)) | known


def test_each_setting_exists() -> None:
    """An upper-case name in a page is a setting, a placeholder or a value of the code."""
    known = names_of_the_code()
    unknown = report(
        f"{line}: no {name}" + (f"; write {near[0]}" if near else "")
        for line, text in spans()
        for name in NAME.findall(text)
        if name not in known and not FOREIGN.match(name)
        for near in [get_close_matches(name, settings(), 1)]
    )

    assert not unknown, unknown


def test_each_setting_of_the_worker_is_documented() -> None:
    """In docs/worker-settings.md, with its default and where it is set."""
    rows = table("docs/worker-settings.md", "setting")
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows}
    expected = {name: default for name, default, _ in explain(WorkerSettings)}
    others = settings() - set(expected)
    named = {name for line in lines() for name in NAME.findall(line.text)}

    assert documented == expected, "docs/worker-settings.md: names and defaults"
    assert not (missing := sorted(others - named)), f"describe in docs/: {missing}"


def test_each_setting_of_the_api_is_documented() -> None:
    """In docs/api.md, with its default; those of queues and database are as those of a worker."""
    rows = table("docs/api.md", "setting")
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows}
    expected = {
        name: default for name, default, _ in explain(ApiSettings) if name.startswith("API_")
    }

    assert documented == expected, "docs/api.md: names and defaults"


def test_the_page_of_settings_says_what_the_root_passes_on() -> None:
    """The root sets some, accepts others in `grading_worker_settings`, and rejects the rest."""
    rows = table("docs/worker-settings.md", "setting")
    variables = (ROOT / "environments" / "variables-workers.tf").read_text()
    accepted = variables.partition('"grading_worker_settings"')[2].partition("error_message")[0]
    files = [ROOT / "environments" / name for name in ("parameters.tf", "sqs.tf", "workers.tf")]
    text = "".join(path.read_text() for path in files)
    known = {name for name, _, _ in explain(WorkerSettings)}
    passed = known.intersection(re.findall(r"[ {]([A-Z][A-Z_]+) += ", text))

    for where, names in (("settings", re.findall(r'"([A-Z_]+[A-Z])"', accepted)), ("root", passed)):
        documented = {row[0].strip("`") for row in rows if row[2] == where}
        assert documented == set(names), f"docs/worker-settings.md: 'set in' {where}"


def keys_of(model: type[StrictModel], parent: str = "") -> dict[str, str]:
    """The keys of a file with their defaults as the documentation writes them, `a.b` for b in a."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        parts = (field.annotation, *get_args(field.annotation))
        inner = [each for each in parts if isinstance(each, type) and issubclass(each, StrictModel)]
        if inner:
            found |= keys_of(inner[0], f"{parent}{name}.")
        elif field.is_required():
            found[parent + name] = "required"
        else:
            found[parent + name] = str(field.get_default(call_default_factory=True)).lower()
    return found


def test_each_key_of_environment_yaml_is_documented() -> None:
    """In environments/README.md, with its default; buckets have one that the name determines."""
    rows = table("environments/README.md", "key")
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows}
    words = {"": "empty", "{}": "none"}
    buckets = {
        "state.bucket": "NAME-gradectl-state-ACCOUNT",
        "files.bucket": "NAME-grading-files",
    }
    expected = {key: words.get(value, value) for key, value in keys_of(Environment).items()}

    assert documented == {**expected, **buckets}, "environments/README.md: keys and defaults"
    found = Environment(schema_version=1, name="x", account_id="1" * 12, region="eu-west-1")
    assert found.state_bucket == "x-gradectl-state-111111111111"
    assert found.files_bucket == "x-grading-files"


def test_the_steps_of_a_deployment_are_documented_in_order() -> None:
    """In docs/deploy.md with what each does, and in the README by their names."""
    documented = [row[0].strip("`") for row in table("docs/deploy.md", "step")]
    sentence = (ROOT / "README.md").read_text().partition("`deploy` runs the steps ")[2]
    named = SPAN.findall(sentence.partition(".")[0])

    assert documented == list(STEPS), "docs/deploy.md: the steps in their order"
    assert named == list(STEPS), "README.md: the steps in their order"


def test_the_readme_deploys_with_the_commands_of_the_tutorial() -> None:
    """Word for word, with their comments, in the same order."""

    def shell(page: str) -> list[str]:
        found = [line.text.strip() for line in lines_of(ROOT / page) if line.fence == "sh"]
        return [line for line in found if line]

    text = shell("README.md")
    at = {name: [i for i, line in enumerate(text) if re.match(name, line)] for name in LIMITS}
    first, last = (found[0] for found in at.values())
    remaining = iter(shell("docs/tutorial.md"))
    missing = [line for line in text[first : last + 1] if line not in remaining]

    assert last - first >= 4
    assert not missing, f"docs/tutorial.md: write, in the order of the README: {missing}"


def table(page: str, header: str) -> list[list[str]]:
    """The rows below the table header that starts with `header`."""
    text = (ROOT / page).read_text()
    found = re.search(rf"^ *\| {re.escape(header)} \|.*\n.*\n((?: *\|.*\n)+)", text, re.MULTILINE)
    assert found, f"{page}: no table '| {header} |'"
    return [
        [cell.strip() for cell in row.strip().strip("|").split("|")]
        for row in found[1].splitlines()
    ]


def test_each_transition_of_a_job_is_described_and_tested() -> None:
    """The letters of the diagram are those of both tables, and each named test exists."""
    page = "docs/job-lifecycle.md"
    diagram = (ROOT / page).read_text().partition("```mermaid")[2].partition("```")[0]
    letters = re.findall(r"--> .*?: ([A-Z])\. ", diagram)
    tests = {row[0]: row[1].strip("`") for row in table(page, "test of")}

    assert len(letters) == diagram.count("-->") - diagram.count("--> [*]")
    assert letters == [row[0] for row in table(page, "transition")]
    assert letters == list(tests)
    assert not (missing := [test for test in tests.values() if not is_a_test(test)]), missing


def is_a_test(name: str) -> bool:
    """Whether `file::function` is a test."""
    path, _, function = name.partition("::")
    file = ROOT / path
    return (
        file.is_file() and function.startswith("test_") and f"def {function}(" in file.read_text()
    )


def test_the_runbook_has_the_health_checks_of_the_worker() -> None:
    """`/health` names them, so that somebody looks for these words."""
    calls = [
        node
        for path in sorted((ROOT / "grader" / "worker").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Health"
    ]
    names = {each.value for call in calls for each in call.args if isinstance(each, ast.Constant)}
    documented = {
        name
        for row in table("docs/runbook.md", "check")
        for name in SPAN.findall(row[0])
        if not name.startswith(("broker-", "queue-"))
    }

    assert calls
    assert documented == names, "docs/runbook.md: table of health checks"


def test_the_runbook_has_all_reason_codes() -> None:
    """Each code of a dead letter has its cause and what to do."""
    documented = [row[0].strip("`") for row in table("docs/runbook.md", "reason code")]

    assert documented == [code.value for code in ErrorCode], "docs/runbook.md: reason codes"


def test_exit_codes_are_those_of_the_programs() -> None:
    """In the table of docs/cli.md, and wherever a page says 'exit code N'."""
    ours = {code.value for code in ExitCode}
    workers = {
        value.exit_code
        for value in vars(grader_errors).values()
        if isinstance(value, type) and issubclass(value, grader_errors.GraderError)
    }
    others = {
        42,
        43,
        137,
    }  # an output validator that accepts or rejects, a container killed by SIGKILL
    wrong = report(
        f"{line}: no program ends with {code}"
        for line in lines()
        for code in EXIT.findall(line.text)
        if int(code) not in ours | workers | others
        and "test" not in line.page.parts
        and f"`exit code {code}`" not in line.text  # an example of a submission
    )

    assert {int(row[0]) for row in table("docs/cli.md", "code")} == ours
    assert not wrong, wrong


def test_the_page_about_validate_lists_its_checks_in_order() -> None:
    """With the words that the command itself uses."""
    rows = [row[:2] for row in table("docs/validate.md", "check")]
    expected = [[f"`{check.name}`", check.purpose] for check in CHECKS]
    wrong = [row for row in expected if row not in rows]

    assert not wrong, f"docs/validate.md: write {' and '.join(' | '.join(row) for row in wrong)}"
    assert rows == expected, "docs/validate.md: the checks in the order of the catalogue"


def test_the_architecture_lists_every_package_once() -> None:
    """With its purpose; a folder that is gone loses its row, and a new one gets one."""
    rows = table("docs/architecture.md", "package")
    listed = [row[0].strip("`").rstrip("/") for row in rows]
    packages = {
        str(path.parent.relative_to(ROOT))
        for package in ("grader", "gradectl")
        for path in (ROOT / package).glob("*/**/__init__.py")
    }
    folders = [row[0].strip("`") for row in table("docs/architecture.md", "folder")]

    assert set(listed) == packages, "docs/architecture.md: table of packages"
    assert len(listed) == len(set(listed))
    assert all(row[1] for row in rows)
    assert not [folder for folder in folders if not (ROOT / folder).is_dir()]


def test_examples_name_only_released_tags() -> None:
    """`make release` makes tags; until then an example says COMMIT."""
    released = re.findall(
        r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    wrong = report(
        f"{line}: v{tag} is not released; write ?ref=COMMIT"
        for line in lines()
        for tag in re.findall(r"\?ref=v(\d[\w.-]*)", line.text)
        if tag not in released
    )

    assert not wrong, wrong


def columns(text: str) -> int:
    """The width of a line in a terminal, where Korean letters take two columns."""
    return sum(2 if east_asian_width(each) in {"F", "W"} else 1 for each in text)


def test_lines_of_prose_have_at_most_120_columns() -> None:
    """Tables, code blocks and lines with an address may be longer."""
    long = report(
        f"{line}: {columns(line.text)} columns; wrap the line"
        for line in lines()
        if columns(line.text) > WIDTH
        and line.fence is None
        and not line.text.lstrip().startswith("|")
        and "://" not in line.text
    )

    assert not long, long


def test_each_page_of_docs_begins_with_who_needs_it() -> None:
    """The first paragraph is 'For <readers>: <what for>'; a decision begins with its date."""
    wrong = report(
        f"{page.relative_to(ROOT)}: begin with 'For ...', who needs the page and when"
        for page in PAGES
        if page.is_relative_to(ROOT / "docs") and not page.is_relative_to(ROOT / "docs" / "ko")
        if not re.match(r"\d{4}-", page.name)
        if not re.match(r"# .+\n\n(For|Read this|If you|When) ", page.read_text())
    )

    assert not wrong, wrong


def test_the_readme_links_every_page_of_docs() -> None:
    """A page that is not in the list of the README is not found."""
    links = {target for line in lines_of(ROOT / "README.md") for target in LINK.findall(line.text)}
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")}

    assert not (missing := sorted(pages - links)), f"README.md: link {', '.join(missing)}"


def test_commit_hooks_need_no_network() -> None:
    """They call programs of .venv and of this repository."""
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook for repo in repos for hook in repo["hooks"]]

    assert {repo["repo"] for repo in repos} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks)
