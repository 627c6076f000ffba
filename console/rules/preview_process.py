"""The process of a preview, started by console.rules.previews: tries rules on decisions of the store.

Standard input has an order (console.rules.preview_order) as one line. It runs apart, so that no answer waits for it, and
ends when the console kills it or is killed: then nobody reads what it tells.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from console.rules.preview_order import ORDERS, Failed, Finished, PreviewOrder, Progress, Step
from console.store.errors import StoreError
from console.store.export import decision_rows, since_of_newest, table_form
from console.store.store import DecisionStore
from models.backtest.decision_table import batches_of
from models.backtest.errors import BacktestError
from models.backtest.parquet_files import ParquetTable, write_parquet
from models.backtest.trial import Deciding, Trial, backtest, names_to_read
from udfs.process.owner_only import OTHERS
from udfs.rules.errors import RuleError
from udfs.rules.named_lists import lists_by_name
from udfs.rules.population import PopulationError, load_population
from udfs.rules.rule_map import RuleMapError
from udfs.scoring.bundle import BundleError, read_manifest

NICENESS = 10
TELL_SECONDS = 0.25
_EXPECTED = (BacktestError, RuleError, RuleMapError, BundleError, PopulationError, StoreError, OSError)
_encode = msgspec.json.Encoder().encode


def main() -> None:
    """Try what the order says, and tell how it goes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to all processes of a terminal; the console ends this one
    os.nice(NICENESS)
    os.umask(OTHERS)
    order = ORDERS.decode(sys.stdin.readline())
    try:
        _tell(run(order))
    except _EXPECTED as error:
        _tell(Failed(str(error)))


def run(order: PreviewOrder) -> Finished | Failed:
    """The backtest of an order. Raises what _EXPECTED lists."""
    manifest = read_manifest(Path(order.bundle))
    statistics = None if order.statistics is None else Path(order.statistics)
    deciding = Deciding(manifest, order.settings, load_population(statistics), lists_by_name(order.lists))
    trial = Trial(order.rules, order.against, deciding)
    with tempfile.TemporaryDirectory(prefix="fraud-preview-") as folder:
        path = Path(folder) / "decisions.parquet"
        store = DecisionStore.open_existing(order.store_url)
        try:
            since_ms, is_cut = since_of_newest(store, order.days, order.most_decisions)
            form = table_form(store, {manifest.feature_set_version: manifest.feature_names})
            names_to_read(trial, form, is_replayed=False)  # what cannot be tried is told before all decisions are read
            rows = decision_rows(store, _Teller("reading").tell, since_ms)
            if not write_parquet(batches_of(rows, form), form, path):
                return Failed("the store has no decisions of these days")
        finally:
            store.close()
        table = ParquetTable([path])
        horizon_ms = table.newest_moment_ms() or 0
        report = backtest(table, trial, horizon_ms, None, _Teller("trying").tell)
    return Finished(_without_people(msgspec.to_builtins(report)), is_cut)


def _without_people(report: dict[str, Any]) -> dict[str, Any]:
    """Whoever the store forgets must not stay in a preview; the ids of decisions lead to what the store still has."""
    for rule in report["rule_figures"]:
        for example in (*rule["best_true"], *rule["worst_false"]):
            del example["user_id"], example["transaction_id"]
    return report


class _Teller:
    """Tells progress, not too often."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._next = 0.0

    def tell(self, done: int, whole: int) -> None:
        now = monotonic()
        if now >= self._next or done == whole:
            self._next = now + TELL_SECONDS
            _tell(Progress(self._step, done, whole))


def _tell(what: Progress | Finished | Failed) -> None:
    try:
        print(_encode(what).decode(), flush=True)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
