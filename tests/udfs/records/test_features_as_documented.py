"""Runs the Python and SQL (DuckDB) decoders of docs/events.md."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from udfs.records.logged_features import pack_features

DOCUMENT = Path(__file__).parents[3] / "docs" / "events.md"
NAMES = tuple(f"feature_{number}" for number in range(40))


def block(language: str) -> str:
    """The only code block in that language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(text)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[float]]:
    """Writes random feature values to decisions.jsonl; returns them by transaction."""
    random = Random(8)
    special = [math.nan, -0.0, 0.0, 5e-324, -1.7976931348623157e308, 0.1]
    made = {
        f"T{number}": [
            random.choice(special) if random.random() < 0.3 else _finite(random) for _ in NAMES
        ]
        for number in range(50)
    }  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("bundle").mkdir()
    manifest = {"format_version": 2, "feature_set_version": "f00d", "feature_names": NAMES, "settings": {"trees": 3}}
    Path("bundle/manifest.json").write_text(json.dumps(manifest, indent=1))
    decisions: list[dict[str, Any]] = [
        {
            "type": "decision", "transaction_id": transaction, "features": None, "feature_set": "f00d",
            "features_packed": _base64(pack_features(values)),
        }
        for transaction, values in made.items()
    ]  # fmt: skip
    Path("decisions.jsonl").write_text("".join(json.dumps(decision) + "\n" for decision in decisions))
    return made


def _finite(random: Random) -> float:
    value: float = struct.unpack("<d", random.randbytes(8))[0]
    return value if math.isfinite(value) else math.nan


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_the_sql_example_decodes_every_value_exactly(vectors: dict[str, list[float]]) -> None:
    with duckdb.connect() as database:
        rows = database.execute(block("sql")).fetchall()
    found = {(transaction, name): bits(value) for transaction, name, value in rows}
    assert found == {
        (transaction, name): bits(value)
        for transaction, values in vectors.items()
        for name, value in zip(NAMES, values, strict=True)
    }
    assert len(rows) == 50 * len(NAMES)


def test_the_python_example_decodes_every_value_exactly(vectors: dict[str, list[float]]) -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    last = list(vectors.values())[-1]
    assert {name: bits(value) for name, value in names["features"].items()} == {
        name: bits(value) for name, value in zip(NAMES, last, strict=True)
    }
