"""Shows accounts, and writes them as figures with their baseline."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from chaos.account import Account

_HEADER = "fault              results  rows  dup  again  sent+  DLQ  lasted   first    all"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show_header(requests: int) -> None:
    """Print what the columns mean, and their names."""
    say(
        f"{requests} requests each. dup: duplicate rows; again: requests graded more than once;\n"
        "sent+: result messages sent again; DLQ: dead letters; seconds: how long the fault lasted,"
        "\nfrom its end to the next result, and to the last result.\n"
    )
    say(_HEADER)


def show(account: Account) -> None:
    """Print one row, and what must not be below it."""
    say(
        f"{account.fault:17}  {account.results:7}  {account.rows:4}  {account.duplicate_rows:3}"
        f"  {account.graded_again:5}  {account.repeated:5}  {account.dead_letters:3}"
        f"  {account.lasted_seconds:6.1f}  {account.first_seconds:6.1f}"
        f"  {account.recovery_seconds:5.1f}"
    )
    for deviation in account.deviations:
        say(f"  DEVIATION: {deviation}")


def write(baseline: Account, accounts: Sequence[Account], path: Path) -> None:
    """Write all accounts, and the recovery of each fault as a figure with its baseline."""
    figures = {
        f"recovery_seconds_{account.fault}": {
            "value": round(account.recovery_seconds, 2),
            "unit": "seconds",
            "baseline": round(baseline.recovery_seconds, 2),
            "n": account.requests,
        }
        for account in accounts
    }
    document = {
        "schema_version": 1,
        "figures": figures,
        "accounts": [asdict(each) for each in (baseline, *accounts)],
        "machine": {"cores": os.cpu_count(), "load_average": os.getloadavg()},
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
