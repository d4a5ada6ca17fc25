"""When deliveries are sent again."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from grader.webhooks.schedule import DELAYS, next_delay


def test_eight_attempts_take_more_than_a_day() -> None:
    """At once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; then the delivery is dead."""
    delays = [next_delay(number, "msg_1") for number in range(1, len(DELAYS) + 2)]

    assert delays[-1] is None
    total = sum((each for each in delays if each), timedelta())
    assert timedelta(hours=27) < total < timedelta(hours=34)


def test_deliveries_that_failed_together_return_spread() -> None:
    """A receiver that comes back does not get everything in one second."""
    delays = {next_delay(2, f"msg_{number}") for number in range(100)}

    assert len(delays) > 90
    assert max(delays) - min(delays) > timedelta(seconds=30)


def test_a_receiver_may_ask_for_more_time_up_to_the_next_step() -> None:
    """`Retry-After` neither shortens a delay nor postpones a delivery without end."""
    assert next_delay(1, "m", timedelta(seconds=60)) == timedelta(seconds=60)
    assert next_delay(1, "m", timedelta(seconds=0)) == next_delay(1, "m")
    assert next_delay(1, "m", timedelta(days=3)) == DELAYS[1]
    assert next_delay(len(DELAYS) + 1, "m", timedelta(seconds=1)) is None


@given(st.integers(1, 7), st.text(max_size=8), st.none() | st.timedeltas(min_value=timedelta()))
def test_a_delay_lies_between_its_step_and_the_next(
    attempt: int, key: str, retry_after: timedelta | None
) -> None:
    """Whatever the receiver sends."""
    delay = next_delay(attempt, key, retry_after)

    assert delay is not None
    assert DELAYS[attempt - 1] <= delay <= max(DELAYS[attempt - 1] * 1.2, DELAYS[min(attempt, 6)])
