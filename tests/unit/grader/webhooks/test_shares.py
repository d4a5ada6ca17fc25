"""The share of each host in what is sent at the same time."""

from __future__ import annotations

from grader.webhooks.shares import HostShares, Limits

LIMITS = Limits(threads=4, per_host=2, held=8)


def shares(**counts: int) -> HostShares[str]:
    """So many deliveries wait for these hosts."""
    found: HostShares[str] = HostShares(LIMITS)
    for host, count in counts.items():
        for number in range(count):
            found.add(host, f"{host}{number}")
    return found


def test_hosts_take_turns_up_to_their_limit() -> None:
    """One with many deliveries leaves threads to the others."""
    held = shares(a=5, b=1, c=1)

    assert held.start() == ["a0", "b0", "c0", "a1"]
    assert (held.start(), held.sending, held.room) == ([], 4, 1)
    held.ended("b", is_slow=False)
    assert held.start() == []
    held.ended("a", is_slow=False)
    assert held.start() == ["a2"]


def test_what_is_held_counts_for_the_share_of_its_host() -> None:
    """Waiting or being sent; a host without any is not named."""
    held = shares(a=3, b=1)
    held.start()
    held.ended("b", is_slow=False)

    assert held.busy() == {"a": 3}


def test_a_slow_host_gets_one_thread_until_it_answers() -> None:
    """What waits for it is given back, and of its next ones a single one is taken."""
    held = shares(a=4)
    assert held.start() == ["a0", "a1"]
    held.ended("a", is_slow=True)

    assert held.give_back_slow() == ["a2", "a3"]
    assert held.busy() == {"a": 1 + LIMITS.held_per_host - 1}
    held.add("a", "a4")
    assert held.start() == []
    held.ended("a", is_slow=True)
    assert held.start() == ["a4"]

    held.ended("a", is_slow=False)
    held.add("a", "a5")
    held.add("a", "a6")
    assert held.start() == ["a5", "a6"]


def test_all_that_waits_is_given_back_at_the_end() -> None:
    """Not what is being sent."""
    held = shares(a=3, b=1)
    held.start()

    assert held.give_back() == ["a2"]
    assert (held.sending, held.room) == (3, 5)
