"""Decides which of the deliveries that were taken may be sent now: each host gets its share."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Limits:
    """
    How much is sent at the same time.

    Args:
        threads: Deliveries in all.
        per_host: Deliveries to one host.
        held: Deliveries that are taken from the outbox in all, with those that are being sent;
            half as many to one host. They save queries.
        idle_seconds: Between two looks for due deliveries, unless `wake` is called.
        retry_seconds: After an error of the database or the parameter store.
    """

    threads: int = 16
    per_host: int = 8
    held: int = 64
    idle_seconds: float = 5.0
    retry_seconds: float = 15.0

    @property
    def held_per_host(self) -> int:
        """How many of one host are taken from the outbox."""
        return max(self.held // 2, 1)


class HostShares(Generic[_Item]):
    """
    The deliveries that are held, by host: they wait, or are being sent.

    A slow host gets one thread, and at most one of its deliveries is held.

    Args:
        limits: How much is sent at the same time.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: dict[str, deque[_Item]] = {}
        self._sending: Counter[str] = Counter()
        self._slow: set[str] = set()

    @property
    def sending(self) -> int:
        """How many are being sent."""
        return self._sending.total()

    @property
    def room(self) -> int:
        """How many more may be held."""
        held = self.sending + sum(map(len, self._waiting.values()))
        return self._limits.held - held

    def busy(self) -> dict[str, int]:
        """Return how many deliveries of each host are held; the outbox keeps to its share."""
        hosts = {*self._waiting, *self._sending, *self._slow}
        reserved = self._limits.held_per_host - 1
        return {
            host: len(self._waiting.get(host, ()))
            + self._sending[host]
            + (reserved if host in self._slow else 0)
            for host in hosts
        }

    def add(self, host: str, item: _Item) -> None:
        """Hold one."""
        self._waiting.setdefault(host, deque()).append(item)

    def start(self) -> list[_Item]:
        """Return those that may be sent now, one of each host in turn; they are being sent."""
        started: list[_Item] = []
        ready = list(self._waiting)
        while ready:
            ready = [host for host in ready if self._may_start(host)]
            for host in ready:
                if self.sending < self._limits.threads:
                    started.append(self._waiting[host].popleft())
                    self._sending[host] += 1
        self._waiting = {host: items for host, items in self._waiting.items() if items}
        return started

    def _may_start(self, host: str) -> bool:
        most = 1 if host in self._slow else self._limits.per_host
        is_free = self._sending[host] < most and self.sending < self._limits.threads
        return bool(self._waiting[host]) and is_free

    def ended(self, host: str, *, is_slow: bool) -> None:
        """
        Note that one was sent, or failed.

        Args:
            host: Its host.
            is_slow: Whether the host makes others wait.
        """
        self._sending[host] -= 1
        self._sending += Counter()  # drops what is zero
        if is_slow:
            self._slow.add(host)
        else:
            self._slow.discard(host)

    def give_back_slow(self) -> list[_Item]:
        """Let go of what waits for slow hosts, so that no lease ends while it waits."""
        return self._let_go(self._slow & set(self._waiting))

    def give_back(self) -> list[_Item]:
        """Let go of all that waits."""
        return self._let_go(list(self._waiting))

    def _let_go(self, hosts: Iterable[str]) -> list[_Item]:
        return [item for host in hosts for item in self._waiting.pop(host)]
