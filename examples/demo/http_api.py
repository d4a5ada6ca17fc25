"""Submits to the HTTP API of the demo, as a program of somebody else would."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from command import ROOT, ask, environment

_SECONDS = 60.0  # a call waits at most 25 s for a result
_SOURCE = ROOT / "examples" / "submissions" / "sum" / "accepted.py"


def api_url() -> str:
    """Return the URL of the API and its page."""
    return str(ask("local", "status")["stack"]["api_url"])


def make_key() -> str:
    """Make a key for a user; it is shown once."""
    words = ("--name", "demo", "--user", "demo", "--expires", "1d")
    return str(ask("api-key", "create", environment(), *words)["text"])


def deviations(url: str, key: str) -> list[str]:
    """Submit a program and wait for its result, ask for it again, and load the page."""
    wanted = {"problemId": "sum", "language": "python", "source": _SOURCE.read_text()}
    ran = _call(f"{url}/v1/run", key, {"submission": wanted})
    print(f"POST /v1/run: {ran['requestId']} {ran['status']}", flush=True)
    found = _call(f"{url}/v1/submissions/{ran['requestId']}", key)
    result = found.get("result") or {}
    print(f"GET /v1/submissions/{ran['requestId']}: {result.get('verdict')} {result.get('score')}")
    wrong = []
    if (result.get("verdict"), result.get("score")) != ("AC", 100):
        wrong.append(f"the HTTP API answered {found}, expected AC 100")
    with urllib.request.urlopen(url, timeout=_SECONDS) as page:
        if b"<html" not in page.read():
            wrong.append(f"{url} has no page")
    return wrong


def _call(url: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
