"""What a proposed mapping does with its sample is told in comments, whatever the number of problems."""

from __future__ import annotations

from pathlib import Path

from ingest.guess_trial import trial_result
from ingest.sample import read_sample

TWO_PROBLEMS = "kind: transaction\nfields: {transaction_id: id}\ncsv: {delimiter: 3}\nlabel: 5\n"


def test_each_problem_of_a_mapping_is_a_comment(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,a,b\n1,2,3\n")
    lines = trial_result(TWO_PROBLEMS, read_sample(table).chunk).splitlines()
    assert len(lines) > 1
    assert all(line.startswith("# Not usable yet: ") for line in lines)
