"""Reads alerts.jsonl into columns, and keeps the strongest alerts in full."""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from reporting.decisions import flag_bits_of, tag_bits_of
from reporting.growing_columns import GrowingColumns
from reporting.identity import key_of
from reporting.json_lines import broken_line, records_of
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.records.outputs import ACTIONS, Alert

TOP_ALERTS = 20
Column = npt.NDArray[Any]


class Alerts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One row [A] an alert, without duplicates of the file. `top`: at most TOP_ALERTS in full, strongest first.

    Ordered by action (stricter is stronger), then by higher score, greater amount, earlier time.
    """

    time_ms: Column  # int64, event time
    action: Column  # int8, index in ACTIONS; allow = raised by a flag alone
    tag_bits: Column  # int8, bit i for udfs.records.outputs.TAGS[i]
    flag_bits: Column  # int8, bit i for decisions.FLAGS[i]
    on_transaction: Column  # bool; the others are on account changes
    top: tuple[Alert, ...]


_decoder = msgspec.json.Decoder(Alert)
_Strength = tuple[int, int, float, int, str]


def no_alerts() -> Alerts:
    """The alerts of a run without alerts."""
    return _AlertReader().finish()


def read_alerts(path: Path) -> Alerts:
    """All alerts of the file. Raises RunFilesError."""
    reader = _AlertReader()
    for number, alert in records_of(path, _decoder):
        if not 0 <= alert.event_time_ms <= MAX_TIMESTAMP_MS:
            raise broken_line(path, number, f"event_time_ms: {alert.event_time_ms} is not between 1970 and 9999")
        reader.add(alert)
    return reader.finish()


class _AlertReader:
    def __init__(self) -> None:
        self._rows = GrowingColumns(
            {"id": "Q", "time_ms": "q", "action": "b", "tag_bits": "b", "flag_bits": "b", "on_transaction": "b"}
        )
        self._top: list[tuple[_Strength, Alert]] = []
        self._top_ids: set[str] = set()

    def add(self, alert: Alert) -> None:
        action = ACTIONS.index(alert.action)
        self._rows.append(
            (
                key_of(alert.alert_id),
                alert.event_time_ms,
                action,
                tag_bits_of(alert.tags),
                flag_bits_of(alert.flags),
                alert.transaction_id is not None,
            )
        )
        strength = (action, alert.risk_score, alert.amount or 0.0, -alert.event_time_ms, alert.alert_id)
        if alert.alert_id in self._top_ids or (len(self._top) == TOP_ALERTS and strength <= self._top[0][0]):
            return
        # A strength ends in the id, and ids in the heap are unique: alerts themselves are never compared.
        heapq.heappush(self._top, (strength, alert))
        self._top_ids.add(alert.alert_id)
        if len(self._top) > TOP_ALERTS:
            _, weakest = heapq.heappop(self._top)
            self._top_ids.remove(weakest.alert_id)

    def finish(self) -> Alerts:
        columns = self._rows.arrays()
        _, first = np.unique(columns["id"], return_index=True)
        first.sort()
        return Alerts(
            time_ms=columns["time_ms"][first],
            action=columns["action"][first],
            tag_bits=columns["tag_bits"][first],
            flag_bits=columns["flag_bits"][first],
            on_transaction=columns["on_transaction"][first].astype(bool),
            top=tuple(alert for _, alert in sorted(self._top, key=lambda item: item[0], reverse=True)),
        )
