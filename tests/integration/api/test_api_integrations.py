"""Programs of others: those of docs/integrate.md, a typed client, and the example of a course."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from graded_api import SOLUTION, GradedApi

from grader.contract.api_keys import Scope

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "integrate.md").read_text()
PACKAGES = Path(sys.prefix) / "share" / "grader" / "api-tests"
ACCEPTED = "completed AC 100"
COURSE = """
[[problems]]
id = "sum"
file = "sum.py"
language = "python"

[[problems]]
id = "sum"
file = "sum.cpp"
language = "cpp"
"""
PROGRAM = """
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const client = createClient<paths>({
  baseUrl: process.env.GRADING_API!,
  headers: { authorization: `Bearer ${process.env.GRADING_API_KEY}` },
});
const { data, error } = await client.POST("/v1/run", {
  body: { submission: { problemId: "sum", language: "python", source: SOURCE } },
});
if (error !== undefined) throw new Error(error.detail);
const found: components["schemas"]["Submission"] | undefined =
  data !== undefined && "result" in data ? data : undefined;
console.log(found?.status, found?.result?.verdict, found?.result?.score);
"""
WRONG = """
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";
await createClient<paths>({}).POST("/v1/submissions", { body: { problem: "sum" } });
"""


def output(command: list[str], environ: Mapping[str, str], folder: Path, code: int = 0) -> str:
    """What a program prints."""
    done = subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.strip()


def block(language: str) -> str:
    """The block of the page for the API."""
    (found,) = re.findall(rf"^```{language} http\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_programs_of_the_page_get_their_verdict(graded: GradedApi, tmp_path: Path) -> None:
    """In Python, Node and with curl, with nothing but a URL and a key."""
    environ = graded.environ(graded.world.make_key("ann"))
    (tmp_path / "program.py").write_text(block("python"))

    assert output([sys.executable, "program.py"], environ, tmp_path) == ACCEPTED
    node = str(ROOT / "examples" / "clients" / "http.js")
    assert output(["node", node], environ, tmp_path) == ACCEPTED
    script = "set -euo pipefail\n" + block("sh")
    assert output(["bash", "-c", script], environ, tmp_path) == ACCEPTED


def test_the_description_makes_a_typed_client(graded: GradedApi, tmp_path: Path) -> None:
    """A strict compiler accepts a right program, which runs, and refuses a wrong field."""
    shutil.copytree(PACKAGES, tmp_path, dirs_exist_ok=True, symlinks=True)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "openapi.json").write_bytes(graded.api.get("/openapi.json").body)
    (tmp_path / "program.ts").write_text(PROGRAM.replace("SOURCE", f"{SOLUTION!r}"))
    (tmp_path / "wrong.ts").write_text(WRONG)
    environ = graded.environ(graded.world.make_key("ann"))
    tools = tmp_path / "node_modules" / ".bin"
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"]

    make = ["openapi.json", "-o", "schema.ts", "--default-non-nullable=false"]
    output([str(tools / "openapi-typescript"), *make], environ, tmp_path)
    (tmp_path / "node.d.ts").write_text(
        "declare const process: { env: Record<string, string | undefined> };"
    )
    output([str(tools / "tsc"), *options, "node.d.ts", "program.ts"], environ, tmp_path)
    printed = output(["node", "program.js"], environ, tmp_path)
    refused = output(
        [str(tools / "tsc"), *options, "--noEmit", "node.d.ts", "wrong.ts"], environ, tmp_path, 2
    )

    assert printed == ACCEPTED
    assert "'problem' does not exist" in refused


def students(folder: Path) -> str:
    """A repository with a changed file, a plain folder, and one with an odd name and no file."""
    repository = folder / "ada"
    repository.mkdir(parents=True)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@x", "-C", str(repository)]
    (repository / "sum.py").write_text(SOLUTION)
    (repository / "sum.cpp").write_text("int main() { return nothing; }\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "1"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    (repository / "sum.py").write_text("not committed, so not graded")
    (folder / "=grace, 'é\n").mkdir()
    (folder / "=grace, 'é\n" / "sum.py").write_text("print('x')\n")
    (folder / "linus").mkdir()
    (folder / "linus" / "sum.py").symlink_to("/etc/passwd")
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return head.stdout.strip()


def test_a_course_is_graded_once(graded: GradedApi, tmp_path: Path) -> None:
    """By commit; with a missing file, a compile error, and a name that would be a formula."""
    commit = students(tmp_path / "students")
    (tmp_path / "course.toml").write_text(COURSE)
    key = graded.world.make_key(None, Scope.SUBMIT, Scope.READ_ALL)
    program = str(ROOT / "examples" / "course" / "grade_course.py")
    command = [sys.executable, program, "course.toml", "students"]

    printed = output(command, graded.environ(key), tmp_path)
    first = (tmp_path / "grades.csv").read_text()
    again = output(command, graded.environ(key), tmp_path)
    listed = graded.api.get("/v1/submissions?limit=100&userId=ada", key).json["submissions"]

    with (tmp_path / "grades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["student"], row["verdict"], row["score"]) for row in rows}
    assert found == {
        ("ada", "AC", "100"),
        ("ada", "CE", "0"),
        ("'=grace, 'é\N{REPLACEMENT CHARACTER}", "WA", "0"),
        ("'=grace, 'é\N{REPLACEMENT CHARACTER}", "MISSING", "0"),
        ("linus", "MISSING", "0"),
    }
    assert {row["commit"] for row in rows if row["student"] == "ada"} == {commit}
    assert printed == again == "sum: AC 1, CE 1, MISSING 3, WA 1"
    assert (tmp_path / "grades.csv").read_text() == first
    assert len(listed) == 2
