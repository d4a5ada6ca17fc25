"""The real Terraform for tests: on a copy of the tree, with providers from the mirror, no state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from lives.background import Lives
from lives.known import LIVES
from mocked_root import Verdict, everything, verdicts
from small_schema import serve_small

from gradectl.adapters.terraform.locate import locate
from gradectl.adapters.terraform.mirror import prepare
from gradectl.adapters.terraform.shared import REATTACH
from gradectl.adapters.terraform.unattended import unattended
from gradectl.local.testing import running_control_plane
from gradectl.processes.tools import Tools

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 900
#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
#: Where a request to AWS goes that a test did not mean to make: nowhere.
NOWHERE = "http://127.0.0.1:9"
_OURS = ("AWS_", "TF_VAR_", "TF_CLI_ARGS")


@dataclass(frozen=True)
class TerraformFolder:
    """
    One folder with Terraform files, ready to be worked on.

    Args:
        command: The words that start Terraform.
        directory: The folder.
        environ: Environment of Terraform.
    """

    command: tuple[str, ...]
    directory: Path
    environ: Mapping[str, str] = field(repr=False)

    def attempt(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command and give what it said, whatever it was; `text` is its input."""
        return subprocess.run(
            [*self.command, *words],
            cwd=self.directory,
            env=dict(self.environ),
            input=text,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def run(self, *words: str, text: str = "") -> str:
        """Run a command that must succeed, and give its output."""
        done = self.attempt(*words, text=text)
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def plan(self, *words: str) -> dict[str, Any]:
        """Plan, and give the plan as Terraform's JSON."""
        self.run("plan", "-no-color", f"-out={self.plan_file}", *words)
        plan: dict[str, Any] = json.loads(self.run("show", "-json", self.plan_file))
        return plan

    @property
    def plan_file(self) -> str:
        """Where the last plan is."""
        return str(Path(self.environ["TF_DATA_DIR"]) / "test.plan")

    def within(self, **variables: str) -> TerraformFolder:
        """Give the same folder with more environment variables."""
        return TerraformFolder(self.command, self.directory, {**self.environ, **variables})


@contextmanager
def serving(folder: TerraformFolder) -> Iterator[TerraformFolder]:
    """Start the provider of an initialised folder once, for all commands of the block."""
    tools = Tools(folder.environ)
    try:
        served = serve_small(Path(folder.environ["TF_DATA_DIR"]), tools)
        yield folder.within(**{REATTACH: served})
    finally:
        tools.stop()


@pytest.fixture(scope="session")
def terraform_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TerraformFolder]:
    """Copy modules/ and environments/, and make one folder of the copy ready."""
    command = locate(os.environ).command

    def make(folder: str, files: Mapping[str, str] | None = None) -> TerraformFolder:
        top = tmp_path_factory.mktemp("terraform")
        for name in ("modules", "environments"):
            ignored = shutil.ignore_patterns(".terraform", "*.tfstate*")
            shutil.copytree(ROOT / name, top / name, ignore=ignored)
        directory = top / folder
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_text(text)
        return TerraformFolder(command, directory, _environ(top))

    return make


@pytest.fixture(scope="session")
def locked_root(terraform_folder: Callable[..., TerraformFolder]) -> Iterator[TerraformFolder]:
    """The root with the provider of its lock file, which serves all commands."""
    root = terraform_folder("environments")
    root.run("init", "-no-color", "-input=false", "-backend=false", "-lockfile=readonly")
    with serving(root) as served:
        yield served


@pytest.fixture(scope="session")
def served_provider(locked_root: TerraformFolder) -> dict[str, str]:
    """
    One provider process for all commands that reach no account: variables for their environment.

    A command that starts the provider itself first reads 700 MB to compare a checksum.
    """
    return {REATTACH: locked_root.environ[REATTACH]}


@pytest.fixture(scope="session")
def serve() -> Callable[[TerraformFolder], AbstractContextManager[TerraformFolder]]:
    """Start the provider of an initialised folder with its variables, for a context."""
    return serving


@pytest.fixture(scope="session")
def mocked_folder(
    terraform_folder: Callable[..., TerraformFolder], served_provider: Mapping[str, str]
) -> Callable[..., TerraformFolder]:
    """Like `terraform_folder`, initialised, for commands that reach no account."""

    def make(folder: str, files: Mapping[str, str] | None = None) -> TerraformFolder:
        made = terraform_folder(folder, files).within(**served_provider)
        made.run("init", "-no-color", "-input=false", "-backend=false")
        return made

    return make


@pytest.fixture(scope="session")
def from_git(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """
    A repository on a server with the current modules; COMMIT, as the examples say, is a tag there.

    Gives variables by which git finds it where the documentation says that it is.
    """
    top = tmp_path_factory.mktemp("server")
    ignored = shutil.ignore_patterns(".terraform*", "tests")
    shutil.copytree(ROOT / "modules", top / "work" / "modules", ignore=ignored)
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    for words in (
        ["init", "-q"],
        ["add", "."],
        [*who, "commit", "-q", "-m", "Release"],
        ["tag", "COMMIT"],
        ["clone", "-q", "--bare", ".", str(top / "gradectl.git")],
    ):
        subprocess.run(["git", *words], cwd=top / "work", check=True, capture_output=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{top / 'gradectl.git'}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example.com/platform/gradectl.git",
    }


@dataclass(frozen=True)
class EmulatedAccount:
    """An AWS API that nobody else changes."""

    url: str

    def client(self, service: str) -> Any:
        """Give boto3's client for a service."""
        session = boto3.Session("testing", "testing", region_name="ap-northeast-2")
        return session.client(service, endpoint_url=self.url)


@pytest.fixture(scope="session")
def lives(
    terraform_folder: Callable[..., TerraformFolder], tmp_path_factory: pytest.TempPathFactory
) -> Lives:
    """Whole lives of environments, each in an emulated account of its own."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    @contextmanager
    def open_account(directory: Path) -> Iterator[EmulatedAccount]:
        with running_control_plane(directory) as url:
            yield EmulatedAccount(url)

    return Lives(LIVES, shared / "lives", terraform_folder, open_account, serving)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the lives before all other tests, and await them after all others."""
    places = {"test_lives_begin.py": 0, "test_lives.py": 2}
    items.sort(key=lambda item: places.get(item.path.name, 1))


@pytest.fixture(scope="session")
def mocked_plans(
    mocked_folder: Callable[..., TerraformFolder],
) -> Callable[[Mapping[str, str]], dict[str, Verdict]]:
    """
    Give a function that plans the root with a mocked provider, many times in one process.

    It takes the text of a run by its name; `module.<name>.everything.<type>.<name>` is there for
    all resources of all modules. Each run is a file, because after an error a file goes no further.
    """

    def plan(runs: Mapping[str, str]) -> dict[str, Verdict]:
        mocks = (Path(__file__).parent / "root.tftest.hcl").read_text().split("\nrun ")[0]
        files = {f"{name}.tftest.hcl": f"{mocks}\n{text}" for name, text in runs.items()}
        shown = {
            f"../{name}/everything.tf": text for name, text in everything(ROOT / "modules").items()
        }
        root = mocked_folder("environments", {**files, **shown})
        return verdicts(root.attempt("test", "-json").stdout)

    return plan


@pytest.fixture(scope="session")
def planning_root(
    terraform_folder: Callable[..., TerraformFolder], moto_server: str
) -> Iterator[TerraformFolder]:
    """
    The root with its state in a file, against an emulated account in which nothing is.

    One provider process serves all plans; a test with other credentials or another API serves its
    own, because a provider reads them from its environment.
    """
    root = terraform_folder("environments", {"backend_override.tf": LOCAL_BACKEND})
    root.run("init", "-no-color", "-input=false")
    with serving(root.within(AWS_ENDPOINT_URL=moto_server)) as served:
        yield served


def _environ(top: Path) -> dict[str, str]:
    """Give the environment of Terraform, without credentials or variables of the user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    data = top / "terraform-data"
    return {
        **kept,
        **prepare(kept, data, top.parent / "plugin-cache"),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": NOWHERE,
        "AWS_REGION": "ap-northeast-2",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "TF_DATA_DIR": str(data),
        **unattended(kept),
    }
