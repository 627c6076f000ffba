"""The shipped mappings and those in the documentation."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from ingest.mapping import load_mapping, parse_mapping
from ingest.rows import Truth, records_from_row
from ingest.stream_key import stream_key_path
from udfs.records.events import Label, Transaction

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "bring-your-own-data.md").read_text(), re.DOTALL)
APRIL_1 = 1_522_540_831_000  # 2018-04-01T00:00:31Z


def test_handbook_row_becomes_transaction_label_and_truth() -> None:
    row = {
        "TRANSACTION_ID": 0,
        "TX_DATETIME": datetime(2018, 4, 1, 0, 0, 31),
        "CUSTOMER_ID": 596,
        "TERMINAL_ID": 3156,
        "TX_AMOUNT": 57.16,
        "TX_FRAUD": 1,
        "TX_FRAUD_SCENARIO": 2,
    }
    mapping = load_mapping(ROOT / "deploy" / "mappings" / "handbook.yaml")
    record, label, truth, extras, *_ = records_from_row(row, mapping)
    assert record == Transaction(transaction_id="0", user_id="596", timestamp=APRIL_1, amount=57.16, merchant_id="3156")
    assert label == Label(
        event_id="label:0",
        transaction_id="0",
        user_id="596",
        timestamp=APRIL_1,
        known_at=APRIL_1 + 7 * 86_400_000,
        is_fraud=True,
        merchant_id="3156",
    )
    assert truth == Truth(
        transaction_id="0",
        user_id="596",
        timestamp=APRIL_1,
        amount=57.16,
        is_fraud=True,
        pattern="merchant_compromise",
    )
    assert extras is None


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_documented_mapping_loads(block: str) -> None:
    mapping = parse_mapping(block)
    if "key_path" in block:
        assert stream_key_path(mapping) == "$.card.owner"


def test_documentation_has_mappings() -> None:
    assert len(BLOCKS) == 4
