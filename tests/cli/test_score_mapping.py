"""The truth of a table that `fraud score --mapping` converts: what the report says of resolution codes."""

from __future__ import annotations

from pathlib import Path

from cli.score import _converted
from reporting.run_files import read_run
from reporting.summary import summarize
from tests.reporting.made_runs import decision, write_run

MAPPING = """
kind: transaction
fields: {transaction_id: id, user_id: user, timestamp: time, amount: amount}
"""
LABEL = "label: {is_fraud: fraud, delay_days: 1, resolution_code: why}\n"
TABLE = (
    "id,user,time,amount,fraud,why\n"
    "T0,U0,2024-02-01,5,1,10.4\nT1,U1,2024-02-01,7,1,10.4\nT2,U2,2024-02-01,1,0,friendly\nT3,U3,2024-02-01,50,0,\n"
)


def prepared(folder: Path, mapping: str) -> tuple[Path, Path | None]:
    (folder / "mine.csv").write_text(TABLE)
    (folder / "m.yaml").write_text(mapping)
    return _converted(folder / "mine.csv", folder / "m.yaml", folder / "run")


def test_resolution_codes_of_the_table_reach_the_report(tmp_path: Path) -> None:
    _, truth = prepared(tmp_path, MAPPING + LABEL)
    decisions = [
        decision(0, amount=5.0, action="hard_block"),
        decision(1, amount=7.0),
        decision(2, amount=1.0, action="refer_to_analyst"),
        decision(3, amount=50.0),
    ]
    accuracy = summarize(read_run(write_run(tmp_path / "decided", list(decisions)), truth)).accuracy
    assert accuracy is not None
    assert (accuracy.labelled, accuracy.frauds) == (4, 2)
    rows = [
        (row.resolution_code, row.count, row.amount, row.stopped, row.amount_stopped) for row in accuracy.resolutions
    ]
    assert rows == [("10.4", 2, 12.0, 1, 5.0), ("friendly", 1, 1.0, 1, 1.0)]


def test_the_truth_of_an_earlier_run_in_the_folder_does_not_count(tmp_path: Path) -> None:
    assert prepared(tmp_path, MAPPING + LABEL)[1] == tmp_path / "run" / "truth.jsonl"
    assert prepared(tmp_path, MAPPING)[1] is None
