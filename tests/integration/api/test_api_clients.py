"""Both clients behave alike, against a real API, broker, bucket and worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest
from api_world import ApiWorld
from graded_api import SOLUTION, GradedApi

from grader.adapters.activemq.connection import connect
from grader.adapters.activemq.sender import ActiveMQSender
from grader.adapters.s3 import S3ObjectStore
from grader.client import AsyncGradingClient, GradingClient, HttpGradingClient, Program
from grader.client.http import LARGEST_IN_BODY
from grader.contract.api_keys import Scope
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.contract.submissions import Submission
from grader.contract.verdicts import Status, Verdict
from grader.errors import AccessError, NoResultError, RequestError

pytestmark = pytest.mark.engine
Client = GradingClient | HttpGradingClient
SECONDS = 60.0


class _QueuesOfTheWorld:
    """Sends to the queues of the world, which have names of their own."""

    def __init__(self, world: ApiWorld, sender: ActiveMQSender) -> None:
        self._names = {
            REQUESTS_QUEUE: world.environment["QUEUE_NAME"],
            PRIORITY_QUEUE: world.environment["PRIORITY_QUEUE_NAME"],
        }
        self._sender = sender

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a message."""
        self._sender.send(self._names[queue], body, headers)


@pytest.fixture
def http(graded: GradedApi) -> Iterator[HttpGradingClient]:
    """A client of the API with the key of `ann`, an operator, who may use the urgent queue."""
    key = graded.world.make_key("ann", Scope.SUBMIT, Scope.READ_OWN, Scope.ADMIN)
    made = HttpGradingClient(graded.api.url, key)
    yield made
    made.close()


@pytest.fixture(params=["direct", "http"])
def client(
    request: pytest.FixtureRequest, graded: GradedApi, http: HttpGradingClient
) -> Iterator[Client]:
    """One client, then the other."""
    if request.param == "http":
        yield http
        return
    world, broker = graded.world, graded.world.broker
    assert broker is not None
    sender = ActiveMQSender(
        lambda: connect(
            [broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file, name="test"
        )
    )
    store = S3ObjectStore(world.aws("s3"), world.bucket)
    yield GradingClient(world.bucket, store, _QueuesOfTheWorld(world, sender))
    sender.close()


@pytest.mark.parametrize("is_urgent", [False, True])
def test_a_submission_gets_its_result(client: Client, is_urgent: bool) -> None:
    """By waiting, and by reading it later."""
    request_id = client.submit("sum", "python", SOLUTION, user_id="ann", priority=is_urgent)

    result = client.wait(request_id, SECONDS)

    assert (result.request_id, result.status) == (request_id, Status.COMPLETED)
    assert result.result is not None
    assert result.result.verdict is Verdict.ACCEPTED
    read = client.result(request_id)
    assert read is not None
    assert read.result == result.result


def test_a_repeated_submission_is_the_same(client: Client) -> None:
    """With a text of the caller's own."""
    first, second = (
        client.submit("sum", "python", SOLUTION, user_id="ann", request_id="mine_1")
        for _ in range(2)
    )

    assert first == second


def test_an_invalid_value_is_named_as_the_argument(client: Client) -> None:
    """Before anything is stored."""
    with pytest.raises(RequestError, match=r"^problem_id: "):
        client.submit("../x", "python", SOLUTION, user_id="ann")
    with pytest.raises(RequestError, match=r"^source: 0 bytes"):
        client.submit("sum", "python", b"", user_id="ann")


def test_a_submission_that_does_not_exist_has_no_result(client: Client) -> None:
    """None, and an error from a wait."""
    assert client.result("req_absent") is None
    with pytest.raises(NoResultError):
        client.wait("req_absent", 0.01)


def test_asyncio_waits_with_either_client(client: Client) -> None:
    """Several submissions at once."""

    async def run() -> list[Verdict | None]:
        both = AsyncGradingClient(client)
        ids = [await both.submit("sum", "python", SOLUTION, user_id="ann") for _ in range(3)]
        results = await asyncio.gather(*(both.wait(each, SECONDS) for each in ids))
        return [each.result.verdict if each.result else None for each in results]

    assert asyncio.run(run()) == [Verdict.ACCEPTED] * 3


def test_the_events_of_a_submission_end_with_its_result(http: HttpGradingClient) -> None:
    """Each is the whole document."""
    request_id = http.submit("sum", "python", SOLUTION)

    *_, last = http.events(request_id, SECONDS)

    assert isinstance(last, Submission)
    assert last.verdict is Verdict.ACCEPTED


def test_a_large_program_goes_by_the_upload_url(http: HttpGradingClient, graded: GradedApi) -> None:
    """The worker finds it in the bucket."""
    source = SOLUTION.encode() + b"#" * LARGEST_IN_BODY

    request_id = http.submit("sum", "python", source)

    assert http.wait(request_id, SECONDS).status is Status.COMPLETED
    key = f"submissions/{request_id}/solution.py"
    stored = graded.world.aws("s3").get_object(Bucket=graded.world.bucket, Key=key)["Body"].read()
    assert stored == source


def test_a_batch_is_sent_once(http: HttpGradingClient) -> None:
    """A repetition with the same key is the same batch."""
    programs = [Program("sum", "python", f"{SOLUTION}# {number}") for number in range(3)]

    first, second = (http.submit_batch(programs, batch_key="homework-1") for _ in range(2))
    for request_id in first.request_ids:
        http.wait(request_id, SECONDS)

    assert first == second
    assert http.batch(first.batch_id).finished == 3


def test_a_wrong_key_is_an_access_error(graded: GradedApi) -> None:
    """Which is not repeated."""
    client = HttpGradingClient(graded.api.url, "gk_aaaaaaaaaaaa_" + "a" * 43)

    with pytest.raises(AccessError):
        client.submit("sum", "python", SOLUTION)
    client.close()
