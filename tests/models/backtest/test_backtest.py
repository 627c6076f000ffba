"""`fraud rules backtest` against live runs of the same rules, and its figures against pandas."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest

from cli.decision_table import Over, decision_table
from cli.main import main
from console.store.intake_run import read_run
from console.store.store import DecisionStore
from models.backtest.columns import ReadNames, ReplayedColumns, columns_of
from models.backtest.labels import DAY_MS
from models.backtest.trial import Deciding, Trial, backtest
from models.default_bundle import DEFAULT_BUNDLE
from tests.models.backtest.runs import LIVE, NEW, decisions_of, events_of, score
from udfs.records.outputs import ACTIONS
from udfs.rules.column_rules import ColumnRules, judged
from udfs.rules.pack_files import parse_rule_set
from udfs.rules.population import load_population
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import read_manifest
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings


def deciding_of(history: Path) -> Deciding:
    return Deciding(
        read_manifest(DEFAULT_BUNDLE), DecisionSettings(), load_population(history.parent / "statistics.json")
    )


def run_backtest(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, ["rules", "backtest", *map(str, arguments)])


def figures(*arguments: str | Path) -> dict[str, Any]:
    result = run_backtest(*arguments, "--format", "json", "--out", (out := Path(str(arguments[-1])).parent / "b.json"))
    assert result.exit_code == 0, result.output
    return json.loads(out.read_bytes())


@pytest.fixture
def rules(tmp_path: Path) -> tuple[Path, Path]:
    """The files of NEW and LIVE."""
    new, live = tmp_path / "new.yaml", tmp_path / "live.yaml"
    new.write_text(NEW)
    live.write_text(LIVE)
    return new, live


def test_every_decision_is_what_a_live_run_of_the_rules_decides(history: Path, live_run: Path, new_run: Path) -> None:
    rule_set, deciding = parse_rule_set(NEW.encode(), "new.yaml"), deciding_of(history)
    names_of_bundle = deciding.manifest.feature_names
    column_rules, rulebook = ColumnRules(rule_set, names_of_bundle), Rulebook(rule_set, names_of_bundle)
    judge = judge_of(deciding.settings, deciding.manifest.decision, rulebook)
    expected = {decision["decision_id"]: decision for decision in decisions_of(new_run)}
    seen = 0
    with decision_table(Over(str(live_run))) as table:
        names = ReadNames.of(column_rules.names, table.form())
        assert not names.replayed
        for batch in table.batches(names.table_columns(table.form())):
            columns = columns_of(batch, names, table.form(), deciding.population.core, ReplayedColumns.none())
            hits = column_rules.evaluate(columns.rows, columns.numbers, columns.texts)
            actions, scores = judged(judge, rulebook, hits, columns.predictions)
            for row, decision_id in enumerate(batch.column("decision_id").to_pylist()):
                decision = expected[decision_id]
                places = hits.places[hits.starts[row] : hits.starts[row + 1]].tolist()
                assert [rule_set.rules[place].id for place in places] == decision["rules"]["hits"]
                assert hits.points[row] == decision["rules"]["points"]
                assert (ACTIONS[actions[row]], scores[row]) == (decision["action"], decision["risk_score"])
                seen += 1
    assert seen == len(expected) > 1_000
    used = {rule_id for decision in expected.values() for rule_id in decision["rules"]["hits"]}
    assert used == {rule.id for rule in rule_set.rules if rule.enabled}


def oracle_frame(history: Path, before: Path, after: Path, until_ms: int | None = None) -> tuple[pd.DataFrame, int]:
    """One row a decision: actions and hits before and after, its outcome at the horizon and after 7, 14 and 30 days."""
    rows = []
    for one, other in zip(decisions_of(before), decisions_of(after), strict=True):
        assert one["decision_id"] == other["decision_id"]
        rows.append(
            {
                "key": (one["user_id"], one["transaction_id"]), "time": one["event_time_ms"],
                "amount": one["features"]["amount"], "before": one["action"], "after": other["action"],
                "hits_before": one["rules"]["hits"], "hits": other["rules"]["hits"], "id": one["decision_id"],
            }
        )  # fmt: skip
    labels = pd.DataFrame(events_of(history, "label"))
    frame = pd.DataFrame(rows)
    horizon = max(int(frame.time.max()), int(labels.known_at.max())) if until_ms is None else until_ms
    frame = frame[frame.time <= horizon].copy()
    labels["key"] = list(zip(labels.user_id, labels.transaction_id, strict=True))
    by_key = {key: group.sort_values("known_at", kind="stable") for key, group in labels.groupby("key")}

    def outcome(row: Any, moment: int) -> Any:
        group = by_key.get(row.key)
        known = group[group.known_at <= min(moment, horizon)] if group is not None else ()
        if not len(known):
            return False if row.time + 30 * DAY_MS <= horizon or moment != horizon else None
        return bool(known.iloc[-1].is_fraud)

    frame["outcome"] = [outcome(row, horizon) for row in frame.itertuples()]
    for days in (7, 14, 30):
        frame[f"after_{days}"] = [
            outcome(row, row.time + days * DAY_MS) if row.time + days * DAY_MS <= horizon else "young"
            for row in frame.itertuples()
        ]
    frame["month"] = pd.to_datetime(frame.time, unit="ms").dt.strftime("%Y-%m")
    return frame, horizon


def check_share(found: dict[str, Any], part: int, whole: int) -> None:
    assert (found["part"], found["whole"]) == (part, whole)
    if whole:
        interval = binomtest(part, whole).proportion_ci(method="wilson")
        assert found["value"] == part / whole
        assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high), abs=1e-12)
    else:
        assert (found["value"], found["low"], found["high"]) == (None, None, None)


def mask(found: list[bool]) -> Any:
    return np.array(found, bool)  # of nothing no mask otherwise


def frauds_of(frame: pd.DataFrame, column: str = "outcome") -> tuple[int, int]:
    return sum(value is True for value in frame[column]), sum(value in (True, False) for value in frame[column])


@pytest.mark.parametrize("share_of_time", [None, 0.6])
def test_the_figures_are_those_of_pandas(
    history: Path, live_run: Path, new_run: Path, rules: tuple[Path, Path], share_of_time: float | None
) -> None:
    until, arguments = None, []
    if share_of_time is not None:
        times = [decision["event_time_ms"] for decision in decisions_of(live_run)]
        until = int(min(times) + share_of_time * (max(times) - min(times))) // 1000 * 1000
        arguments = ["--until", str(pd.Timestamp(until, unit="ms").strftime("%Y-%m-%dT%H:%M:%S"))]
    statistics = history.parent / "statistics.json"
    found = figures(rules[0], "--over", live_run, "--statistics", statistics, *arguments, "--against", rules[1])
    frame, horizon = oracle_frame(history, live_run, new_run, until)
    assert found["horizon_ms"] == horizon
    assert found["data"]["decisions"] == len(frame)
    frauds, labelled = frauds_of(frame)
    assert (found["data"]["frauds"], found["data"]["legitimate"]) == (frauds, labelled - frauds)
    assert frauds > 5
    days = frame.time.max() // DAY_MS - frame.time.min() // DAY_MS + 1
    for name in ("before", "after"):
        alerts = frame[frame[name] != "allow"]
        assert found[name]["actions"] == {action: int((frame[name] == action).sum()) for action in ACTIONS}
        assert found[name]["alerts_a_day"] == len(alerts) / days
        check_share(found[name]["precision"], *frauds_of(alerts))
        check_share(found[name]["caught"], frauds_of(alerts)[0], frauds)
        wrong = alerts[mask([value is False for value in alerts.outcome])]
        assert found[name]["amount_caught"] == pytest.approx(
            alerts[mask([v is True for v in alerts.outcome])].amount.sum()
        )
        assert found[name]["amount_wrong"] == pytest.approx(wrong.amount.sum())
        stopped = wrong[wrong[name].isin(["soft_challenge", "hard_block"])]
        assert found[name]["amount_wrongly_stopped"] == pytest.approx(stopped.amount.sum())
        for month in found[name]["months"]:
            part = alerts[alerts.month == month["month"]]
            assert (month["decisions"], month["alerts"]) == ((frame.month == month["month"]).sum(), len(part))
            check_share(month["precision"], *frauds_of(part))
    for before, by_after in found["transitions"].items():
        for after, counts in by_after.items():
            part = frame[(frame.before == before) & (frame.after == after)]
            assert sum(counts.values()) == len(part)
            assert counts.get("fraud", 0) == frauds_of(part)[0]
    ids = [rule["id"] for rule in found["rule_figures"]]
    for rule in found["rule_figures"]:
        hit = frame[mask([rule["id"] in hits for hits in frame.hits])]
        assert (rule["hits"], rule["frauds"]) == (len(hit), frauds_of(hit)[0])
        assert rule["hits_before"] == sum(rule["id"] in hits for hits in frame.hits_before)
        check_share(rule["precision"], *frauds_of(hit))
        check_share(rule["caught"], frauds_of(hit)[0], frauds)
        assert rule["alerts"] == (hit.after != "allow").sum()
        assert rule["amount_caught"] == pytest.approx(hit[mask([v is True for v in hit.outcome])].amount.sum())
        assert rule["amount_wrong"] == pytest.approx(hit[mask([v is False for v in hit.outcome])].amount.sum())
        for overlap in rule["overlaps"]:
            assert overlap["hits"] == sum(overlap["rule_id"] in hits for hits in hit.hits)
        for cohort in rule["cohorts"]:
            old = hit[hit[f"after_{cohort['days']}"] != "young"]
            assert cohort["hits"] == len(old)
            check_share(cohort["precision"], *frauds_of(old, f"after_{cohort['days']}"))
        for month in rule["months"]:
            part = hit[hit.month == month["month"]]
            assert month["hits"] == len(part)
            check_share(month["precision"], *frauds_of(part))
            end = int((pd.Period(month["month"]) + 1).start_time.value // 1_000_000)
            assert month["immature"] == [day for day in (7, 14, 30) if end - 1 + day * DAY_MS > horizon]
        worst = hit[mask([v is False for v in hit.outcome])].sort_values(["amount", "id"], ascending=[False, True])
        assert [item["decision_id"] for item in rule["worst_false"]] == worst.id.head(3).tolist()
        best = hit[mask([v is True for v in hit.outcome])].sort_values(["amount", "id"], ascending=[False, True])
        assert [item["decision_id"] for item in rule["best_true"]] == best.id.head(3).tolist()
    assert dict(zip(ids, [rule["change"] for rule in found["rule_figures"]], strict=True)) == {
        "far": "same", "large": "changed", "medium": "same", "online": "new", "late_hour": "new", "above_most": "new",
        "odd": "new", "switched_off": "new",
    }  # fmt: skip
    assert found["removed"] == ["gone"]


def test_unique_frauds_are_caught_by_no_other_rule_and_not_by_the_model(
    history: Path, live_run: Path, new_run: Path, rules: tuple[Path, Path], tmp_path: Path
) -> None:
    never = "{id: never, points: 0, when: amount > 1e9, reason: x}"
    no_rules = f"name: none\nversion: 1\nscale: [[0, 0], [1, 1]]\nrules: [{never}]"
    alone = {decision["decision_id"]: decision for decision in decisions_of(score(tmp_path / "m", history, no_rules))}
    frame, _ = oracle_frame(history, live_run, new_run)
    found = figures(rules[0], "--statistics", history.parent / "statistics.json", "--over", live_run)
    model = [alone[decision_id]["action"] for decision_id in frame.id]
    assert found["model_alone"]["actions"] == {action: model.count(action) for action in ACTIONS}
    single = frame[(frame.hits.map(len) == 1) & mask([action == "allow" for action in model])]
    for rule in found["rule_figures"]:
        of_rule = single[mask([rule["id"] in hits for hits in single.hits])]
        assert (rule["unique_hits"], rule["unique_frauds"]) == (len(of_rule), frauds_of(of_rule)[0])
    assert sum(rule["unique_hits"] for rule in found["rule_figures"]) > 0


def test_features_that_were_not_logged_are_replayed_with_the_same_result(
    history: Path, live_run: Path, rules: tuple[Path, Path], tmp_path: Path
) -> None:
    bare = score(tmp_path / "bare", history, LIVE, "none")
    config, folder = tmp_path / "job.yaml", history.parent
    scoring = {"reference": str(folder / "reference"), "statistics": str(folder / "statistics.json")}
    source = {"kind": "file", "path": str(history)}
    config.write_text(json.dumps({"source": source, "sinks": [{"kind": "discard"}], "scoring": scoring}))
    logged = run_backtest(rules[0], "--over", live_run, "--config", config, "--format", "json")
    replayed = run_backtest(rules[0], "--over", bare, "--config", config, "--format", "json")
    assert replayed.exit_code == 0, replayed.output
    assert "not logged, so replayed from" in replayed.stderr
    one, other = json.loads(logged.stdout), json.loads(replayed.stdout)
    assert one["replayed"] == []
    assert "km_from_home" in other["replayed"]
    for name in ("before", "after"):
        assert one[name]["actions"] == other[name]["actions"]
    of_rules = [
        [(rule["id"], rule["hits"], rule["frauds"]) for rule in found["rule_figures"]] for found in (one, other)
    ]
    assert of_rules[0] == of_rules[1]
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = DecisionStore.open(url)
    read_run(store, bare)
    store.close()
    of_store = run_backtest(rules[0], "--over", url, "--config", config, "--format", "json")
    assert "replayed from the store's events, in the order of their times: " in of_store.stderr, of_store.output
    stored = json.loads(of_store.stdout)
    for name in ("replayed", "before", "after", "rule_figures", "money_caught_minor", "months"):
        assert stored.get(name) == other.get(name), name
    refused = run_backtest(rules[0], "--over", bare / "decisions.jsonl")
    assert refused.exit_code == 2
    assert "Error: the decisions did not log amount, hour_local, km_from_home" in refused.stderr


def test_the_same_input_gives_the_same_bytes_and_any_other_another_id(
    history: Path, live_run: Path, rules: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = (rules[0], "--statistics", history.parent / "statistics.json", "--format", "json", "--over")
    first = run_backtest(*arguments, live_run).stdout
    assert run_backtest(*arguments, live_run).stdout == first
    exported = tmp_path / "decisions.parquet"
    assert CliRunner().invoke(main, ["store", "export", "--run", str(live_run), "--to", str(exported)]).exit_code == 0
    assert run_backtest(*arguments, exported).stdout == first
    packed = tmp_path / "packed.parquet"
    export = ["store", "export", "--run", str(live_run), "--features", "packed", "--to", str(packed)]
    assert CliRunner().invoke(main, export).exit_code == 0
    assert run_backtest(*arguments, packed).stdout == first
    ids = {json.loads(first)["id"]}
    rules[0].write_text(NEW.replace("amount > 250", "amount > 251"))
    ids.add(json.loads(run_backtest(*arguments, exported).stdout)["id"])
    rules[0].write_text(NEW)
    ids.add(json.loads(run_backtest(*arguments, exported, "--until", "2026-01-20").stdout)["id"])
    ids.add(json.loads(run_backtest(*arguments, exported, "--against", rules[1]).stdout)["id"])
    assert len(ids) == 4


def test_the_page_and_the_table_show_the_figures(
    history: Path, live_run: Path, rules: tuple[Path, Path], tmp_path: Path
) -> None:
    arguments = (rules[0], "--statistics", history.parent / "statistics.json", "--over", live_run)
    found, out = json.loads(run_backtest(*arguments, "--format", "json").stdout), tmp_path / "page" / "backtest.html"
    result = run_backtest(*arguments, "--format", "html", "--out", out)
    assert result.output.endswith(f"backtest {found['id']}: {out}\n")
    page = out.read_text()
    table = run_backtest(*arguments).stdout
    for text in (found["id"], "far", "late_hour", f"{found['data']['decisions']:,}"):
        assert text in page
        assert text in table
    assert found["rule_figures"][0]["worst_false"][0]["transaction_id"] in page
    again = tmp_path / "again.html"
    run_backtest(*arguments, "--format", "html", "--out", again)
    assert again.read_bytes() == out.read_bytes()


def test_what_cannot_be_tried_is_told_in_one_line(live_run: Path, rules: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    (tmp_path / "bad.yaml").write_text(NEW.replace("amount > 250", "amonut > 250"))
    for arguments, message in (
        ((rules[0], "--over", tmp_path / "nowhere"), "no such run, file or store"),
        ((rules[0], "--over", tmp_path / "no.parquet"), "no Parquet file"),
        ((tmp_path / "bad.yaml", "--over", live_run), "unknown name 'amonut'"),
        ((rules[0], "--over", live_run, "--until", "1999-01-01"), ""),
    ):
        result = run_backtest(*arguments)
        assert result.exit_code == (2 if message else 0), result.output
        assert message in result.output
        assert "Traceback" not in result.output


def test_memory_and_batches_do_not_change_the_result(history: Path, live_run: Path) -> None:
    trial = Trial(parse_rule_set(NEW.encode(), "n"), parse_rule_set(LIVE.encode(), "l"), deciding_of(history))
    with decision_table(Over(str(live_run))) as table:
        horizon = table.newest_moment_ms() or 0
        whole = backtest(table, trial, horizon)

        class Small:
            rows, form = table.rows, staticmethod(table.form)

            def batches(self, columns: Any, progress: Any = None) -> Any:
                for batch in table.batches(columns):
                    yield from (batch.slice(at, 97) for at in range(0, batch.num_rows, 97))

        assert backtest(Small(), trial, horizon) == whole


def test_lists_shares_and_shadow_count_as_they_do_in_a_job(live_run: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "near.yaml").write_text("{name: near, type: country, version: 1, entries: [US, GB]}")
    file = tmp_path / "shares.yaml"
    file.write_text("""
name: shares
version: 9
scale: [[0, 0], [50, 500]]
rules:
  - {id: listed, points: 1, when: country in @near, reason: x}
  - {id: spelled, points: 1, when: 'country in ["US", "GB"]', reason: x}
  - {id: a_third, points: 1, when: amount > 20, reason: x, rollout: 33}
  - {id: silent, points: 1, when: amount > 20, reason: x, state: shadow}
""")
    found = figures(file, "--over", live_run, "--lists", lists)
    hits = {rule["id"]: rule["hits"] for rule in found["rule_figures"]}
    chosen = [one for one in decisions_of(live_run) if one["features"]["amount"] > 20 and is_in_share(one["user_id"])]
    assert hits["listed"] == hits["spelled"] > 0
    assert hits["a_third"] == len(chosen) > 0
    assert hits["silent"] == 0
    (lists / "near.yaml").write_text("{name: near, type: country, version: 2, entries: [US]}")
    assert figures(file, "--over", live_run, "--lists", lists)["id"] != found["id"]
    without = run_backtest(file, "--over", live_run)
    assert (without.exit_code, "unknown list '@near'" in without.output) == (2, True)


FACTS = """
name: facts
version: 5
scale: [[0, 0], [50, 500]]
rules:
  - {id: verified, points: 5, when: user_verified == 1, reason: x}
  - {id: unverified, points: 5, when: user_verified == 0 and amount > 20, reason: x}
  - {id: sanctioned, points: 5, when: sanctioned_parties != "", reason: x}
  - {id: one_user, points: 5, when: 'startswith(sanctioned_parties, "user U000003")', reason: x}
  - {id: nobody, points: 5, when: 'sanctioned_parties == "" and amount > 50', reason: x}
  - {id: high, points: 5, when: high_amount_count_1h >= 1, reason: x}
  - {id: not_high, points: 5, when: high_amount_count_1h == 0, reason: x}
  - {id: devices, points: 5, when: device_changes_1d >= 1 and km_from_home >= 0, reason: x}
  - {id: cities, points: 5, when: city_changes_1d >= 1, reason: x}
"""


def test_facts_are_replayed_as_a_job_has_them(history: Path, live_run: Path, tmp_path: Path) -> None:
    place = tmp_path / "history"
    shutil.copytree(history.parent, place)
    with (place / "reference" / "block_list.jsonl").open("a") as entries:
        for user in ("U000003", "U000009"):
            entries.write(json.dumps({"type": "user", "value": user, "reason_code": "SANCTION_LIST"}) + "\n")
    made = score(tmp_path / "facts", place / "events.jsonl", FACTS)
    expected = Counter(hit for one in decisions_of(made) for hit in one["rules"]["hits"])
    assert {"sanctioned", "one_user", "nobody", "high", "not_high", "cities"} <= set(expected)
    assert expected["one_user"] < expected["sanctioned"]
    found = figures(made / "rules.yaml", "--over", live_run, "--reference", place / "reference")
    assert Counter({rule["id"]: rule["hits"] for rule in found["rule_figures"] if rule["hits"]}) == expected
    assert found["replayed"] == [
        "city_changes_1d", "device_changes_1d", "high_amount_count_1h", "sanctioned_parties", "user_verified",
    ]  # fmt: skip
    against = figures(live_run / "rules.yaml", "--against", made / "rules.yaml", "--over", live_run, "--reference",
                      place / "reference")  # fmt: skip
    assert against["before"]["actions"] == found["after"]["actions"]


def is_in_share(user_id: str) -> bool:
    """Of rule a_third, by the formula of docs/rules.md."""
    digest = hashlib.blake2b(f"{user_id}\0a_third".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100 < 33


WINDOWS = """
name: live
version: 5
scale: [[0, 0], [50, 500], [100, 1000]]
rules:
  - {id: far, points: 20, when: km_from_home > 50, reason: far}
  - {id: busy, points: 30, when: count(last 10 days) > 25 and amount > 5, reason: "{count(last 10 days)} payments"}
  - {id: spent, points: 20, when: amount_sum(last 36 hours) > 0.6 * amount_sum(last 20 days), reason: spent}
"""


def test_windows_of_hours_are_replayed_and_hit_as_in_a_live_run(history: Path, live_run: Path, tmp_path: Path) -> None:
    run, rules, config = score(tmp_path / "run", history, WINDOWS), tmp_path / "windows.yaml", tmp_path / "job.yaml"
    rules.write_text(WINDOWS)
    scoring = {"reference": str(history.parent / "reference")}
    source = {"kind": "file", "path": str(history)}
    config.write_text(json.dumps({"source": source, "sinks": [{"kind": "discard"}], "scoring": scoring}))
    result = run_backtest(rules, "--over", live_run, "--config", config, "--format", "json")
    assert result.exit_code == 0, result.output
    assert "amount_sum(last 20 days), amount_sum(last 36 hours), count(last 10 days)" in result.stderr
    found, decisions = json.loads(result.stdout), decisions_of(run)
    assert found["replayed"] == ["amount_sum(last 20 days)", "amount_sum(last 36 hours)", "count(last 10 days)"]
    hits = {rule: sum(rule in decision["rules"]["hits"] for decision in decisions) for rule in ("far", "busy", "spent")}
    assert {rule["id"]: rule["hits"] for rule in found["rule_figures"]} == hits
    assert 0 < hits["busy"] < len(decisions) / 2
    assert 0 < hits["spent"] < len(decisions) / 2
    actions = [decision["action"] for decision in decisions]
    assert found["after"]["actions"] == {action: actions.count(action) for action in ACTIONS}
    refused = run_backtest(rules, "--over", live_run / "decisions.jsonl")
    assert refused.exit_code == 2
    assert "Error: the decisions did not log amount_sum(last 20 days)" in refused.stderr
