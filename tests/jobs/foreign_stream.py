"""Transactions of the event stream as foreign JSON objects, their mapping, and objects that it cannot convert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.convert import Input, convert
from ingest.mapping import load_mapping
from tests.jobs.event_stream import event_lines

MAPPING = """
kind: transaction
key_path: $.card.owner
fields:
  transaction_id: ref
  user_id: $.card.owner
  timestamp: {column: at, format: epoch_ms}
  amount: {column: cents, scale: 0.01}
  currency: money
  merchant_id: $.shop.id
  merchant_category: $.shop.mcc
  merchant_country: $.shop.land
  channel: {column: way, lookup: {W: ecommerce, S: pos, A: atm}, default: null}
  device_id: {column: device, may_be_missing: true}
attributes: {card_type: $.card.type}
"""
WAYS = {"ecommerce": "W", "pos": "S", "atm": "A"}
AT = 1_767_225_600_000
SOUND: dict[str, Any] = {
    "ref": "P",
    "card": {"owner": "U00001", "type": "gold"},
    "at": AT,
    "cents": 1,
    "shop": {"id": "M"},
}


def _object(**changes: Any) -> bytes:
    return json.dumps({**SOUND, **changes}).encode()


BROKEN: dict[bytes, str] = {
    b"{": "not JSON: Input data was truncated",
    b"[1, 2]": "expected a JSON object",
    b'{"card": {"owner": "U\xff"}}': "not UTF-8: invalid start byte at byte 1 of a string",
    _object(at="soon"): "column at: 'soon', expected ",
    _object(cents=None): "column cents: blank, expected a value (amount is required)",
    _object(cents=-5): "column cents: '-5', expected a number from 0 to 1000000000000",
    _object(card={"owner": "two words"}): "column card: ",
    _object(card={}): "column card: blank, expected a value (user_id is required)",
    _object(card="U00001"): "column card: 'U00001', expected an object with the key 'owner'",
    _object(card={"owner": 7.0}): "column card: '7.0', expected the user's id unchanged",
    _object(way="X", money="dollars"): "column money: 'dollars', expected ",
}
"""Invalid records, with the start of the dead letter's reason."""


def foreign_lines(count: int, seed: int = 1) -> list[bytes]:
    """The transactions among `count` events, in their order of arrival."""
    lines = []
    for line in event_lines(count, seed):
        event = json.loads(line)
        if "type" in event:
            continue
        row = {
            "ref": event["transaction_id"],
            "card": {"owner": event["user_id"], "type": "gold" if event["user_id"] < "U00070" else "plain"},
            "at": str(event["timestamp"]),
            "cents": round(event["amount"] * 100),
            "money": event["currency"],
            "shop": {"id": event["merchant_id"], "mcc": event["merchant_category"], "land": event["merchant_country"]},
            "way": WAYS.get(event["channel"], "?"),
        }
        if event.get("device_id"):
            row["device"] = event["device_id"]
        lines.append(json.dumps(row).encode())
    return lines


def write_mapping(folder: Path) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(MAPPING)
    return path


def converted_lines(folder: Path, foreign: list[bytes]) -> list[bytes]:
    """The events that `fraud convert --keep-order` makes of the objects, all of which must be readable."""
    rows, out = folder / "rows.jsonl", folder / "converted"
    rows.write_bytes(b"\n".join(foreign))
    summary = convert([Input(rows, load_mapping(write_mapping(folder)))], out, keep_order=True)
    assert summary.rejected == 0
    return (out / "events.jsonl").read_bytes().splitlines()
