"""Reading a run directory, and the errors of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reporting.alerts import TOP_ALERTS
from reporting.decisions import has_tag
from reporting.errors import RunFilesError
from reporting.run_files import read_run
from reporting.summary import summarize
from tests.reporting.made_runs import alert_of, decision, flag_notice_of, truth_of, write_lines, write_run
from udfs.records.logged_features import pack_features
from udfs.records.outputs import Decision


def test_the_error_of_a_missing_directory_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(RunFilesError, match=r"absent: no such run directory; `fraud score` makes one"):
        read_run(tmp_path / "absent")


def test_a_directory_without_decisions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFilesError, match=r"not a run directory: it has no decisions\.jsonl"):
        read_run(tmp_path)


def test_alerts_may_be_missing_only_if_no_decision_raised_one(tmp_path: Path) -> None:
    quiet = write_run(tmp_path / "quiet", [decision(0)])
    (quiet / "alerts.jsonl").unlink()
    assert len(read_run(quiet).alerts.action) == 0
    loud = write_run(tmp_path / "loud", [decision(0, action="refer_to_analyst")])
    (loud / "alerts.jsonl").unlink()
    with pytest.raises(RunFilesError, match=r"alerts\.jsonl: missing, but decisions of this run raised alerts"):
        read_run(loud)


def test_dead_letters_and_facts_are_optional(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", [decision(0)])
    (directory / "dead_letters.jsonl").unlink()
    run = read_run(directory)
    assert run.dead_letters.count == 0
    assert (run.facts.all, run.facts.seconds) == ((), None)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", r"line 2: Input data was truncated"),
        (b'{"type":"transaction"}', r"line 2: Invalid value 'transaction' - at `\$\.type`"),
        (b'{"type":"duplicate"}', r"line 2: Object missing required field `transaction_id`"),
        (b"\xff\xfe", r"line 2: JSON is malformed"),
        (b"[" * 100_000, r"line 2: "),
    ],
)
def test_the_error_of_an_invalid_line_names_file_and_line(tmp_path: Path, line: bytes, why: str) -> None:
    directory = write_run(tmp_path / "run", [decision(0)])
    path = directory / "decisions.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(RunFilesError, match=r"decisions\.jsonl, " + why) as raised:
        read_run(directory)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "change", [{"risk_score": 1001}, {"risk_score": -1}, {"event_time_ms": 10**18}, {"probability": 1.5}]
)
def test_values_out_of_range_are_refused(tmp_path: Path, change: dict[str, float]) -> None:
    directory = write_run(tmp_path / "run", [decision(0, **change)])
    with pytest.raises(RunFilesError, match=r"decisions\.jsonl, line 1: Expected"):
        read_run(directory)


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", [decision(0), decision(1)])
    path = directory / "decisions.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\n\n \r\n"))
    assert len(read_run(directory).decisions.key) == 2


def test_columns_equal_the_lines(tmp_path: Path) -> None:
    made = [
        decision(
            3, user_id="zoe", risk_score=999, model_probability=0.125, rule_score=40, hits=["b", "a"], bundle="two"
        ),
        decision(4, user_id="adam", late=True, flags=["KYC", "PCI"], enrichment="degraded", hits=["a"]),
    ]
    columns = read_run(write_run(tmp_path / "run", list(made))).decisions
    assert columns.user.tolist() == [1, 0]  # ranks of the ids
    assert columns.time_ms.tolist() == [made[0].event_time_ms, made[1].event_time_ms]
    assert columns.risk_score.tolist() == [999, 10]
    assert columns.probability.tolist() == [0.125, 0.01]
    assert columns.rule_score.tolist() == [40, 0]
    assert columns.flag_bits.tolist() == [0, 0b110]
    assert columns.late.tolist() == [False, True]
    assert columns.enrichment.tolist() == [0, 2]
    assert columns.rule_ids == ("b", "a")
    assert list(zip(columns.hit_row.tolist(), columns.hit_rule.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 1)]
    assert columns.bundles == ("test-1", "two")
    assert columns.key.dtype == np.uint64


def test_amounts_of_one_currency_are_not_converted(tmp_path: Path) -> None:
    summary = summarize(read_run(write_run(tmp_path / "run", [decision(0, amount=5.0, features={"amount": 6.0})])))
    assert (summary.amount, summary.amount_unit) == (5.0, "EUR")


def test_several_currencies_use_the_base_amount_of_named_features(tmp_path: Path) -> None:
    made = [decision(0, amount=5.0, features={"amount": 6.0}), decision(1, currency="USD", features={"amount": 10.0})]
    directory = write_run(tmp_path / "run", list(made), facts={"base_currency": "CHF"})
    summary = summarize(read_run(directory))
    assert (summary.amount, summary.amount_unit) == (16.0, "CHF")
    (directory / "run.json").unlink()
    assert summarize(read_run(directory)).amount_unit == "in the base currency"


def test_several_currencies_use_the_base_amount_of_packed_features(tmp_path: Path) -> None:
    def packed(number: int, base_amount: float, **changes: Any) -> Decision:
        values = pack_features([float("nan"), base_amount])
        return decision(number, feature_set="f00d", features_packed=values, **changes)

    made = [packed(0, 6.0, amount=5.0), decision(1, currency="USD", features={"amount": 10.0})]
    directory = write_run(tmp_path / "run", list(made), facts={"base_currency": "CHF"})
    sets = {"f00d": ("km_from_home", "amount")}
    assert read_run(directory, feature_sets=sets).decisions.amount.tolist() == [6.0, 10.0]
    with pytest.raises(
        RunFilesError, match=r"decisions\.jsonl, line 1: the features are packed under feature set f00d"
    ):
        read_run(directory)
    one_currency = write_run(tmp_path / "one", [packed(0, 6.0, amount=5.0)])
    assert read_run(one_currency).decisions.amount.tolist() == [5.0]  # the features are not needed


def test_several_currencies_without_features_are_marked_as_mixed(tmp_path: Path) -> None:
    made = [decision(0, amount=5.0, features={"amount": 6.0}), decision(1, currency="USD")]
    summary = summarize(read_run(write_run(tmp_path / "run", list(made))))
    assert (summary.amount, summary.amount_unit) == (15.0, "in mixed currencies")


def test_top_alerts_are_ordered_by_action_score_amount_and_time(tmp_path: Path) -> None:
    made = [
        decision(0, action="refer_to_analyst", risk_score=990),
        decision(1, action="hard_block", risk_score=100),
        decision(2, action="hard_block", risk_score=950, amount=1.0),
        decision(3, action="hard_block", risk_score=950, amount=2.0, event_time_ms=9),
        decision(4, action="hard_block", risk_score=950, amount=2.0, event_time_ms=8),
    ]
    top = read_run(write_run(tmp_path / "run", list(made), more_alerts=[alert_of(made[2])])).alerts.top
    assert [alert.alert_id for alert in top] == ["D4", "D3", "D2", "D1", "D0"]


def test_at_most_the_top_alerts_are_kept_in_full(tmp_path: Path) -> None:
    made = [decision(number, action="soft_challenge", risk_score=number * 7 % 1000) for number in range(300)]
    alerts = read_run(write_run(tmp_path / "run", list(made))).alerts
    assert len(alerts.action) == 300
    expected = sorted((item.risk_score for item in made), reverse=True)[:TOP_ALERTS]
    assert [alert.risk_score for alert in alerts.top] == expected


def test_facts_of_any_json_type_become_text(tmp_path: Path) -> None:
    facts = {"bundle": "b-1", "versions": {"flink": "2.3.0", "python": "3.11"}, "files": ["a", "b"], "seconds": 12345.678,
             "exact": True, "year": 2026, "bytes": 1234567, "note": None}  # fmt: skip
    assert dict(read_run(write_run(tmp_path / "run", [decision(0)], facts=facts)).facts.all) == {
        "bundle": "b-1",
        "versions": "flink 2.3.0 · python 3.11",
        "files": "a, b",
        "seconds": "12,345.7",
        "exact": "yes",
        "year": "2026",
        "bytes": "1,234,567",
        "note": "not known",
    }


def test_throughput_defaults_to_transactions_per_second_of_the_duration(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", [decision(0), decision(1)], facts={"seconds": 0.5})
    assert summarize(read_run(directory)).transactions_per_second == 4.0


def test_facts_of_the_wrong_type_are_refused(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", [decision(0)], facts={"seconds": "fast"})
    with pytest.raises(RunFilesError, match=r"run\.json: not the facts of a run: Expected `float \| null`, got `str`"):
        read_run(directory)


def test_progress_reaches_the_end_of_the_decisions(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", [decision(0), decision(1)])
    seen: list[tuple[int, int]] = []
    read_run(directory, progress=lambda done, total: seen.append((done, total)))
    size = (directory / "decisions.jsonl").stat().st_size
    assert seen[-1] == (size, size)


def test_the_truth_of_another_run_is_refused(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", [decision(0)])
    write_lines(tmp_path / "other.jsonl", [truth_of(decision(9), True)])
    with pytest.raises(RunFilesError, match=r"other\.jsonl: names none of this run's transactions"):
        read_run(directory, tmp_path / "other.jsonl")
    write_lines(tmp_path / "empty.jsonl", [])
    with pytest.raises(RunFilesError, match=r"empty\.jsonl: holds neither truth lines nor labels"):
        read_run(directory, tmp_path / "empty.jsonl")
    with pytest.raises(RunFilesError, match=r"absent\.jsonl: cannot be read: No such file"):
        read_run(directory, tmp_path / "absent.jsonl")


def test_decisions_of_earlier_versions_are_read_with_defaults(tmp_path: Path) -> None:
    made = [decision(0, risk_score=870), decision(1, tags=["low_coverage"], coverage=0.25, points=40, hits=["a"])]
    directory = write_run(tmp_path / "run", list(made))
    lines = [json.loads(line) for line in (directory / "decisions.jsonl").read_text().splitlines()]
    for key in ("probability", "coverage", "tags", "summary"):
        del lines[0][key]
    del lines[0]["rules"]["map"], lines[0]["rules"]["points"]
    (directory / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (directory / "flags.jsonl").unlink()
    columns = read_run(directory).decisions
    assert columns.risk_probability.tolist() == [0.87, 0.01]
    assert np.isnan(columns.coverage[0])
    assert columns.coverage[1] == 0.25
    assert has_tag(columns.tag_bits, "low_coverage").tolist() == [False, True]
    assert columns.points.tolist() == [0, 40]


def test_a_repeated_flag_notice_counts_once(tmp_path: Path) -> None:
    made = [decision(0, flags=["KYC", "PCI"]), decision(1, flags=["KYC"])]
    directory = write_run(tmp_path / "run", list(made), more_flags=[flag_notice_of(made[0])])
    summary = summarize(read_run(directory))
    assert (summary.flag_notices, summary.alerts) == (2, 0)
    assert {row.name: row.notices for row in summary.flags} == {"AML": 0, "KYC": 2, "PCI": 1, "AUDIT": 0}
