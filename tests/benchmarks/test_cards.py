"""The card benchmark end to end, on two small files of different card holders."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from benchmarks.cards import main
from ingest.identifier_encoding import encode_identifier
from tests.benchmarks.card_tables import HOSTILE_MERCHANTS, Cards, make_cards

FIRST_DAY, UNTIL = date(2020, 3, 1), date(2020, 4, 5)
UNTIL_SECONDS = (UNTIL - date(1970, 1, 1)).days * 86_400
WEEK_MS = 7 * 86_400_000
REPEATED = 37


@dataclass(frozen=True)
class Run:
    first: Cards
    later: Cards
    out: Path
    metrics: dict[str, Any]
    words: str

    @property
    def decisions(self) -> pd.DataFrame:
        return pq.read_table(self.out / "decisions.parquet").to_pandas()

    @property
    def measured(self) -> pd.DataFrame:
        later = self.later.transactions.to_pandas()
        return later[later.unix_time >= UNTIL_SECONDS]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "work/later/events.jsonl").read_text().splitlines()]


def shuffled_with_repeats(table: pa.Table, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    rows = np.concatenate([np.arange(table.num_rows), random.choice(table.num_rows, REPEATED, replace=False)])
    return table.take(random.permutation(rows))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("cards")
    first = make_cards(seed=1, users=110, days=49, first_day=FIRST_DAY)
    later = make_cards(seed=2, users=60, days=49, first_day=FIRST_DAY)
    pipes = pa_csv.WriteOptions(delimiter="|")
    pa_csv.write_csv(shuffled_with_repeats(first.transactions, 3), folder / "first.csv", pipes)
    pa_csv.write_csv(first.users, folder / "first_users.csv")
    pq.write_table(shuffled_with_repeats(later.transactions, 4), folder / "later.parquet")
    pa_csv.write_csv(later.users.slice(3), folder / "later_users.csv", pipes)  # three cards without a holder
    arguments = {
        "--transactions": "first.csv", "--users": "first_users.csv", "--later": "later.parquet",
        "--later-users": "later_users.csv",
    }  # fmt: skip
    options = [part for name, file in arguments.items() for part in (name, str(folder / file))]
    out = folder / "out"
    result = CliRunner().invoke(
        main, [*options, "--until", str(UNTIL), "--out", str(out), "--quick", "--keep-work"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return Run(first, later, out, json.loads((out / "metrics.json").read_text()), result.output)


def test_every_transaction_from_the_date_on_has_one_decision(run: Run) -> None:
    decisions, measured = run.decisions, run.measured
    assert decisions.columns.tolist() == ["transaction_id", "user_id", "timestamp", "probability", "risk_score"]
    assert Counter(decisions.transaction_id) == Counter(measured.trans_num)
    joined = measured.merge(decisions, left_on="trans_num", right_on="transaction_id")
    assert (joined.cc_num == joined.user_id).all()
    assert (joined.timestamp == pd.to_datetime(joined.unix_time, unit="s", utc=True)).all()
    assert decisions.probability.between(0, 1).all()
    assert decisions.risk_score.between(0, 1000).all()
    assert decisions.risk_score.dtype == np.int32
    assert decisions.probability.nunique() > 100


def test_labels_are_a_week_late_and_in_arrival_order(run: Run) -> None:
    events = run.events()
    labels = [event for event in events if event["type"] == "label"]
    assert {label["known_at"] - label["timestamp"] for label in labels} == {WEEK_MS}
    arrivals = [event["known_at"] if event["type"] == "label" else event["timestamp"] for event in events]
    assert arrivals == sorted(arrivals)
    fraud = run.later.transactions.to_pandas().set_index("trans_num").is_fraud
    assert {label["transaction_id"]: int(label["is_fraud"]) for label in labels} == fraud.to_dict()


def test_merchants_with_similar_names_have_distinct_ids(run: Run) -> None:
    ids = {event["merchant_id"] for event in run.events() if event["type"] == "transaction"}
    names = set(run.later.transactions["merchant"].to_pylist())
    assert set(HOSTILE_MERCHANTS) <= names
    assert ids == {encode_identifier(name) for name in names}
    assert len(ids) == len(names)


def test_user_columns_become_attributes_and_profiles(run: Run) -> None:
    manifest = json.loads((run.out / "bundle" / "manifest.json").read_text())
    assert {(part["name"], part["kind"], part["holder"]) for part in manifest["attributes"]} == {
        ("gender", "text", "profile"), ("job", "text", "profile"), ("state", "text", "profile"),
        ("city_pop", "number", "profile"),
    }  # fmt: skip
    profiles = [json.loads(line) for line in (run.out / "work/later/reference/users.jsonl").read_text().splitlines()]
    users = run.later.users.slice(3).to_pylist()
    assert [profile["user_id"] for profile in profiles] == [str(user["cc_num"]) for user in users]
    for profile, user in zip(profiles, users, strict=True):
        assert profile["attributes"] == {name: user[name] for name in ("gender", "job", "state", "city_pop")}


def test_metrics_match_sklearn_on_the_decisions(run: Run) -> None:
    joined = run.decisions.merge(run.measured, left_on="transaction_id", right_on="trans_num")
    for name, scores in (("ours", joined.probability), ("ours_risk_score", joined.risk_score / 1000)):
        found, labels = run.metrics[name], joined.is_fraud.to_numpy()
        assert found["auc_roc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-9)
        assert found["average_precision"] == pytest.approx(average_precision_score(labels, scores), abs=1e-9)
        false_positives, caught, _ = roc_curve(labels, scores, drop_intermediate=False)
        for rate in (0.001, 0.005, 0.01):
            reached = caught[false_positives <= rate + 1e-12].max()
            assert found["recall_at_false_positive_rate"][str(rate)] == pytest.approx(reached, abs=1e-9)
        assert found["calibration_error"] == pytest.approx(calibration_error(labels, scores.to_numpy()), abs=1e-9)
        assert found["card_precision_at_100"] == pytest.approx(card_precision(joined.assign(score=scores)), abs=1e-9)


def calibration_error(labels: np.ndarray, scores: np.ndarray) -> float:
    edges = [0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0]
    bins = pd.cut(scores, edges, right=False, labels=False)
    bins = np.where(scores == 1.0, len(edges) - 2, bins)
    frame = pd.DataFrame({"bin": bins, "score": scores, "label": labels})
    return sum(abs(part.score.mean() - part.label.mean()) * len(part) for _, part in frame.groupby("bin")) / len(frame)


def card_precision(frame: pd.DataFrame) -> float:
    gone: set[int] = set()
    precisions = []
    for _, day in frame.groupby(frame.timestamp.dt.floor("D")):
        cards = day.groupby("user_id").agg(score=("score", "max"), fraud=("is_fraud", "max")).reset_index()
        cards = cards[~cards.user_id.isin(gone)].sort_values(["score", "user_id"], ascending=[False, True]).head(100)
        hits = cards[cards.fraud == 1].user_id
        gone.update(hits)
        precisions.append(len(hits) / 100)
    return float(np.mean(precisions))


def test_training_uses_known_labels_and_dropped_rows_are_counted(run: Run) -> None:
    first, later = run.first.transactions.to_pandas(), run.later.transactions.to_pandas()
    before = first[first.unix_time < UNTIL_SECONDS]
    known = before[before.unix_time + WEEK_MS // 1000 <= before.unix_time.max()]
    learned, measured = run.metrics["learned"], run.metrics["measured"]
    assert (learned["transactions"], learned["frauds"]) == (len(known), known.is_fraud.sum())
    assert learned["users"] == known.cc_num.nunique()
    assert (measured["transactions"], measured["frauds"]) == (len(run.measured), run.measured.is_fraud.sum())
    assert run.metrics["history_of_later_file"] == (later.unix_time < UNTIL_SECONDS).sum()
    assert run.metrics["history_of_first_file"] == 0
    assert run.metrics["duplicates_dropped"] == {"transactions": REPEATED, "later": REPEATED}
    assert run.metrics["unreadable_dropped"] == {"transactions": 0, "later": 0}
    assert run.metrics["job"]["transactions"] == len(later)
    assert run.metrics["job"]["records"] == 2 * len(later)
    assert f"{REPEATED} repeated rows dropped, 3 of 60 cards are not in later_users.csv" in run.words


def test_model_and_baseline_find_the_frauds(run: Run) -> None:
    assert run.metrics["ours"]["average_precision"] > 0.6
    assert run.metrics["xgboost"]["average_precision"] > 0.6
    for line in ("this project, decision", "this project, risk score", "XGBoost, 17 plain columns", "transactions/s"):
        assert line in run.words


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--until": "2020-01-01"}, "no training data before 2020-01-01: "),
        ({"--until": "2021-01-01"}, "no transactions from 2021-01-01 on: "),
        ({"--users": "later.parquet"}, "later.parquet: no column gender, city, state, "),
        ({"--later": "first_users.csv"}, "first_users.csv: no column trans_num"),
    ],
)
def test_unusable_input_exits_with_one_line_and_code_2(run: Run, changed: dict[str, str], message: str) -> None:
    folder = run.out.parent
    given = {
        "--transactions": "later.parquet", "--users": "later_users.csv", "--later": "later.parquet",
        "--later-users": "later_users.csv", "--until": str(UNTIL), "--out": "refused", **changed,
    }  # fmt: skip
    options = [
        part for name, value in given.items() for part in (name, value if name == "--until" else str(folder / value))
    ]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    error = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(error) == 1
    assert message in error[0]
    assert not (folder / "refused" / "decisions.parquet").exists()
