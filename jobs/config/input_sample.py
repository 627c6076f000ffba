"""Samples a job's input file and compares it with a bundle's training data, before the job runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.events import Login, Transaction
from udfs.records.profiles import DeviceProfile, DomainFeed, IpFeed, UserProfile
from udfs.scoring.bundle import Manifest
from udfs.scoring.input_coverage import InputCoverage, KnownElsewhere, input_coverage
from udfs.stores.reference_rows import HISTORY_FILE, REFERENCE_FILES, rows_of

SAMPLED_LINES = 20_000
SAMPLED_SEGMENTS = 200
"""The file is divided into this many segments of equal size; the same number of lines is read from each."""


def coverage_of_file(
    events: Path,
    manifest: Manifest,
    reference: Path | None,
    histories: bool | None,
    is_remote: bool = False,
    decode: EventDecoder = decode_event,
) -> InputCoverage:
    """Compare the fields known in a sample of an event file, and in its reference folder, with the bundle's training data.

    `histories`: whether entity histories exist besides those of the folder (None: unknown). `is_remote`: profiles are in a
    remote store, which is not read. Lines that are not valid events are skipped. Raises OSError.
    """
    transactions: list[Transaction] = []
    has_logins = False
    for line in sample_lines(events):
        try:
            event = decode(line)
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


def sample_lines(path: Path, lines: int = SAMPLED_LINES, segments: int = SAMPLED_SEGMENTS) -> Iterator[bytes]:
    """Up to `lines` whole lines, evenly spread over the file, each at most once. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for segment in range(segments):
            start, end = size * segment // segments, size * (segment + 1) // segments
            file.seek(max(0, start - 1))
            if start:
                file.readline()  # skip the rest of a line that starts in the previous segment
            for _ in range(lines // segments):
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
