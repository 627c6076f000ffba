"""An intake in a process of its own, to be killed: `python -m tests.console.store.intake_child KIND URL SOURCE…`.

Prints a line once it reads. Batches are small, so that a kill is likely between and within their transactions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from threading import Event

from console.store import intake_kafka, intake_log, intake_run
from console.store.store import DecisionStore

RECORDS = 25


def main() -> None:
    kind, url, source = sys.argv[1:4]
    store = DecisionStore.open(url)
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
