"""A batch in a frame gives the recorded outputs and states of its records taken one by one (tests/golden/decisions.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.golden.decisions import RECORDINGS, Replay, Step, origin_of, outputs_of, read, states_of
from tests.jobs.frames import Framed, write_records
from tests.udfs.scoring.test_recorded_decisions import assert_same_outputs
from udfs.flink.frame import read_answer
from udfs.records.outputs import Action, Destination, Output

BATCH_SIZES = (1, 2, 7, 32)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
@pytest.mark.parametrize("size", BATCH_SIZES)
def test_a_frame_gives_what_its_records_give_alone(recording: Path, size: int) -> None:
    given, steps, states = read(recording)
    replay = Replay(given)
    counted: Counter[str] = Counter()
    for batch in batches(steps, size):
        if batch[0].control is not None or batch[0].is_restored:
            replay.take(batch[0])
            continue
        for step, outputs in zip(batch, taken(replay, batch, counted), strict=True):
            assert_same_outputs(outputs_of(outputs), step.outputs, steps.index(step))
    assert counted["records"] == sum(step.control is None and not step.is_restored for step in steps)
    assert states_of(replay.logs, steps) == states


def test_bytes_that_are_no_frame_are_refused() -> None:
    given, _, _ = read(RECORDINGS[0])
    scorer = Replay(given).scorer
    with pytest.raises(ValueError, match="the frame of a batch ends within a key of a record"):
        scorer.score_frame(b"\x00\x05abc", "file", None, lambda place: None)


def batches(steps: list[Step], size: int) -> Iterator[list[Step]]:
    """Runs of records at one moment of the store, of `size` at most; control elements and restarts alone."""
    batch: list[Step] = []
    for step in steps:
        is_alone = step.control is not None or step.is_restored
        same = batch and (batch[0].now_ms, batch[0].is_down) == (step.now_ms, step.is_down)
        if batch and (is_alone or not same or len(batch) == size):
            yield batch
            batch = []
        if is_alone:
            yield [step]
        else:
            batch.append(step)
    if batch:
        yield batch


def taken(replay: Replay, batch: list[Step], counted: Counter[str]) -> list[list[Output]]:
    """The outputs of each record of a batch, in one frame, with the entries written afterwards as the operator does."""
    replay.store.now_ms, replay.store.is_down = batch[0].now_ms, batch[0].is_down
    records = []
    for step in batch:
        replay._offset += 1
        origin = origin_of(replay._offset)
        partition, offset = (-1, 0) if origin.partition is None else (int(origin.partition), origin.offset or 0)
        source = "" if origin.source == "file" else origin.source
        records.append(Framed(step.key, source, step.bytes, step.arrived_at_ms, partition, offset))
    scored = replay.scorer.score_frame(
        write_records(records), "file", None, lambda place: replay.logs.set_current_key(batch[place].key)
    )
    answers = list(read_answer(scored.answer))
    assert len(answers) == scored.records == len(batch)
    counted["records"] += scored.records
    letters = dict(zip(scored.places, scored.letters, strict=True))
    outputs: list[list[Output]] = []
    for place, (step, answered) in enumerate(zip(batch, answers, strict=True)):
        replay.logs.set_current_key(step.key)
        for entry in answered.entries:
            replay.logs.append(entry)
        found = [Output.of_bytes(to, step.key, value, action_of(to, value)) for to, value in answered.outputs]
        outputs.append([letters[place]] if place in letters else found)
    counts = Counter((output.destination, output.action) for output in (o for found in outputs for o in found))
    assert counts == Counter(scored.outputs) + Counter({("dead-letters", None): len(letters)})
    arrivals = [step.arrived_at_ms for step in islice(batch, 0, None, 8) if step.arrived_at_ms is not None]
    assert scored.arrived_at_ms == arrivals
    return outputs


def action_of(destination: Destination, value: bytes) -> Action | None:
    return Output.of_bytes(destination, "", value, None).record.action
