"""The measured forms of a decision equal those written by the scorer."""

from __future__ import annotations

import json

from benchmarks.decision_sizes import in_all_forms, measure, table
from cli.decision_input import DecisionLine
from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.event_stream import event_lines
from udfs.records.outputs import FeatureForm, Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.feature_sets import feature_sets_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs


def decisions(form: FeatureForm) -> list[bytes]:
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features=form), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)
    found = []
    for line in event_lines(120, users=5):
        logs.set_current_key(json.loads(line)["user_id"])
        outputs = scorer.process(line, logs.key, None, Origin("events.jsonl"))
        found += [output.value for output in outputs if output.destination == "decisions"]
    return found


def test_each_form_equals_the_scorers_encoding() -> None:
    forms: dict[FeatureForm, list[bytes]] = {form: decisions(form) for form in ("names", "packed", "none")}
    sets = feature_sets_of()
    for number, packed in enumerate(forms["packed"]):
        is_decision = packed.startswith(b'{"type":"decision"')
        expected = {form: lines[number] for form, lines in forms.items()} if is_decision else None
        assert in_all_forms(packed, sets) == in_all_forms(forms["names"][number], sets) == expected

    count, sizes = measure([DecisionLine("", line) for line in forms["names"]], sets)
    lines = {form: [line for line in lines if b'"type":"decision"' in line] for form, lines in forms.items()}
    assert count == len(lines["names"])
    assert {form: size.plain for form, size in sizes.items()} == {form: sum(map(len, lines[form])) for form in lines}
    header, _, *rows = table(count, sizes)
    assert header == f"| {count} decisions, bytes per decision | JSON | gzip | lz4 | zstd |"
    assert [row.split("|")[1].strip() for row in rows] == ["`names`", "`packed`", "`none`"]
