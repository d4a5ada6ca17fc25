"""
Entry point of `make chaos`; exits with 1 when a request is lost, or anything else must not be.

Starts a system of its own, runs 500 requests without a fault as the baseline, then 500 with each
fault, and accounts for each request. Writes `build/chaos.json`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from chaos.faults import FAULTS
from chaos.site import open_site
from chaos.table import show, show_header, write
from chaos.trial import Dose, run

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Run the faults; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("faults", nargs="*", choices=[*FAULTS], help="all of them by default")
    parser.add_argument("--requests", type=int, default=500, help="requests for each fault")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stops the system first
    dose = Dose(asked.requests)
    accounts = []
    with open_site({}) as site:
        show_header(dose.requests)
        for fault in ("none", *(asked.faults or FAULTS)):
            accounts.append(run(site, fault, dose))
            show(accounts[-1])
    baseline, *others = accounts
    write(baseline, others, ROOT / "build" / "chaos.json")
    return 1 if any(account.deviations for account in accounts) else 0


if __name__ == "__main__":
    sys.exit(main())
