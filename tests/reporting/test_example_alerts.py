"""Selection of the alerts that the demo shows."""

from __future__ import annotations

from pathlib import Path

from reporting.example_alerts import FALSE_ALARM, NOT_KNOWN, example_alerts
from tests.reporting.made_runs import decision, truth_of, write_run


def shown(folder: Path, most: int) -> list[tuple[str | None, str]]:
    found = example_alerts(folder / "alerts.jsonl", folder / "truth.jsonl", most)
    return [(alert.record.transaction_id, alert.outcome) for alert in found]


def made_run(folder: Path) -> Path:
    """20 alerts of rising score: 10 card testing, 6 false alarms, 3 bursts, one of unknown truth."""
    patterns = ["card_testing"] * 10 + [None] * 6 + ["burst"] * 3
    made = [decision(number, action="refer_to_analyst", risk_score=100 + number) for number in range(20)]
    truth = [truth_of(one, pattern is not None, pattern) for one, pattern in zip(made, patterns, strict=False)]
    return write_run(folder, [*made, decision(50)], truth)


def test_the_strongest_of_each_outcome_are_chosen_in_order_of_time(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    assert shown(run, 4) == [
        ("T9", "card testing"), ("T15", FALSE_ALARM), ("T18", "burst"), ("T19", NOT_KNOWN),
    ]  # fmt: skip


def test_free_places_are_filled_with_the_strongest_of_the_rest(tmp_path: Path) -> None:
    assert [name for name, _ in shown(made_run(tmp_path / "run"), 7)] == [
        "T9",
        "T14",
        "T15",
        "T16",
        "T17",
        "T18",
        "T19",
    ]


def test_at_most_the_requested_number_is_returned(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    assert [name for name, _ in shown(run, 2)] == ["T9", "T15"]
    assert len(shown(run, 100)) == 20
