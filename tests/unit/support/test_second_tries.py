"""Tests on real engines get a second try, which is shown and counted; others get none."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
SUPPORT = Path(__file__).resolve().parents[2] / "support"
FAILS_ONCE = """
import pathlib, pytest
@pytest.mark.{marker}
@pytest.mark.parametrize("name", {names})
def test_it(name):
    seen = pathlib.Path(name)
    first = not seen.exists()
    seen.touch()
    assert not first, "broken the first time"
"""
INI = """
[pytest]
pythonpath = {support}
addopts = -p xdist -p pytest_rerunfailures -p second_tries
markers =
    engine: x
    stack: x
    plain: x
"""


@pytest.fixture(autouse=True)
def _few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load only the plug-ins of `INI`: loading all of them takes longer than the tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def outcome(
    pytester: pytest.Pytester, marker: str, names: list[str], *words: str
) -> pytest.RunResult:
    """Run tests that fail the first time."""
    pytester.makeini(INI.format(support=SUPPORT))
    pytester.makepyfile(FAILS_ONCE.format(marker=marker, names=names))
    return pytester.runpytest_subprocess(*words)


#: `make test` runs several processes.
ALONE = pytest.param("engine", (), marks=pytest.mark.exhaustive, id="alone")


@pytest.mark.parametrize(
    ("marker", "words"), [ALONE, pytest.param("stack", ("-n", "1"), id="xdist")]
)
def test_a_second_try_is_printed_with_its_first_failure(
    pytester: pytest.Pytester, marker: str, words: tuple[str, ...]
) -> None:
    """The run passes, and whoever reads it sees what failed."""
    done = outcome(pytester, marker, ["a", "b"], *words)

    assert done.ret == 0
    done.stdout.fnmatch_lines(["*2 second tries; more than 3 fail the run*"])
    done.stdout.fnmatch_lines(["*broken the first time*"])
    done.stdout.fnmatch_lines(["*20 slowest tests*", "* s  *test_it?a?*"])


def test_a_test_without_an_engine_never_runs_again(pytester: pytest.Pytester) -> None:
    """It depends on nothing that could be slow, so its failure is a fault."""
    done = outcome(pytester, "plain", ["a"])

    assert done.ret == 1
    done.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("marker", "words"), [ALONE, pytest.param("engine", ("-n", "1"), id="xdist")]
)
def test_too_many_second_tries_fail_the_run(
    pytester: pytest.Pytester, marker: str, words: tuple[str, ...]
) -> None:
    """Four of them show a pattern."""
    done = outcome(pytester, marker, ["a", "b", "c", "d"], *words)

    assert done.ret == 1
    done.stdout.fnmatch_lines(["*4 second tries*"])


def test_a_process_gives_no_more_second_tries_than_fail_the_run(pytester: pytest.Pytester) -> None:
    """With an engine gone each of them may take a minute, and the run is lost anyway."""
    names = [str(number) for number in range(7)]
    done = outcome(pytester, "engine", names, "-n", "1")

    done.assert_outcomes(passed=4, failed=3)


def test_a_failure_is_printed_when_it_happens(pytester: pytest.Pytester) -> None:
    """A run that is ended from outside never gets to its summary."""
    done = outcome(pytester, "plain", ["a", "b"], "-n", "1")

    text = done.stdout.str()
    line = "failed test_a_failure_is_printed_when_it_happens.py::test_it[a]: AssertionError: broken"
    assert line in text.partition("= FAILURES =")[0]
