"""The default work, put together as a worker does it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import structlog
from structlog.testing import CapturingLogger

from grader.contract.messages import GradingRequest
from grader.errors import RequestError, SettingsError
from grader.handlers import HandlerContext
from grader.judge.grader import Grader
from grader.judge.handler import grading
from grader.settings import WorkerSettings
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

REQUEST = GradingRequest(
    request_id="req_1",
    user_id="user_1",
    problem_id="p",
    language="c",
    source_file="s3://files/submissions/req_1/solution",
    time_limit=5000,
    memory_limit=64,
    timestamp=datetime(2024, 8, 20, tzinfo=UTC),
)


def handler_context(launcher: Path, languages: str) -> HandlerContext:
    parameters = {
        f"{name}_param": "/tests/parameter"
        for name in (
            *("mq_endpoint", "mq_username", "mq_password"),
            *("db_endpoint", "db_name", "db_username", "db_password"),
        )
    }
    settings = WorkerSettings(
        environment="tests",
        grading_bucket="files",
        launcher_path=launcher,
        languages=languages,
        **parameters,
    )
    log = structlog.wrap_logger(CapturingLogger(), processors=[])
    return HandlerContext(settings, MemoryObjectStore(), log)


def test_the_health_page_names_the_languages_that_work(launcher: Path) -> None:
    """And the setting limits them."""
    with grading(handler_context(launcher, "c,python")) as spec:
        assert spec.detail == "python, c"


def test_a_request_in_a_language_that_is_turned_off_is_refused(launcher: Path) -> None:
    """Before anything of it is fetched."""
    with (
        grading(handler_context(launcher, "python")) as spec,
        spec.open() as handler,
        pytest.raises(RequestError, match="language c is turned off; available languages: python"),
    ):
        handler(REQUEST)


def test_a_misspelt_list_of_languages_ends_the_worker(launcher: Path) -> None:
    """It is a mistake of whoever deployed it, and no later attempt mends it."""
    with (
        pytest.raises(SettingsError, match="LANGUAGES: unknown language 'cobol'"),
        grading(handler_context(launcher, "cobol")),
    ):
        pytest.fail("it was started")


def test_all_slots_use_the_same_caches(launcher: Path) -> None:
    """What one has fetched or compiled is there for the others, and gone with the worker."""
    with grading(handler_context(launcher, "python")) as spec:
        with spec.open() as one, spec.open() as other:
            assert cast(Grader, one).caches is cast(Grader, other).caches
            kept = cast(Grader, one).caches
        assert kept is not None
        with spec.open() as later:
            assert cast(Grader, later).caches is kept
