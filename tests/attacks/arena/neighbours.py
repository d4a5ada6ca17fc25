"""Attacks in one box while another one judges submissions with known verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from arena.arena import Arena, Trial
from arena.attack import Attack

#: One for each verdict that a neighbour might change.
WITNESSES = ("no-newline", "invalid-utf8", "judge-words", "spin", "memory-touch", "core-dump")


def disturb(attacker: Arena, judged: Arena, attack: Attack, witnesses: Sequence[Attack]) -> Trial:
    """
    Run an attack in one box, and return the deviations of both boxes.

    Args:
        attacker: Runs the attack.
        judged: Judges the witnesses as long as the attack runs.
        attack: Attacks the other box.
        witnesses: Submissions with known verdicts; each is judged at least once.
    """
    changed, left = [], []
    with ThreadPoolExecutor(1) as pool:
        waiting = list(witnesses)
        running = pool.submit(attacker.fight, attack)
        while waiting or not running.done():
            if running.done():
                running = pool.submit(attacker.fight, attack)
            witness = waiting.pop() if waiting else witnesses[0]
            seen = judged.fight(witness)
            changed += [f"in the other box, {witness.name}: {one}" for one in seen.changed]
            left += [f"in the other box, {witness.name}: {one}" for one in seen.left]
        trial = running.result()
    return replace(trial, changed=trial.changed + tuple(changed), left=trial.left + tuple(left))
