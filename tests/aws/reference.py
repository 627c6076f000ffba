"""Profiles of the event stream's users, as a reference folder and in a remote store."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contracts.store_factories import SETTINGS
from tests.jobs.event_stream import USERS
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.stores.opening import open_store
from udfs.stores.port import LOADED, Loaded
from udfs.stores.reference_rows import REFERENCE_FILES, rows_of
from udfs.stores.settings import RemoteStoreSettings

COUNTRIES = ("US", "DE", "NG")
# Thresholds that make alerts rare, as a bank's are: for each new message moto looks at all in the queue, a minute's work
# for 2,500.
RARE_ALERTS = {"refer_to_analyst": 240, "soft_challenge": 240, "hard_block": 300}


def write_reference(directory: Path) -> Path:
    """A folder with a profile for nine users in ten, a few of them of nobody who was identified: flags are rare."""
    directory.mkdir(parents=True)
    users = [
        {"user_id": f"U{number:05d}", "home_country": COUNTRIES[number % 3], "kyc_level": 3 if number % 50 != 1 else 0}
        for number in range(USERS)
        if number % 10
    ]
    (directory / "users.jsonl").write_text("\n".join(map(json.dumps, users)))
    return directory


def fill_store(settings: RemoteStoreSettings, reference: Path) -> None:
    """What `fraud load` writes."""
    store = open_store(settings, SETTINGS, SYSTEM_CLOCKS)
    for file in REFERENCE_FILES:
        records = {row.key: row.record for row in rows_of(reference, file) if row.key and row.record}
        if records:
            store.put_many(records, None)
    store.put_many({LOADED: Loaded(at_ms=0)}, None)
    store.close()
