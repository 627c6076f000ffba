"""From an alert to its outcome on the pages, and to what the next decision knows of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx

from tests.console.api.serving import payment, stored, wait_for

RULES = """
name: outcomes
version: 1
scale: [[0, 0], [100, 1000]]
rules:
  - id: large
    points: 10
    when: amount > 500
    reason: "A payment of {amount}"
    action: refer_to_analyst
"""


def written_rules(folder: Path) -> str:
    """A rule file by which every payment above 500 is an alert."""
    file = folder / "outcomes.yaml"
    file.write_text(RULES)
    return str(file)


def close_as(client: httpx.Client, decision_id: str, outcome: str) -> None:
    """Close the case of an alert on the pages, once it is in the queue."""
    wait_for(lambda: client.get(f"/alerts/{decision_id}").status_code == 200)
    page = client.get(f"/alerts/{decision_id}").text
    (case,) = re.findall(r'data-case="(\d+)"', page)
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)
    done = client.post("/cases/outcome", data={"case": case, "outcome": outcome, "csrf": token})
    assert done.json() == {"done": [int(case)], "refused": {}}


def prior_frauds(client: httpx.Client, **fields: Any) -> float | None:
    """What the decision of a new payment knows of the user's confirmed frauds."""
    answer = client.post("/v1/decisions", json=payment(**fields))
    assert answer.status_code == 200, answer.text
    if answer.json()["degraded"] is not None:
        return None
    features = stored(client, answer.json()["decision_id"])["features"]
    found: float | None = features["prior_fraud_count"]
    return found
