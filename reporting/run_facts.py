"""Reads run.json: throughput, latency, versions and inputs of a run, as `fraud score` records them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from reporting.errors import RunFilesError
from udfs.rules.rule_map import RuleMap
from udfs.scoring.input_coverage import InputCoverage

FACTS_NOT_LISTED = ("rule_ids", "rule_map", "input_coverage")


class LatencyMs(msgspec.Struct, frozen=True):
    """Percentiles of the scoring time of a record, in milliseconds."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = msgspec.field(default=None, name="p99.9")


class _Known(msgspec.Struct, frozen=True):
    seconds: float | None = None
    transactions_per_second: float | None = None
    latency_ms: LatencyMs | None = None
    base_currency: str | None = None
    rule_ids: list[str] = []
    rule_map: RuleMap | None = None
    input_coverage: InputCoverage | None = None


class RunFacts(msgspec.Struct, frozen=True):
    """The facts that the summary uses (None = not recorded); `all` has every listed fact as (name, text)."""

    seconds: float | None = None
    transactions_per_second: float | None = None
    latency_ms: LatencyMs | None = None
    base_currency: str | None = None
    rule_ids: tuple[str, ...] = ()
    rule_map: RuleMap | None = None
    input_coverage: InputCoverage | None = None
    all: tuple[tuple[str, str], ...] = ()


_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read_run_facts(path: Path) -> RunFacts:
    """The file's facts; a run without the file has none. Raises RunFilesError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return RunFacts()
    except OSError as error:
        raise RunFilesError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        facts = _decode(content)
        known = msgspec.convert(facts, _Known)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RunFilesError(f"{path}: not the facts of a run: {error}") from None
    return RunFacts(
        known.seconds,
        known.transactions_per_second,
        known.latency_ms,
        known.base_currency,
        tuple(known.rule_ids),
        known.rule_map,
        known.input_coverage,
        tuple((name.replace("_", " "), _text(value)) for name, value in facts.items() if name not in FACTS_NOT_LISTED),
    )


def _text(value: Any) -> str:
    """Any JSON value as text on one line."""
    if isinstance(value, dict):
        return " · ".join(f"{name.replace('_', ' ')} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if abs(value) < 10_000 else f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value)
