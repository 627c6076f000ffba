"""The mappings that are shipped and those that the documentation shows."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from ingest.mapping import load_mapping, parse_mapping
from ingest.rows import Truth, records_of
from ingest.stream_key import stream_key_path
from udfs.events import Label, Transaction

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "bring-your-own-data.md").read_text(), re.DOTALL)
APRIL_1 = 1_522_540_831_000  # 2018-04-01T00:00:31Z


def test_a_row_of_the_handbook_becomes_a_transaction_a_label_and_the_truth() -> None:
    row = {
        "TRANSACTION_ID": 0,
        "TX_DATETIME": datetime(2018, 4, 1, 0, 0, 31),
        "CUSTOMER_ID": 596,
        "TERMINAL_ID": 3156,
        "TX_AMOUNT": 57.16,
        "TX_FRAUD": 1,
        "TX_FRAUD_SCENARIO": 2,
    }
    record, label, truth, extras = records_of(row, load_mapping(ROOT / "deploy" / "mappings" / "handbook.yaml"))
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
def test_every_mapping_of_the_documentation_loads(block: str) -> None:
    mapping = parse_mapping(block)
    if "key_path" in block:
        assert stream_key_path(mapping) == "$.card.owner"


def test_the_documentation_shows_mappings() -> None:
    assert len(BLOCKS) == 3
