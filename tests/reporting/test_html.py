"""The HTML report: its numbers equal the summary's, it is self-contained, and all text of the run is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reporting.html import report_html, write_report
from reporting.run_files import read_run
from reporting.summary import Summary, summarize
from tests.reporting.hand_made import write_hand_made_run
from tests.reporting.made_runs import START_MS, dead_letter, decision, truth_of, write_run
from tests.reporting.page import Page
from udfs.records.outputs import Reason

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
CHARTS = ("precision-recall", "roc-near-zero", "score-distribution", "reliability", "alerts-over-time")


def page_of(directory: Path) -> tuple[str, Summary]:
    run = read_run(directory)
    summary = summarize(run)
    return report_html(run, summary), summary


@pytest.fixture(scope="module")
def hand_made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Summary]:
    return page_of(write_hand_made_run(tmp_path_factory.mktemp("html") / "run"))


def test_headline_figures_equal_the_summary(hand_made: tuple[str, Summary]) -> None:
    html, summary = hand_made
    accuracy = summary.accuracy
    assert accuracy is not None
    assert summary.latency_ms is not None
    expected: dict[str, Any] = {
        "figure-recall": accuracy.alerts.recall,
        "figure-precision": accuracy.alerts.precision,
        "figure-false-positive-rate": accuracy.alerts.false_positive_rate,
        "figure-amount-saved": accuracy.amount_saved,
        "figure-transactions": summary.transactions,
        "figure-dead-letters": summary.dead_letters,
        "figure-throughput": summary.transactions_per_second,
        "figure-latency-p99": summary.latency_ms.p99,
        "brier-score": accuracy.brier_score,
        "calibration-error": accuracy.calibration_error,
        "model-calibration-error": accuracy.model_calibration_error,
        "mean-coverage": summary.mean_coverage,
        "low-coverage": summary.low_coverage,
        "unusual-alerts": summary.unusual_alerts,
        "flag-notices": summary.flag_notices,
        "duplicates": summary.duplicates,
        "late": summary.late,
        "stale-history": summary.stale_history,
        "repeated": summary.repeated,
        "dead-letter-count": summary.dead_letters,
        "alerts-count": summary.alerts,
    }
    assert {key: float(value) for key, value in Page(html).numbers.items()} == expected


def test_tables_equal_the_summary(hand_made: tuple[str, Summary]) -> None:
    html, summary = hand_made
    page, accuracy = Page(html), summary.accuracy
    assert accuracy is not None
    detection = [
        [
            getattr(detection, field)
            for detection in (accuracy.alerts, accuracy.hard_blocks, accuracy.by_risk_score, accuracy.by_model)
        ]
        for field in ("caught", "missed", "false_alarms", "passed", "precision", "recall", "f1", "false_positive_rate")
    ]
    assert page.values["detection-table"][1:] == detection
    ranking_fields = ("auc", "average_precision", "recall_at_1_percent_fpr", "recall_at_3_percent_fpr")
    assert page.values["ranking-table"][1:5] == [
        [getattr(ranking, field) for ranking in accuracy.rankings] for field in ranking_fields
    ]
    assert page.values["pattern-table"][1:] == [
        [row.frauds, row.caught, row.recall, row.hard_block, row.missed, row.amount, row.amount_missed]
        for row in accuracy.patterns
    ]
    assert page.values["loss-table"][1:] == [
        [row.count, row.amount, row.blocked, row.amount_blocked] for row in accuracy.losses
    ]
    assert page.values["action-table"][1:] == [
        [row.count, row.share, row.amount, row.frauds] for row in summary.actions
    ]
    assert page.values["rule-table"][1:] == [
        [row.hits, row.trigger_rate, row.fraud_hits, row.detection_rate, row.precision] for row in summary.rules
    ]
    assert page.values["flag-table"][1:] == [[row.transactions, row.notices, row.alerts] for row in summary.flags]
    assert page.values["enrichment-table"] == [[row.count] for row in summary.enrichment]
    assert page.values["dead-letter-table"][1:] == [[row.count] for row in summary.dead_letter_classes]


def test_top_alerts_show_reasons_and_truth(hand_made: tuple[str, Summary]) -> None:
    rows = Page(hand_made[0]).rows["top-alert-table"][1:]
    assert len(rows) == 4
    assert rows[0][0] == "hard blockAML PCI"
    assert [cell.strip() for cell in rows[0][2:]] == [
        "U0T02026-01-01 00:00:00",
        "100.00 EUR",
        "because of new_devicebecause of cash",
        "fraudburst",
    ]
    assert [row[-1].strip() for row in rows] == [
        "fraudburst",
        "fraudburst",
        "fraud",
        "legitimate",
    ]


def test_the_page_is_well_formed_and_self_contained(hand_made: tuple[str, Summary]) -> None:
    html, _ = hand_made
    page = Page(html)
    assert page.wrong == []
    assert len(page.ids) == len(set(page.ids))
    for address in ("http:", "https:", "//www", "@import", "url(h", "<link", "<script", "<img", "<iframe"):
        assert address not in html.lower()
    targets = {value for tag, name, value in page.attributes if tag == "a" and name == "href"}
    assert {f"#{identifier}" for identifier in page.ids} >= targets
    references = {value for _, name, value in page.attributes if name in ("href", "xlink:href")}
    assert all(value is not None and value.startswith("#") and value[1:] in page.ids for value in references)
    assert len(html.encode()) < 2_000_000


def test_every_chart_has_theme_colours_and_a_description(hand_made: tuple[str, Summary]) -> None:
    html, _ = hand_made
    page = Page(html)
    assert page.tags.count("svg") == len(CHARTS)
    assert set(CHARTS) <= set(page.ids)
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("div", "aria-label") and value]
    assert any("precision 75.0%, recall 75.0% (any action)" in label for label in labels)
    assert any(label.startswith("Histogram of the risk scores") for label in labels)
    assert any("1 hard block, 1 soft challenge, 2 refer to analyst, 0 flag only" in label for label in labels)
    assert "prefers-color-scheme: dark" in html
    assert "var(--fraud)" in html
    assert "#0a0b0" not in html


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    pages = []
    for place in ("first", "second"):
        run = read_run(write_hand_made_run(tmp_path / place / "run"))
        write_report(run, summarize(run), tmp_path / f"{place}.html")
        pages.append((tmp_path / f"{place}.html").read_bytes())
    assert pages[0] == pages[1]


def test_text_of_the_run_is_escaped(tmp_path: Path) -> None:
    made = [
        decision(
            number,
            transaction_id=f"{number}{HOSTILE}",
            user_id=HOSTILE,
            merchant_id=HOSTILE,
            currency="<b>",
            action="hard_block",
            risk_score=900 + number,
            hits=[HOSTILE],
            reasons=[Reason("rule", HOSTILE, f"{HOSTILE} in a reason", 1.0)],
            bundle=HOSTILE,
        )
        for number in range(2)
    ]
    truth = [truth_of(made[0], True, HOSTILE), {**truth_of(made[1], False), "resolution_code": HOSTILE}]
    letters = [dead_letter(f"{HOSTILE} is why", f"payload {HOSTILE}".encode())]
    html, _ = page_of(
        write_run(tmp_path / "<script>run", list(made), truth, letters, facts={"<script>": HOSTILE, "seconds": 1.0})
    )
    page = Page(html)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert page.wrong == []
    assert "49" not in {cell for rows in page.rows.values() for row in rows for cell in row}
    shown = " ".join(cell for rows in page.rows.values() for row in rows for cell in row)
    for text in (f"{HOSTILE} in a reason", f"0{HOSTILE}", f"at {HOSTILE}", f"{HOSTILE} is why", f"payload {HOSTILE}"):
        assert text in shown
    assert HOSTILE in [row[0] for row in page.rows["rule-table"]]
    assert HOSTILE in [row[0] for row in page.rows["pattern-table"]]
    assert HOSTILE in [row[0] for row in page.rows["resolution-table"]]
    assert ["<script>", HOSTILE] in page.rows["fact-table"]


def test_bidirectional_controls_are_replaced(tmp_path: Path) -> None:
    made = decision(0, action="hard_block", reasons=[Reason("rule", "r", "pay \u202etxt.exe\u0000 \x1b[31mred", 1.0)])
    html, _ = page_of(write_run(tmp_path / "run", [made]))
    assert "pay �txt.exe� �[31mred" in html
    assert not any(character in html for character in "\u202e\x00\x1b")


def test_without_truth_the_page_names_the_charts_left_out(tmp_path: Path) -> None:
    directory = write_hand_made_run(tmp_path / "run")
    (directory / "truth.jsonl").unlink()
    html, summary = page_of(directory)
    page = Page(html)
    assert page.wrong == []
    assert len(page.ids) == len(set(page.ids))
    assert "the run has no truth, so which transactions were fraud is not known" in page.text
    assert page.tags.count("svg") == 2
    assert {"score-distribution", "alerts-over-time"} <= set(page.ids)
    assert {"detection-table", "loss-table", "pattern-table"}.isdisjoint(page.rows)
    assert float(page.numbers["figure-stopped"]) == summary.stopped == 4
    assert float(page.numbers["figure-amount-stopped"]) == 215.0
    assert page.values["rule-table"][1] == [3, 3 / 8]


def test_an_empty_run_renders(tmp_path: Path) -> None:
    html, summary = page_of(write_run(tmp_path / "run", [], truth=[]))
    page = Page(html)
    assert page.wrong == []
    assert summary.transactions == 0
    assert "No transaction was scored." in page.text
    assert "The run raised no alerts." in page.text
    assert "No rule hit in this run." in page.text
    assert "svg" not in page.tags


@pytest.mark.parametrize("is_fraud", [True, False, None])
def test_one_transaction_renders(tmp_path: Path, is_fraud: bool | None) -> None:
    made = decision(0, action="hard_block", risk_score=1000)
    truth = None if is_fraud is None else [truth_of(made, is_fraud)]
    html, summary = page_of(write_run(tmp_path / "run", [made], truth))
    page = Page(html)
    assert page.wrong == []
    assert summary.transactions == 1
    why = {
        True: "every transaction with known truth is fraud",
        False: "there is no fraud among the transactions with known truth",
        None: "the run has no truth",
    }[is_fraud]
    assert why in page.text
    assert page.tags.count("svg") == 2


def test_a_run_without_alerts_and_frauds_renders(tmp_path: Path) -> None:
    made = [decision(number) for number in range(3)]
    html, summary = page_of(write_run(tmp_path / "run", list(made), [truth_of(item, False) for item in made]))
    page = Page(html)
    assert page.wrong == []
    assert "There was no fraud among 3 transactions with known truth; 0 legitimate ones" in page.text
    assert summary.accuracy is not None
    assert summary.accuracy.alerts.precision is None
    assert page.numbers["figure-recall"] == ""


def test_events_from_1970_to_9999_render(tmp_path: Path) -> None:
    made = [
        decision(0, action="hard_block", event_time_ms=0),
        decision(1, action="hard_block", event_time_ms=START_MS),
        decision(2, action="hard_block", event_time_ms=253_402_300_799_999),
    ]
    html, _ = page_of(write_run(tmp_path / "run", list(made)))
    assert "Transactions from 1970-01-01 00:00 to 9999-12-31 23:59 UTC" in html
    assert len(html) < 200_000


def test_the_rule_table_is_truncated_with_a_note(tmp_path: Path) -> None:
    made = [decision(0, hits=[f"rule_{number}" for number in range(3000)])]
    page = Page(page_of(write_run(tmp_path / "run", list(made)))[0])
    assert len(page.rows["rule-table"]) == 201
    assert "The first 200 of 3,000 rows." in page.text
