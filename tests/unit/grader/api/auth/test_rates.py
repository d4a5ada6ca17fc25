"""Token buckets and counters of open requests."""

from __future__ import annotations

from grader.api.auth.rates import OpenRequests, RateLimiter


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_a_minute_of_calls_may_come_at_once_and_then_evenly() -> None:
    """60 a minute: sixty, then one a second."""
    clock = Clock()
    limiter = RateLimiter(clock)

    assert [limiter.take("one", 60).allowed for _ in range(61)] == [True] * 60 + [False]
    clock.now += 1.01
    assert [limiter.take("one", 60).allowed for _ in range(2)] == [True, False]


def test_names_do_not_share_a_bucket() -> None:
    """A busy key takes nothing from another."""
    limiter = RateLimiter(Clock())
    assert limiter.take("one", 1).allowed
    assert not limiter.take("one", 1).allowed

    assert limiter.take("two", 1).allowed


def test_the_headers_say_what_is_left_and_when_to_come_back() -> None:
    """RateLimit-Policy, RateLimit, and Retry-After where it was refused."""
    limiter = RateLimiter(Clock())

    first = dict(limiter.take("one", 2, 2).headers())
    refused = dict(limiter.take("one", 2).headers())

    assert first == {b"ratelimit-policy": b'"key";q=2;w=60', b"ratelimit": b'"key";r=0;t=60'}
    assert refused[b"retry-after"] == b"30"


def test_a_batch_costs_what_it_holds_and_is_taken_as_a_whole_or_not() -> None:
    """One that is larger than the bucket needs a full bucket, or it could never be sent."""
    limiter = RateLimiter(Clock())
    limiter.take("one", 10, 4)

    assert not limiter.take("one", 10, 7).allowed
    assert limiter.take("one", 10, 6).allowed
    assert limiter.take("two", 10, 1000).allowed
    assert limiter.is_empty("two", 10)


def test_the_memory_is_bounded() -> None:
    """Names that were not used for longest are forgotten."""
    limiter = RateLimiter(Clock(), most_names=3)

    for number in range(1000):
        limiter.take(str(number), 1)

    assert len(limiter._buckets) == 3
    assert limiter.is_empty("999", 1)


def test_a_clock_that_stands_still_gives_no_calls() -> None:
    """Nor does asking."""
    limiter = RateLimiter(Clock())
    limiter.take("one", 1)

    assert all(limiter.is_empty("one", 1) for _ in range(10))


def test_open_calls_are_counted_until_they_end() -> None:
    """A refused one is not counted."""
    calls = OpenRequests()

    assert [calls.enter("one", 2) for _ in range(3)] == [True, True, False]
    calls.leave("one")
    assert calls.enter("one", 2)
    calls.leave("one")
    calls.leave("one")
    assert calls._open == {}
