"""What two candidate rule sets cost: processor time of the scorer with and without them, in pairs in one process.

    python -m benchmarks.candidates

Three scorers with the shipped bundle and the bank pack score the same simulated payments in batches of 32, some batches
each in turn: without candidates, with two that share all conditions with the rules in force, and with two that share none.
The candidates have the bank pack's size. A machine that is busy slows all three; the ratio of a turn is that of its pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import click
import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.machine import describe_machine, machine
from benchmarks.stages import BATCH, Record, batches
from benchmarks.throughput import simulate_into
from models.default_bundle import DEFAULT_BUNDLE
from models.event_files import lines_of
from models.user_shard import routing_key
from udfs.records.outputs import Origin
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.decider import Candidate
from udfs.scoring.factory import open_scorer
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

TURN_BATCHES = 40
WARM_UP_SHARE = 0.3
NAMES = ("without", "two that share all conditions", "two that share none")
"""Of the scorers, in order."""


class Side:
    """One of the scorers, and the processor seconds of its turns."""

    def __init__(self, paths: ScorerPaths, candidates: list[RuleSet]) -> None:
        self._logs = MemoryUserLogs()
        self._scorer: Scorer = open_scorer(ScorerConfig(), paths, self._logs)
        names = self._scorer.engine.features.names
        for number, rule_set in enumerate(candidates):
            self._scorer.use_candidate(f"candidate_{number}", Candidate(1, Rulebook.of(rule_set, names)))
        self.turns: list[float] = []

    def take(self, turn: list[list[Record]], origin: Origin, is_measured: bool) -> None:
        start = process_time()
        for batch in turn:
            for key, line in batch:
                self._logs.set_current_key(key)
                self._scorer.submit(line, key, None, origin)
            self._scorer.flush()
        if is_measured:
            self.turns.append(process_time() - start)


def candidates_of(brackets: int) -> list[RuleSet]:
    """Two sets of the bank pack's size. With `brackets` around them conditions have other texts, so that none is shared."""
    bank = shipped_pack("bank")
    sets = []
    for number in (1, 2):
        around = "(" * brackets * number, ")" * brackets * number
        rules = tuple(msgspec.structs.replace(rule, when=rule.when.join(around)) for rule in bank.rules)
        sets.append(msgspec.structs.replace(bank, version=bank.version + number, rules=rules))
    return sets


def turns_of(records: list[Record]) -> Iterator[tuple[float, list[list[Record]]]]:
    """(share of the records before, batches of a turn), whole turns only."""
    every = TURN_BATCHES * BATCH
    for start in range(0, len(records) - every + 1, every):
        part = records[start : start + every]
        yield start / len(records), [batch for _, batch in batches(part)]


def measure(events: Path, reference: Path) -> list[list[float]]:
    """Processor seconds of each scorer's turns."""
    records = [(routing_key(line), line) for line in lines_of(events)]
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(reference))
    sides = [Side(paths, []), Side(paths, candidates_of(0)), Side(paths, candidates_of(1))]
    origin = Origin(str(events))
    for number, (done, turn) in enumerate(track(list(turns_of(records)), "scoring")):
        first = number % len(sides)
        for side in sides[first:] + sides[:first]:
            side.take(turn, origin, done >= WARM_UP_SHARE)
    return [side.turns for side in sides]


@click.command(help=__doc__)
@click.option("--payments", default=150_000, show_default=True, type=click.IntRange(10_000))
@click.option("--users", default=5_000, show_default=True, type=click.IntRange(1))
def main(payments: int, users: int) -> None:
    click.echo(describe_machine(machine()))
    with TemporaryDirectory() as folder:
        work = Path(folder)
        simulate_into(work, payments, users, only_transactions=True)
        turns = measure(work / "events.jsonl", work / "reference")
    table = Table("candidates", "us a payment", "median ratio of pairs", "quarter of the pairs below", "above")
    every = TURN_BATCHES * BATCH
    for name, seconds in zip(NAMES, turns, strict=True):
        ratios = sorted(one / base for one, base in zip(seconds, turns[0], strict=True))
        quarter = len(ratios) // 4
        table.add_row(
            name, f"{median(seconds) / every * 1e6:.1f}", f"{median(ratios):.3f}",
            f"{ratios[quarter]:.3f}", f"{ratios[-1 - quarter]:.3f}",
        )  # fmt: skip
    click.echo(f"{len(turns[0])} turns of {every:,} payments each")
    Console().print(table)


if __name__ == "__main__":
    main()
