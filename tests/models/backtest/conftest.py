"""One history and its runs for all tests of backtests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.backtest.runs import LIVE, NEW, score, simulate_history


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
