"""Decisions with features by name, packed and without features are otherwise equal."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.event_stream import event_lines
from udfs.features.feature_set import feature_set_of
from udfs.records.logged_features import features_of
from udfs.records.outputs import FeatureForm, Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.feature_sets import feature_sets_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

Decisions = list[dict[str, Any]]


def decided(form: FeatureForm) -> Decisions:
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features=form), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)
    found = []
    for line in event_lines(1_500, seed=4, users=25):
        logs.set_current_key(json.loads(line)["user_id"])
        for output in scorer.process(line, logs.key, None, Origin("events.jsonl")):
            if output.destination == "decisions" and output.action is not None:
                found.append(json.loads(output.value))
    return found


@pytest.fixture(scope="module")
def forms() -> dict[str, Decisions]:
    return {"names": decided("names"), "packed": decided("packed"), "none": decided("none")}


def test_packed_features_equal_named_features_to_the_bit(forms: dict[str, Decisions]) -> None:
    sets = feature_sets_of([DEFAULT_BUNDLE])
    unknown = 0
    for by_name, packed in zip(forms["names"], forms["packed"], strict=True):
        expected, found = features_of(by_name, sets), features_of(packed, sets)
        assert tuple(found) == tuple(expected) == feature_set_of().names
        assert struct.pack(f"<{len(found)}d", *found.values()) == struct.pack(f"<{len(found)}d", *expected.values())
        unknown += int(np.isnan(list(found.values())).sum())
    assert len(forms["packed"]) > 1_000
    assert unknown > 10_000


def test_the_feature_form_changes_nothing_else(forms: dict[str, Decisions]) -> None:
    version = feature_set_of().version
    for by_name, packed, without in zip(forms["names"], forms["packed"], forms["none"], strict=True):
        assert packed.pop("features_packed")
        assert by_name.pop("feature_set") == packed.pop("feature_set") == version
        assert by_name.pop("features")
        assert packed.pop("features") is None
        assert without.pop("features") is None
        assert by_name == packed == without
