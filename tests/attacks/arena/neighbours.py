"""One slot attacks while the other judges submissions whose verdicts are known."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from arena.arena import Arena, Trial
from arena.attack import Attack

#: One for each verdict that a neighbour might spoil.
WITNESSES = ("no-newline", "invalid-utf8", "judge-words", "spin", "memory-touch", "core-dump")


def disturb(attacker: Arena, judged: Arena, attack: Attack, witnesses: Sequence[Attack]) -> Trial:
    """
    Let an attack loose in one slot, and give all that went wrong in either.

    Args:
        attacker: Where the attack is.
        judged: Where the others are judged, for as long as the attack goes on.
        attack: Aims at the other slot.
        witnesses: Submissions whose verdict must not change; each is judged at least once.
    """
    deviations: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        waiting = list(witnesses)
        running = pool.submit(attacker.fight, attack)
        while waiting or not running.done():
            if running.done():
                running = pool.submit(attacker.fight, attack)
            witness = waiting.pop() if waiting else witnesses[0]
            seen = judged.fight(witness).deviations
            deviations += [f"beside it, {witness.name}: {one}" for one in seen]
        trial = running.result()
    everything = (*trial.deviations, *deviations)
    return Trial(attack.name, trial.warm, trial.verdict, trial.milliseconds, everything)
