"""An intake in a process of its own, to be killed: `python -m tests.console.store.intake_child KIND URL SOURCE…`.

Prints a line once it reads. Batches are small, with a pause before each, so that a kill is likely between and within their
transactions, and comes before the end on a fast machine, too.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from threading import Event

from console.store import intake_kafka, intake_log, intake_run
from console.store.rows import Batch
from console.store.store import DecisionStore

RECORDS = 25
PAUSE_SECONDS = 0.01


class SlowStore(DecisionStore):
    def write(self, batch: Batch) -> None:
        time.sleep(PAUSE_SECONDS)
        super().write(batch)


def main() -> None:
    kind, url, source = sys.argv[1:4]
    store = SlowStore.open(url)
    print("reads", flush=True)
    if kind == "run":
        intake_run.LINES_A_BATCH = RECORDS
        intake_run.read_run(store, Path(source))
    elif kind == "log":
        intake_log.RECORDS_A_BATCH = RECORDS
        intake_log.LogIntake(store, Path(source)).run_to_end()
    else:
        intake_kafka.RECORDS_A_BATCH = RECORDS
        settings = {"bootstrap.servers": source}
        intake_kafka.KafkaIntake(store, settings, json.loads(sys.argv[4])).run(Event(), until_end=True)
    store.close()


if __name__ == "__main__":
    main()
