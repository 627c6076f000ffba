"""State bytes as earlier versions left them to PyFlink, pickled, and as they are written now."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from udfs.flink.stored_bytes import StateNotReadable, as_written

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.bin"))


class RunsWhenRead:
    """Unpickled by `pickle`, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_all_that_was_ever_written_is_read_alike_with_and_without_pickle(path: Path) -> None:
    data = path.read_bytes()
    if path.stem.partition("_")[0] in ("entry", "snapshot") or path.stem.startswith(
        ("entity_delta", "entity_snapshot", "entity_seen")
    ):
        assert as_written(data) == data
    for protocol in range(3, pickle.HIGHEST_PROTOCOL + 1):  # PyFlink's is 4
        assert as_written(pickle.dumps(data, protocol)) == data
    assert len(GOLDEN) > 10


@pytest.mark.parametrize("size", [0, 255, 256, 70_000])
def test_pickled_bytes_of_any_length_are_read(size: int) -> None:
    assert as_written(pickle.dumps(b"x" * size)) == b"x" * size


def test_json_of_control_elements_and_alerts_is_left_as_it_is() -> None:
    assert as_written(b'{"kind":"rules"}') == b'{"kind":"rules"}'
    assert as_written(b"") == b""


def test_a_pickle_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    folder = tmp_path / "made-by-a-pickle"
    attack = pickle.dumps(RunsWhenRead(folder))
    with pytest.raises(StateNotReadable, match=r"it names posix\.mkdir.*restore an earlier checkpoint or savepoint"):
        as_written(attack)
    assert not folder.exists()
    pickle.loads(attack)
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("stored", "cause"),
    [
        (pickle.dumps("text"), "it holds str"),
        (pickle.dumps(None), "it holds NoneType"),
        (pickle.dumps(b"cut short")[:-3], "UnpicklingError"),
        (b"\x80", "truncated"),
        (b"\x80\xff\x00", "unsupported pickle protocol"),
    ],
)
def test_a_pickle_of_anything_but_bytes_is_refused_with_the_cause(stored: bytes, cause: str) -> None:
    with pytest.raises(StateNotReadable, match=cause):
        as_written(stored)
