"""A sample of a job's input, to compare with what a bundle was trained on before the job runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from udfs.bundle import Manifest
from udfs.codec import BadRecord, decode_event
from udfs.events import Login, Transaction
from udfs.input_coverage import InputCoverage, KnownElsewhere, input_coverage
from udfs.profiles import DeviceProfile, DomainFeed, IpFeed, UserProfile
from udfs.stores.reference_rows import HISTORY_FILE, REFERENCE_FILES, rows_of

SAMPLED_LINES = 20_000
PLACES = 200
"""The lines are taken at so many places of the file, as many at each."""


def coverage_of_file(
    events: Path, manifest: Manifest, reference: Path | None, histories: bool | None, is_remote: bool = False
) -> InputCoverage:
    """How a file of events, with its reference folder, compares with the data that the bundle was trained on.

    `histories` tells whether there are entities' histories beside the folder's own (None: not known). With `is_remote`
    the profiles are in a store that is not looked at. Lines that are no events are left out. Raises OSError.
    """
    transactions: list[Transaction] = []
    has_logins = False
    for line in sample_lines(events):
        try:
            event = decode_event(line)
        except BadRecord:
            continue
        if isinstance(event, Transaction):
            transactions.append(event)
        elif isinstance(event, Login):
            has_logins = True
    elsewhere = _elsewhere(reference, histories, has_logins, is_remote)
    decision = manifest.decision
    return input_coverage(
        transactions, elsewhere, manifest.groups, manifest.group_known, manifest.importance, decision.coverage_floor
    )


def sample_lines(path: Path, lines: int = SAMPLED_LINES, places: int = PLACES) -> Iterator[bytes]:
    """Up to `lines` whole lines, spread evenly over the file, each once. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in range(places):
            start, end = size * place // places, size * (place + 1) // places
            file.seek(max(0, start - 1))
            if start:
                file.readline()  # the line that the place before holds, or the end of the one before it
            for _ in range(lines // places):
                if file.tell() >= end:
                    break
                line = file.readline()
                if not line:
                    break
                yield line.rstrip(b"\r\n")


def _elsewhere(reference: Path | None, histories: bool | None, has_logins: bool, is_remote: bool) -> KnownElsewhere:
    if is_remote:
        return KnownElsewhere(
            users=None, devices=None, ip_addresses=None, email_domains=None, has_logins=has_logins, has_histories=None
        )
    users: dict[str, frozenset[str]] = {}
    devices, addresses, domains = set(), set(), set()
    for file in REFERENCE_FILES if reference is not None else ():
        if reference is None or file.kind not in (UserProfile, DeviceProfile, IpFeed, DomainFeed):
            continue
        for row in rows_of(reference, file):
            record = row.record
            if isinstance(record, UserProfile):
                users[record.user_id] = frozenset(record.attributes or ())
            elif isinstance(record, DeviceProfile):
                devices.add(record.device_id)
            elif isinstance(record, IpFeed):
                addresses.add(record.ip_address)
            elif isinstance(record, DomainFeed):
                domains.add(record.email_domain)
    if histories is False and reference is not None:
        histories = (reference / HISTORY_FILE.name).is_file()
    return KnownElsewhere(
        users=users,
        devices=devices,
        ip_addresses=addresses,
        email_domains=domains,
        has_logins=has_logins,
        has_histories=histories,
    )
