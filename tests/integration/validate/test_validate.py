"""`gradectl validate` as in CI, on a root without providers."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import in_process
import jsonschema
import psutil
import pytest
import yaml

from gradectl.validation.catalogue import NAMES

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((REPOSITORY / "docs" / "schemas" / "cli" / "validate.json").read_text())
SECONDS = 120  # a limit for a hung test, not a measurement
GOOD = {"main.tf": 'resource "terraform_data" "this" {}\n', ".terraform.lock.hcl": "# none\n"}
BAD = {**GOOD, "bad.tf": 'locals {\n  policy = { Action = "*" }\n  a = b.c\n}\n'}
FAST = ("--skip", "checkov")
#: Stands for a checker that takes long: says that it is there, and stays.
STUCK = '#!/bin/sh\necho $$ > "$READY"\nexec sleep 1000\n'

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Team:
    """A root of its own, and a way to call gradectl in it."""

    root: Path
    environ: dict[str, str]

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start a run."""
        return subprocess.Popen(
            [sys.executable, "-m", "gradectl.cli", "validate", *words],
            cwd=self.root,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run in this process, which saves most of the processor time."""
        done = in_process.run(self.root, self.environ, "validate", *words)
        return subprocess.CompletedProcess(words, done.code, done.stdout, done.stderr)


@pytest.fixture
def team(tmp_path: Path) -> Callable[..., Team]:
    """Write the files of a root."""

    def make(files: Mapping[str, str], **variables: str) -> Team:
        root = tmp_path / "root"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        cache = {
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "NO_COLOR": "1",
            "TMPDIR": str(tmp_path),
        }
        return Team(root, {**kept, **cache, **variables})

    return make


@pytest.fixture
def stuck(team: Callable[..., Team], tmp_path: Path) -> tuple[Team, Path]:
    """A root whose checkov never ends, and the pipe with its process id."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    found = team({**GOOD, ".venv-checkov/bin/checkov": STUCK}, READY=str(ready))
    (found.root / ".venv-checkov/bin/checkov").chmod(0o755)
    return found, ready


def test_a_correct_root_passes(team: Callable[..., Team]) -> None:
    """The table lists the subjects, and why a check does not apply."""
    run = team(GOOD).run(*FAST)

    assert run.returncode == 0, run.stderr
    lines = {line.split()[0]: line for line in run.stdout.splitlines() if line.strip()}
    assert "passed" in lines["validate"]
    assert "not applicable" in lines["broker-xml"]
    assert "skipped" in lines["checkov"]


def test_findings_have_file_and_line_and_the_exit_code_is_4(team: Callable[..., Team]) -> None:
    """Each finding once on stdout, in the format of compilers."""
    run = team(BAD).run(*FAST)

    assert run.returncode == 4
    places = [line.split(": ")[0] for line in run.stdout.splitlines() if line.startswith("bad.tf")]
    assert set(places) == {"bad.tf:2", "bad.tf:3"}
    assert "next:    gradectl validate --only" in run.stderr


def test_a_failure_is_printed_before_the_run_ends(stuck: tuple[Team, Path]) -> None:
    """The first failure does not wait for the slowest check."""
    team, ready = stuck
    (team.root / "bad.tf").write_text(BAD["bad.tf"])
    process = team.start()
    ready.read_text()

    assert process.stderr
    line = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)

    assert "bad.tf:2" in line


def test_json_is_one_document_of_the_published_schema(team: Callable[..., Team]) -> None:
    """With --format json and with --output json."""
    first, second = team(BAD).run(*FAST, "--format", "json"), team(BAD).run(*FAST, "-o", "json")

    for run in (first, second):
        document = json.loads(run.stdout)
        jsonschema.validate(document, SCHEMA)
        assert (run.returncode, document["ok"]) == (4, False)


def test_yaml_is_the_same_document(team: Callable[..., Team]) -> None:
    """As for every other command."""
    run = team(GOOD).run(*FAST, "--output", "yaml")

    jsonschema.validate(yaml.safe_load(run.stdout), SCHEMA)


def test_ci_formats_are_alone_on_stdout(team: Callable[..., Team]) -> None:
    """They are redirected to a file; the table is on stderr."""
    found = team(BAD)

    junit = found.run(*FAST, "--format", "junit")
    sarif = found.run(*FAST, "--format", "sarif")
    github = found.run(*FAST, "--format", "github")

    assert ET.fromstring(junit.stdout).find("testsuite/testcase/failure") is not None
    assert json.loads(sarif.stdout)["runs"][0]["results"]
    assert all(line.startswith("::error file=bad.tf,") for line in github.stdout.splitlines())
    for run in (junit, sarif, github):
        assert run.returncode == 4
        assert "not applicable" in run.stderr


def test_github_gets_a_summary_page(team: Callable[..., Team], tmp_path: Path) -> None:
    """When $GITHUB_STEP_SUMMARY is set."""
    page = tmp_path / "summary.md"

    team(BAD, GITHUB_STEP_SUMMARY=str(page)).run(*FAST)

    assert "| policies | failed |" in page.read_text()


def test_paths_are_relative_to_the_working_directory(team: Callable[..., Team]) -> None:
    """CI runs it at the top of the repository."""
    found = team({f"infra/{name}": text for name, text in BAD.items()})

    run = found.run("infra", *FAST)

    assert "infra/bad.tf:2: error: wildcard" in run.stdout


def test_nothing_is_written_into_the_root(team: Callable[..., Team]) -> None:
    """Not even when a check fails."""
    found = team(BAD)

    found.run(*FAST)

    assert {path.name for path in found.root.iterdir()} == set(BAD)


QUICK = ("--only", "policies")


def test_a_team_with_errors_starts_today(team: Callable[..., Team]) -> None:
    """It records them once; then only new ones fail, and those that are gone are reported."""
    found = team(BAD)
    words = (*QUICK, "--baseline", "known.json")

    record = found.run(*words, "--update-baseline")
    (found.root / "bad.tf").write_text("\n# moved\n" + BAD["bad.tf"])
    known = found.run(*words, "-o", "json")
    (found.root / "bad.tf").write_text(BAD["bad.tf"] + 'locals {\n  p = { Action = "s3:*" }\n}\n')
    more = found.run(*words, "--format", "github")
    (found.root / "bad.tf").unlink()
    less = found.run(*words)

    runs = (record, known, more, less)
    assert [run.returncode for run in runs] == [0, 0, 4, 0], record.stderr
    assert "known.json: 1 error known; 1 added, 0 removed" in record.stderr
    assert "not listed: 1 error known from known.json" in known.stderr
    document = json.loads(known.stdout)
    jsonschema.validate(document, SCHEMA)
    (check,) = (check for check in document["checks"] if check["name"] == "policies")
    (finding,) = check["subjects"][0]["findings"]
    assert (document["ok"], finding["known"], finding["line"]) == (True, True, 4)
    assert "next:    gradectl validate --baseline known.json --only policies" in more.stderr
    (line,) = more.stdout.splitlines()
    assert line.startswith("::error file=bad.tf,line=6,")
    assert less.stdout.startswith("known.json:5: warning: stale: not found: bad.tf: ")
    assert {path.name for path in found.root.iterdir()} == {*GOOD, "known.json"}


def test_an_update_says_which_entries_stay_as_they_are(team: Callable[..., Team]) -> None:
    """A file that cannot be read may have more errors, so its check is not recorded."""
    found = team({**BAD, "broken.tf": "locals {\n"})

    run = found.run(*QUICK, "--baseline", "known.json", "--update-baseline")

    assert run.returncode == 4
    assert "known.json: the entries of policies were not updated" in run.stderr
    assert {line.split(":")[0] for line in run.stdout.splitlines() if ": error: " in line} == {
        "bad.tf",
        "broken.tf",
    }
    assert '"findings": []' in (found.root / "known.json").read_text()


def test_what_has_one_answer_is_fixed_first(team: Callable[..., Team]) -> None:
    """Each changed file is named; a dry run changes none."""
    found = team({**GOOD, "bad.tf": "locals {\n  a=1\n}\n"})

    dry = found.run("--only", "fmt", "--fix", "--dry-run")
    text = (found.root / "bad.tf").read_text()
    run = found.run("--only", "fmt", "--fix", "-o", "json")

    assert (dry.returncode, run.returncode) == (0, 0)
    assert "would fix bad.tf (fmt)" in dry.stderr
    assert "a=1" in text
    assert "fixed bad.tf (fmt)" in run.stderr
    assert json.loads(run.stdout)["fixes"] == [{"check": "fmt", "path": "bad.tf", "state": "fixed"}]
    jsonschema.validate(json.loads(run.stdout), SCHEMA)
    assert (found.root / "bad.tf").read_text() == "locals {\n  a = 1\n}\n"
    assert {path.name for path in found.root.iterdir()} == {*GOOD, "bad.tf"}


#: All checks but checkov and one that needs no program.
NO_PROGRAMS = [
    word for name in NAMES if name not in {"checkov", "policies"} for word in ("--skip", name)
]


def test_without_checkov_the_other_checks_run(team: Callable[..., Team]) -> None:
    """Its own check fails with the command that installs it: nothing unsafe passes unseen."""
    run = team(GOOD, PATH="/nonexistent").run(*NO_PROGRAMS)

    lines = {line.split()[0]: line for line in run.stdout.splitlines() if line.strip()}
    assert run.returncode == 4
    assert "passed" in lines["policies"]
    assert "failed" in lines["checkov"]
    assert "pipx install checkov, or --skip checkov" in run.stderr


def test_on_a_terminal_checkov_is_offered(team: Callable[..., Team]) -> None:
    """Who does not want it goes on without, and the table says so."""
    master, slave = pty.openpty()
    with team(GOOD, PATH="/nonexistent").start(*NO_PROGRAMS, stdin=slave) as process:
        os.write(master, b"n\n")
        output, said = process.communicate(timeout=SECONDS)
    os.close(master)
    os.close(slave)

    assert process.returncode == 0, said
    assert "checkov is not installed. Install it into" in said
    (line,) = (line for line in output.splitlines() if line.startswith("checkov"))
    assert "skipped" in line
    assert "pipx install checkov" in line


def test_what_is_installed_without_a_question_is_named(
    team: Callable[..., Team], tmp_path: Path
) -> None:
    """With --yes nobody was asked; here a file is in the way, so that it ends at once."""
    place = tmp_path / "cache" / "gradectl" / "checkov"
    place.parent.mkdir(parents=True)
    place.touch()

    run = team(GOOD, PATH="/nonexistent").run(*NO_PROGRAMS, "--yes")

    assert run.returncode == 78
    assert f"installing checkov into {place}" in run.stderr


def test_findings_cannot_control_the_terminal(team: Callable[..., Team]) -> None:
    """File names and values of a root of others are shown as text."""
    run = team({**GOOD, "a\x1b[2Jb.tf": BAD["bad.tf"]}).run(*QUICK)

    assert "a\\x1b[2Jb.tf:2: error: wildcard" in run.stdout
    assert "\x1b" not in run.stdout + run.stderr


def test_a_dry_run_lists_the_subjects(team: Callable[..., Team]) -> None:
    """No check runs."""
    run = team(BAD).run(*FAST, "--dry-run")

    assert run.returncode == 0
    assert "would run" in run.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere"], 64, "does not exist"),
        (["main.tf"], 64, "is a file"),
        (["--only", "format"], 64, "'format' is not one of"),
        (["--only", "fmt", "--skip", "fmt"], 64, "no check is left"),
        (["--changed-since", "main"], 78, "not in a git work tree"),
        (["empty"], 78, "no Terraform file"),
        (["--update-baseline"], 64, "needs the name of the file"),
        (["--baseline", "b", "--update-baseline", "--changed-since", "x"], 64, "over all files"),
        (["--baseline", "nowhere.json"], 78, "file not found"),
        (["--baseline", "main.tf"], 78, "the baseline cannot be read"),
    ],
)
def test_an_invalid_command_line_is_one_error(
    team: Callable[..., Team], words: list[str], code: int, said: str
) -> None:
    """It ends before a check runs, with the next step."""
    found = team(GOOD)
    (found.root / "empty").mkdir()

    run = found.run(*words)

    assert (run.returncode, run.stdout) == (code, "")
    assert said in run.stderr
    assert "next:" in run.stderr


def test_without_terraform_there_is_one_error(team: Callable[..., Team]) -> None:
    """It says how to install it."""
    run = team(GOOD, PATH="/nonexistent").run(*FAST)

    assert run.returncode == 78
    assert "install Terraform" in run.stderr


def test_the_names_of_checks_are_completed(team: Callable[..., Team]) -> None:
    """By the shell, like environments."""
    words = {"COMP_WORDS": "gradectl validate --only che", "COMP_CWORD": "3"}
    with team(GOOD, _GRADECTL_COMPLETE="bash_complete", **words).start() as process:
        output, _ = process.communicate(timeout=SECONDS)

    assert output.split() == ["plain,checkov"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_programs(
    stuck: tuple[Team, Path], number: signal.Signals, code: int
) -> None:
    """A cancelled job leaves no process."""
    team, ready = stuck
    process = team.start()
    child = psutil.Process(int(ready.read_text()))

    process.send_signal(number)
    _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == code, said
    assert "Traceback" not in said
    assert not psutil.wait_procs([child], timeout=SECONDS)[1]


def test_the_deadline_ends_all_programs(stuck: tuple[Team, Path]) -> None:
    """A hanging check does not hang CI."""
    team, ready = stuck
    process = team.start()
    child = psutil.Process(int(ready.read_text()))

    process.send_signal(signal.SIGALRM)  # what the timer of --timeout sends
    _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 124, said
    assert not psutil.wait_procs([child], timeout=SECONDS)[1]


def test_all_programs_end_when_gradectl_is_killed(stuck: tuple[Team, Path]) -> None:
    """The kernel kills them."""
    team, ready = stuck
    process = team.start()
    child = psutil.Process(int(ready.read_text()))

    process.kill()
    process.communicate(timeout=SECONDS)

    assert not psutil.wait_procs([child], timeout=SECONDS)[1]
