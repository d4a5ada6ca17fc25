"""The commands of docs/tutorial.md, and of the pages that it needs."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import pytest
import tutorial
from tutorial import Part

from gradectl.environment import Environment
from gradectl.local import lifecycle
from gradectl.local.stack import DIRECTORY_VARIABLE
from gradectl.monitoring.names import ResourceNames
from grader.contract.names import parameter_name

WITHOUT_PROVIDER = Path(__file__).resolve().parents[2] / "fixtures" / "root_without_provider.tf"
TUTORIAL = tutorial.commands(tutorial.PAGE.read_text())


def test_the_tutorial_goes_through_all_parts_in_order() -> None:
    """Each command is known to the tests, and belongs to the part that comes next."""
    order = list(Part)
    positions = [order.index(command.part) for command in TUTORIAL]

    assert positions == sorted(positions)
    assert set(positions) == set(range(len(order)))


@pytest.mark.parametrize("line", ["gradectl smok exams", "aws s3 ls", "gradectl deploy production"])
def test_an_unknown_command_fails_with_its_name(line: str) -> None:
    """A command of the tutorial cannot escape the tests."""
    (command,) = tutorial.commands(f"```sh\n{line}  # comment\n```\n")

    with pytest.raises(LookupError, match=line):
        _ = command.part


def test_the_tunnel_to_the_broker_leads_through_a_worker() -> None:
    """No test can open it, but its names are those of the environment."""
    text = (tutorial.ROOT / "docs" / "deploy.md").read_text()
    recipe = text.partition("## Reaching the broker")[2].partition("## ")[0]
    environment = Environment(
        schema_version=1,
        name=tutorial.ENVIRONMENT,
        account_id="123456789012",
        region="ap-northeast-2",
    )
    names = ResourceNames.of(environment)

    assert set(re.findall(r"--cluster (\S+)", recipe)) == {names.cluster}
    assert f"ecs:{names.cluster}_" in recipe
    assert f"name=='{names.container}'" in recipe
    assert f"--name {parameter_name(environment.name, 'mq', 'broker-endpoint')} " in recipe


@pytest.mark.engine
def test_the_tutorial_prepares_an_account(tmp_path: Path, moto_server: str) -> None:
    """Install, describe, bootstrap, render, and a dry run, as one script of a shell."""
    root = tmp_path / "root" / "environments"
    root.mkdir(parents=True)
    shutil.copy(WITHOUT_PROVIDER, root / "main.tf")
    wanted = [each for each in TUTORIAL if each.part in {Part.INSTALL, Part.PREPARE}]
    environ = {"GRADECTL_ENDPOINT_URL": moto_server, "GRADECTL_LOCAL_DIR": str(tmp_path / "stack")}

    done = tutorial.run(tmp_path, tutorial.script(wanted), environ, root)

    assert done.returncode == 0, done.stdout
    assert "would be deployed (dry run)" in done.stdout


@pytest.mark.exhaustive
@pytest.mark.stack
def test_the_whole_tutorial_is_one_script(tmp_path: Path) -> None:
    """Every command as it stands, on one account with engines and workers; it leaves nothing."""
    # Box users cannot traverse tmp_path.
    directory = Path(tempfile.mkdtemp(prefix="gradectl-test-"))
    environ = {DIRECTORY_VARIABLE: str(directory)}
    script = tutorial.script(TUTORIAL, account=f"gradectl local up {tutorial.ENVIRONMENT}")

    try:
        done = tutorial.run(tmp_path, script, environ)
    finally:
        lifecycle.down(directory)
        shutil.rmtree(directory)

    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": AC, score 100") == 1
    assert done.stdout.count(": CE, score 0") == 1
    assert re.search(r"^destroyed: \d+ deleted$", done.stdout, re.MULTILINE), done.stdout
