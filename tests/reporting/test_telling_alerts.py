"""Which of many alerts are shown."""

from __future__ import annotations

import json
from pathlib import Path

from reporting.telling_alerts import FALSE_ALARM, NOT_KNOWN, telling_alerts
from tests.reporting.made_runs import decision, truth_of, write_run


def shown(folder: Path, most: int) -> list[tuple[str, str]]:
    found = telling_alerts(folder / "alerts.jsonl", folder / "truth.jsonl", most)
    return [(json.loads(alert.record)["transaction_id"], alert.outcome) for alert in found]


def made_run(folder: Path) -> Path:
    """Twenty alerts, later ones score more: 10 of card testing, 6 false alarms, 3 of bursts, one of unknown truth."""
    patterns = ["card_testing"] * 10 + [None] * 6 + ["burst"] * 3
    made = [decision(number, action="refer_to_analyst", risk_score=100 + number) for number in range(20)]
    truth = [truth_of(one, pattern is not None, pattern) for one, pattern in zip(made, patterns, strict=False)]
    return write_run(folder, [*made, decision(50)], truth)


def test_the_strongest_of_each_outcome_comes_first_and_all_are_in_order_of_time(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    assert shown(run, 4) == [
        ("T9", "card testing"), ("T15", FALSE_ALARM), ("T18", "burst"), ("T19", NOT_KNOWN),
    ]  # fmt: skip


def test_where_there_is_room_the_strongest_of_the_rest_follow(tmp_path: Path) -> None:
    assert [name for name, _ in shown(made_run(tmp_path / "run"), 7)] == [
        "T9",
        "T14",
        "T15",
        "T16",
        "T17",
        "T18",
        "T19",
    ]


def test_no_more_are_shown_than_asked_for_or_than_there_are(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    assert [name for name, _ in shown(run, 2)] == ["T9", "T15"]
    assert len(shown(run, 100)) == 20
