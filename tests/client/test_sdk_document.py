"""The examples of docs/sdk.md run as they stand there, each in a folder of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.client.odd_server import OddServer, Reply

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8717"
PRINTED = [
    "hard_block 950 True\nA stolen card.\n",
    "",
    "",
    "t-1 allow\nt-2 not decided",
    "True 3\nbackups all rows None\n",
    "u-1 hard_block\n",
    "hard_block\n",
]


class Api(OddServer):
    """Decides all payments alike, in the API's form."""

    def answer(self, path: str, body: Any) -> Reply:
        if path == "/v1/erasures":
            held = [{"where": "backups", "what": "all rows"}]
            told = {"event_id": "e", "is_forgotten": True, "removed": {"decisions": 3}, "held": held}
            return Reply(body=json.dumps(told).encode())
        if path == "/v1/decisions:batch":
            results = [{"status": 200, "decision": self._decision(event)} for event in body]
            return Reply(body=json.dumps({"results": results, "failed": 0}).encode())
        return Reply(body=json.dumps(self._decision(body)).encode())

    def _decision(self, event: Any) -> dict[str, Any]:
        reason = {"source": "rule", "name": "R", "text": "A stolen card.", "weight": 500.0}
        ids = {name: event[name] for name in ("transaction_id", "user_id")}
        return ids | {"decision_id": "d", "action": "hard_block", "risk_score": 950, "reasons": [reason]}


@pytest.mark.parametrize(
    ("example", "printed"), list(zip(EXAMPLES, PRINTED, strict=True)), ids=map(str, range(len(EXAMPLES)))
)
def test_an_example_runs(
    example: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with Api(Reply()) as api:
        exec(compile(example.replace(ADDRESS, api.address), "docs/sdk.md", "exec"), {"__name__": "__main__"})
        assert (len(api.asked) > 0) == (ADDRESS in example)
    told = capsys.readouterr().out
    assert told.startswith(printed)
    assert bool(told) == bool(printed)
