"""State bytes as earlier versions left them to PyFlink, pickled, and as they are written now."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from udfs.flink.keyed_log import as_written

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.bin"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_all_that_was_ever_written_is_read_alike_with_and_without_pickle(path: Path) -> None:
    data = path.read_bytes()
    if path.stem.partition("_")[0] in ("entry", "snapshot") or path.stem.startswith(
        ("entity_delta", "entity_snapshot")
    ):
        assert as_written(data) == data
    assert as_written(pickle.dumps(data)) == data
    assert len(GOLDEN) > 10
