"""
Entry point of `make chaos`; exits with 1 when a request is lost, or anything else must not be.

Starts a system of its own, runs 500 requests without a fault as the baseline, then 500 with each
fault, and accounts for each request. Writes `build/chaos.json`, or `build/chaos-sqs.json`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from chaos.dose import Dose
from chaos.faults import FAULTS, FAULTS_OF
from chaos.site import open_site
from chaos.table import show, show_header, write
from chaos.trial import run

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Run the faults; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("faults", nargs="*", choices=[*FAULTS], help="all of them by default")
    parser.add_argument(
        "--transport", choices=[*FAULTS_OF], default="activemq", help="of the requests"
    )
    parser.add_argument("--requests", type=int, default=500, help="requests for each fault")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stops the system first
    dose = Dose(asked.requests)
    accounts = []
    chosen = asked.faults or FAULTS_OF[asked.transport]
    if other := set(chosen) - set(FAULTS_OF[asked.transport]):
        parser.error(f"not with {asked.transport}: {', '.join(sorted(other))}")
    with open_site({}, asked.transport) as site:
        show_header(dose.requests)
        for fault in ("none", *chosen):
            accounts.append(run(site, fault, dose))
            show(accounts[-1])
    baseline, *others = accounts
    ending = "" if asked.transport == "activemq" else f"-{asked.transport}"
    write(baseline, others, ROOT / "build" / f"chaos{ending}.json")
    return 1 if any(account.deviations for account in accounts) else 0


if __name__ == "__main__":
    sys.exit(main())
