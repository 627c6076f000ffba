"""One history and its runs for all tests of backtests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.models.backtest.runs import LIVE, NEW, decisions_of, score, simulate_history


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of events."""
    return simulate_history(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="session")
def live_run(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rules LIVE decided."""
    return score(tmp_path_factory.mktemp("runs") / "live", history, LIVE)


@pytest.fixture(scope="session")
def new_run(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rules NEW decide on the same events."""
    return score(tmp_path_factory.mktemp("runs") / "new", history, NEW)


@pytest.fixture(scope="session")
def shadowed(live_run: Path, new_run: Path, history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The live run, in which the rules NEW ran as a shadow on every decision but each fifth; another set failed at times."""
    folder = tmp_path_factory.mktemp("shadowed")
    lines = []
    for number, (live, new) in enumerate(zip(decisions_of(live_run), decisions_of(new_run), strict=True)):
        if number % 5:
            rules, failed = new["rules"], number % 7 == 0
            live["shadow"] = [
                {"set": "next", "version": 4, "hits": rules["hits"], "points": rules["points"], "action": new["action"]},
                {"set": "other", "version": 1, "hits": [], "points": 0, "action": None if failed else "allow"},
            ]  # fmt: skip
        lines.append(json.dumps(live))
    (folder / "decisions.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "run.json").write_text(json.dumps({"events": str(history)}))
    return folder
