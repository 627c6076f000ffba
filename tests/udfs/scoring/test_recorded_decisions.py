"""The scorer gives the recorded outputs of streams that hold everything, byte for byte (tests/golden/decisions.py).

The first recordings are of the scorer in Python that stood here before the core.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.golden.decisions import RECORDINGS, Replay, outputs_of, read, states_of

RELATIVE = 1e-5
"""How far two machines' onnxruntime may be apart: the model's numbers are float32."""


def assert_close(found: Any, expected: Any, place: str = "") -> None:
    """Equal but for floats, which differ by rounding, and risk scores, by 1."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), place
        for name in expected:
            assert_close(found[name], expected[name], f"{place}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for number, item in enumerate(expected):
            assert_close(found[number], item, f"{place}[{number}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=RELATIVE), place
    elif place.endswith("risk_score"):
        assert abs(found - expected) <= 1, place
    else:
        assert found == expected, place


def assert_same_record(found: str, expected: str) -> None:
    """The same bytes, where the model said the same; a last digit of the probability may be the C library's."""
    if found == expected:
        return
    fields, recorded = msgspec.json.decode(found), msgspec.json.decode(expected)
    assert fields.get("features") == recorded.get("features")
    if fields.get("model") == recorded.get("model"):
        assert fields.pop("probability") == pytest.approx(recorded.pop("probability"), rel=1e-15)
        assert fields == recorded
    else:
        assert_close(fields, recorded)


def assert_same_outputs(found: list[Any], recorded: list[Any], number: int) -> None:
    """As `outputs_of` gives them, of the step of this number."""
    assert [(*output[:3], output[4]) for output in found] == [(*output[:3], output[4]) for output in recorded], number
    for output, expected in zip(found, recorded, strict=True):
        assert_same_record(output[3], expected[3])


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_outputs_and_states_are_as_recorded(path: Path) -> None:
    given, steps, states = read(path)
    replay = Replay(given)
    seen: Counter[str] = Counter()
    for number, step in enumerate(steps):
        outputs = outputs_of(replay.take(step))
        assert_same_outputs(outputs, step.outputs, number)
        seen.update(output[0] for output in outputs)
    assert states_of(replay.logs, steps) == states
    assert seen["decisions"] > 250
    assert seen["alerts"] > 200


def test_the_recordings_hold_everything() -> None:
    values = [output for path in RECORDINGS for step in read(path).steps for output in step.outputs]
    decisions = [msgspec.json.decode(output[3]) for output in values if output[0] == "decisions"]
    kinds = Counter(decision["type"] for decision in decisions)
    statuses = Counter(decision.get("enrichment") for decision in decisions)
    assert min(statuses["ok"], statuses["degraded"]) > 100
    assert statuses["stale"] > 3
    assert kinds["duplicate"] > 20
    assert sum(decision.get("late", False) for decision in decisions) > 20
    assert {output[0] for output in values} == {"decisions", "alerts", "flags", "dead-letters"}
    assert {output[2] for output in values if output[0] == "decisions"} == {
        None, "allow", "refer_to_analyst", "soft_challenge", "hard_block",
    }  # fmt: skip
