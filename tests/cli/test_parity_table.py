"""The table of `fraud parity`: every number is whole, however narrow the terminal is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.parity_table import print_differences
from models.parity import Difference, ParityReport, Place

LOGGED, RECOMPUTED = 123456.78901234567, 0.12345678901234568


def report() -> ParityReport:
    example = Place("T-2026-000000000123456", "[b]customer-00000000042", 1_767_225_600_000, "stale", 17)
    return ParityReport(
        feature_set_version="v", transactions=1_234_567, compared=1_234_567, mismatching=1_234_567, mismatching_not_ok=0,
        missing=0, surplus=0, repeated=0, decisions=1_234_567, duplicates=0, bundles={}, enrichment={},
        live_block_list=False, not_logged=[], not_recomputed=[], missing_examples=[], surplus_examples=[],
        differences=[Difference("merchant_category_fraud_rate_90d", 1_234_567, example, LOGGED, RECOMPUTED)],
    )  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_number_is_cropped(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    print_differences(report(), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "1,234,567 (100.0000%)" in text
    assert repr(LOGGED) in text
    assert repr(RECOMPUTED) in text
    if width == 160:
        assert "[b]customer-00000000042" in text
        assert "T-2026-000000000123456 (stale)" in text
