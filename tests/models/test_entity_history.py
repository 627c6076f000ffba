"""Aggregation of a file of events to entity history, and the file that the scorer reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.entity_history import SeenTransactions, aggregate_entities, write_history
from models.event_files import EventFileError
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketRow, BucketSettings, Entity
from udfs.entities.deltas import SeenTransaction
from udfs.stores.memory import load_reference

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_0 = START // HOUR
SETTINGS = BucketSettings()


def paid(number: int, user: str, merchant: str | None, time: int, **more: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"T{number}", "user_id": user, "timestamp": time, "amount": 10, "merchant_id": merchant, **more,
    }  # fmt: skip


def judged(number: int, user: str, time: int, known: int, fraud: bool, merchant: str | None = None) -> dict[str, Any]:
    return {
        "type": "label", "event_id": f"L{number}-{known}", "transaction_id": f"T{number}", "user_id": user,
        "timestamp": time, "known_at": known, "is_fraud": fraud, "merchant_id": merchant,
    }  # fmt: skip


def file_of(folder: Path, lines: list[dict[str, Any] | bytes]) -> Path:
    path = folder / "events.jsonl"
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    )
    return path


def rows_of(folder: Path, *lines: dict[str, Any] | bytes, **more: Any) -> dict[str, BucketRow]:
    """The merchants' rows by id."""
    return {row.id: row for row in all_rows(folder, *lines, **more) if row.entity == "merchant"}


def all_rows(folder: Path, *lines: dict[str, Any] | bytes, **more: Any) -> list[BucketRow]:
    rows = list(aggregate_entities(file_of(folder, list(lines)), SETTINGS, **more))
    keys = [(row.entity, row.id) for row in rows]
    assert keys == sorted(set(keys))
    return rows


def test_transactions_users_and_frauds_are_counted_by_merchant_and_hour(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        paid(1, "U1", "M1", START),
        paid(2, "U2", "M1", START + 1),
        paid(3, "U1", "M1", START + 2),
        paid(4, "U1", "M2", START + 3),
        paid(5, "U1", None, START + 4),
        paid(6, "U1", "M1", START + 2 * HOUR),
        {"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": START + 2 * HOUR},
        judged(1, "U1", START, START + DAY, True, "M1"),
        judged(2, "U2", START + 1, START + DAY, False, "M1"),
    )
    assert rows == {
        "M1": BucketRow(
            entity="merchant", id="M1", complete_through_ms=START + 2 * HOUR, first_hour=HOUR_0,
            hours=[HOUR_0 + hour for hour in (0, 2, 24, 26, 168, 170, 192)], transactions=[3, 1, 0, 0, 0, 0, 0],
            frauds=[1, 0, 0, 0, 0, 0, 0], users_1d=[2, 0, -1, -1, 0, 0, 0], users_7d=[2, 0, 0, 0, -1, -1, 0],
            amounts=[3_000, 1_000, 0, 0, 0, 0, 0], reported=[0, 0, 1, 0, 0, 0, -1],
        ),
        "M2": BucketRow(
            entity="merchant", id="M2", complete_through_ms=START + 2 * HOUR, first_hour=HOUR_0,
            hours=[HOUR_0, HOUR_0 + 24, HOUR_0 + 168], transactions=[1, 0, 0], frauds=[0, 0, 0], users_1d=[1, -1, 0],
            users_7d=[1, 0, -1], amounts=[1_000, 0, 0], reported=[0, 0, 0],
        ),
    }  # fmt: skip


def counts_of(row: BucketRow, what: str) -> dict[int, int]:
    """Hours after the start and their values, without zeros."""
    return {hour - HOUR_0: value for hour, value in zip(row.hours, getattr(row, what), strict=True) if value}


def test_a_repeated_transaction_counts_once_per_user(
    tmp_path: Path,
) -> None:
    first = paid(1, "U1", "M1", START)
    rows = rows_of(tmp_path, first, first, paid(1, "U2", "M1", START), paid(2, "U1", "M1", START + 2 * DAY), first)
    assert counts_of(rows["M1"], "transactions") == {0: 2, 48: 1}
    assert counts_of(rows["M1"], "users_1d") == {0: 2, 24: -2, 48: 1, 72: -1}


def test_numeric_and_text_ids_are_equal(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        {"transaction_id": 7, "user_id": 1, "timestamp": START, "amount": 1, "merchant_id": 55},
        {"transaction_id": "7", "user_id": "1", "timestamp": "2026-01-01T01:00:00+01:00", "amount": 1, "merchant_id": "55"},
        {
            "type": "label", "event_id": 1, "transaction_id": 7, "user_id": 1, "timestamp": START,
            "known_at": START + 1, "is_fraud": True,
        },
    )  # fmt: skip
    assert (counts_of(rows["55"], "transactions"), counts_of(rows["55"], "frauds")) == ({0: 1}, {0: 1})


def test_a_label_without_merchant_counts_for_its_transactions_one(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        paid(1, "U1", "M1", START),
        paid(1, "U2", "M2", START),
        judged(1, "U2", START, START + DAY, True),
        judged(1, "U1", START, START + DAY, False),
        judged(9, "U1", START, START + DAY, True),  # unknown transaction
    )
    assert (counts_of(rows["M1"], "frauds"), counts_of(rows["M2"], "frauds")) == ({}, {0: 1})
    assert set(rows) == {"M1", "M2"}


def test_labels_of_equal_ids_of_two_users_are_independent(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        paid(1, "U1", "M1", START),
        paid(1, "U2", "M1", START),
        judged(1, "U1", START, START + DAY, True),
        judged(1, "U2", START, START + 2 * DAY, False),
    )
    assert counts_of(rows["M1"], "frauds") == {0: 1}


def test_corrections_count_when_known_and_repeated_labels_do_not(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        paid(1, "U1", "M1", START),
        judged(1, "U1", START, START + DAY, True),
        judged(1, "U1", START, START + DAY, True),
        judged(1, "U1", START, START + 10 * DAY, False),
    )
    assert counts_of(rows["M1"], "frauds") == {0: 1}
    assert rows["M1"].withdrawn == [(HOUR_0, HOUR_0 + 3 * 24)]  # 10 days - the label delay of 7


def test_invalid_events_are_skipped_as_in_the_job(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        b"",
        b"\xff\xfe",
        b"{",
        b"[" * 200_000,
        paid(1, "U1", "M1", START),
        paid(2, "U1", "M 1", START),
        paid(3, "U1", "M1", START, amount=-1),
        paid(4, "U1", "M1", START, amount=1e400),
        judged(1, "U1", START, START - 1, True),
        b'{"type":"payment"}',
    )
    assert (counts_of(rows["M1"], "transactions"), counts_of(rows["M1"], "frauds")) == ({0: 1}, {})


def test_events_past_the_latest_timestamp_are_skipped(tmp_path: Path) -> None:
    lines = [paid(1, "U1", "M1", 250_000_000_000_000), paid(2, "U1", "M1", START)]
    rows = rows_of(tmp_path, *lines, latest_timestamp_ms=START)
    assert (counts_of(rows["M1"], "transactions"), rows["M1"].complete_through_ms) == ({0: 1}, START)


def test_arrival_times_do_not_decrease_within_an_entity(tmp_path: Path) -> None:
    """h0: late .... h9: a; `late` is after `a` in the file, so that it arrives when h0 is already visible"""
    rows = rows_of(tmp_path, paid(1, "U1", "M1", START + 9 * HOUR), paid(2, "U1", "M1", START))
    assert counts_of(rows["M1"], "transactions") == {8: 1, 9: 1}  # 9:00 less 5 minutes is in h8
    others = rows_of(tmp_path, paid(1, "U1", "M2", START + 9 * HOUR), paid(2, "U1", "M1", START))
    assert counts_of(others["M1"], "transactions") == {0: 1}  # the first event of M1


def test_an_empty_file_gives_no_rows_and_a_missing_one_an_error(tmp_path: Path) -> None:
    assert rows_of(tmp_path) == {}
    with pytest.raises(EventFileError, match=r"none\.jsonl: cannot be read"):
        list(aggregate_entities(tmp_path / "none.jsonl", SETTINGS))
    with pytest.raises(EventFileError, match="cannot be read"):
        list(aggregate_entities(tmp_path, SETTINGS))


def test_progress_ends_at_the_files_size(tmp_path: Path) -> None:
    path = file_of(tmp_path, [paid(number, "U1", "M1", START) for number in range(50)])
    calls: list[tuple[int, int]] = []
    aggregate_entities(path, SETTINGS, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (path.stat().st_size, path.stat().st_size)
    assert calls == sorted(calls)


def test_the_written_file_is_loaded_by_the_scorers_store(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path, paid(1, "U1", "M1", START), paid(2, "U1", '~!"\\', START), judged(1, "U1", START, START + 1, True)
    )
    folder = tmp_path / "reference"
    folder.mkdir()
    write_history(list(rows.values()), folder / "entity_history.jsonl")
    assert [path.name for path in folder.iterdir()] == ["entity_history.jsonl"]
    store = load_reference(folder, SETTINGS).store
    assert store.holds_histories
    for merchant in ("M1", '~!"\\'):
        read = store.records[f"history:merchant:{merchant}"]
        assert isinstance(read, EntityHistory)
        for t in (START, START + 2 * HOUR, START + 8 * DAY):
            assert read.as_of(t) == EntityHistory(rows[merchant], SETTINGS).as_of(t)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "entity_history.jsonl"
    good = rows_of(tmp_path, paid(1, "U1", "M1", START))["M1"]
    write_history([good], path)
    before = path.read_bytes()
    broken = BucketRow(
        entity="merchant", id="\ud800", complete_through_ms=0, first_hour=None, hours=[], transactions=[], frauds=[],
        users_1d=[], users_7d=[],
    )  # fmt: skip
    with pytest.raises(UnicodeEncodeError):
        write_history([good, broken], path)
    assert path.read_bytes() == before


def test_all_narrow_entities_are_counted_and_labelled(
    tmp_path: Path,
) -> None:
    parties = {"device_id": "X", "beneficiary_id": "X", "ip_address": "10.0.0.1 (nat)"}
    rows = all_rows(
        tmp_path,
        paid(1, "U1", "X", START, **parties),
        paid(2, "U2", None, START + 1, device_id="X"),
        judged(1, "U1", START, START + DAY, True, "X"),
    )
    assert [(row.entity, row.id) for row in rows] == [
        ("beneficiary", "X"), ("device", "X"), ("ip", "10.0.0.1 (nat)"), ("merchant", "X"),
    ]  # fmt: skip
    assert [counts_of(row, "frauds") for row in rows] == [{0: 1}] * 4
    assert [counts_of(row, "transactions")[0] for row in rows] == [1, 2, 1, 1]
    assert [counts_of(row, "users_7d")[0] for row in rows] == [1, 2, 1, 1]


def test_a_label_without_transaction_counts_for_its_merchant_only(tmp_path: Path) -> None:
    rows = all_rows(
        tmp_path, judged(1, "U1", START, START + DAY, True, "M1"), judged(2, "U1", START, START + DAY, True)
    )
    assert [(row.entity, row.id, counts_of(row, "frauds")) for row in rows] == [("merchant", "M1", {0: 1})]


def test_seen_transactions_are_bounded_by_time() -> None:
    """a and b at 0 .... a again at 4 .... c at 9, d at 10: b is dropped, a is not"""
    seen = SeenTransactions(keep_ms=9)
    for mark, time in (("a", 0), ("b", 0), ("a", 4), ("c", 9)):
        seen.remember(mark, SeenTransaction(time, (Entity("merchant", mark),)))
    assert len(seen) == 3
    seen.remember("d", SeenTransaction(10, ()))
    assert (seen.get("b"), seen.get("a"), len(seen)) == (None, SeenTransaction(4, (Entity("merchant", "a"),)), 3)


def test_an_erased_users_transactions_stay_counted_but_later_labels_do_not_find_them(tmp_path: Path) -> None:
    erasure = {"type": "erasure", "event_id": "E", "user_id": "U1", "timestamp": START + HOUR}
    rows = rows_of(
        tmp_path,
        paid(1, "U1", "M1", START),
        paid(2, "U10", "M1", START),
        erasure,
        judged(1, "U1", START, START + DAY, fraud=True),
        judged(2, "U10", START, START + DAY, fraud=True),
    )
    assert (sum(rows["M1"].transactions), sum(rows["M1"].frauds)) == (2, 1)
