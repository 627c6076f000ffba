"""Broad entities: categories, channels, countries, cities, BINs and custom attributes."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from models.entity_history import aggregate_entities, profiles_of
from tests.udfs.entities.brute_force_entity import BruteForceEntity, KnownLabel, Payment
from tests.udfs.entities.rows import empty_row
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BROAD_KINDS, BucketRow, BucketSettings, Entity
from udfs.records.attributes import Attribute
from udfs.records.profiles import UserProfile
from udfs.values.fx_rates import FxRate
from udfs.values.money import Money

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_0 = START // HOUR
SETTINGS = BucketSettings()
PAYMENT: dict[str, Any] = {
    "transaction_id": "T1", "user_id": "U1", "timestamp": START + 13 * HOUR, "amount": 12.5, "merchant_id": "M1",
    "device_id": "D1", "beneficiary_id": "B1", "ip_address": "::1", "merchant_category": "5411", "channel": "POS",
    "entry_mode": "Chip", "merchant_country": "DE", "city": "Köln 😀", "card_id": "4123456789",
    "attributes": {"card_type": "gold", "score": 7.5, "branch": 12, "empty": "", "none": None, "vip": True},
}  # fmt: skip
ATTRIBUTES = (
    Attribute("branch", "text", "event"),
    Attribute("job", "text", "profile"),
    Attribute("score", "number", "event"),
    Attribute("card_type", "text", "event"),
    Attribute("empty", "text", "event"),
    Attribute("age", "number", "profile"),
)
PROFILES = {"U1": UserProfile(user_id="U1", attributes={"job": "nurse", "age": 40.0, "city": "x"})}


def label(known: int, fraud: bool, **more: Any) -> dict[str, Any]:
    return {
        "type": "label", "event_id": f"L{known}{fraud}", "transaction_id": "T1", "user_id": "U1",
        "timestamp": PAYMENT["timestamp"], "known_at": known, "is_fraud": fraud, **more,
    }  # fmt: skip


def rows_of(folder: Path, lines: list[dict[str, Any]], **more: Any) -> dict[Entity, BucketRow]:
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    return {Entity(row.entity, row.id): row for row in aggregate_entities(path, SETTINGS, **more)}


def test_a_payment_counts_for_all_its_entities_but_not_for_the_card(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [PAYMENT], attributes=ATTRIBUTES, profiles=PROFILES)
    assert set(rows) == {
        Entity("merchant", "M1"), Entity("device", "D1"), Entity("beneficiary", "B1"), Entity("ip", "::1"),
        Entity("category", "5411"), Entity("channel", "pos"), Entity("entry_mode", "chip"),
        Entity("merchant_country", "DE"), Entity("city", "Köln 😀"), Entity("category_hour", "5411|13"),
        Entity("category_channel", "5411|pos"), Entity("bin", "412345"), Entity("attribute", "branch=12"),
        Entity("attribute", "job=nurse"), Entity("attribute", "card_type=gold"),
    }  # fmt: skip
    for entity, row in rows.items():
        there = row.hours.index(HOUR_0 + 13)
        assert (row.transactions[there], row.amounts[there]) == (1, 1_250)
        assert bool(row.users_1d) is bool(row.users_7d) is (entity.kind not in BROAD_KINDS)
        assert (row.log_amounts == [round(math.log(13.5) * 1e6)]) is (entity.kind == "category")


@pytest.mark.parametrize(
    ("card_id", "bin"),
    [("412345", "412345"), ("41234", None), ("4123-4567", None), ("tok_412345", None), ("0000001", "000000")],
)
def test_a_card_id_has_a_bin_only_if_it_starts_with_six_digits(tmp_path: Path, card_id: str, bin: str | None) -> None:
    found = [entity.id for entity in rows_of(tmp_path, [{**PAYMENT, "card_id": card_id}]) if entity.kind == "bin"]
    assert found == ([] if bin is None else [bin])


def test_missing_or_empty_fields_have_no_entity(tmp_path: Path) -> None:
    bare = {name: PAYMENT[name] for name in ("transaction_id", "user_id", "timestamp", "amount")}
    assert rows_of(tmp_path, [bare], attributes=ATTRIBUTES) == {}
    empty = {
        **bare,
        "city": "",
        "merchant_country": "",
        "channel": " ",
        "entry_mode": "",
        "attributes": {"branch": " "},
    }
    assert rows_of(tmp_path, [empty], attributes=ATTRIBUTES) == {}
    lone = rows_of(tmp_path, [{**bare, "channel": "pos"}, label(START + DAY, True)])
    assert set(lone) == {Entity("channel", "pos")}
    assert lone[Entity("channel", "pos")].frauds[0] == 1


def test_labels_reach_broad_entities_through_the_payment(tmp_path: Path) -> None:
    city = Entity("city", "Köln 😀")
    day = [START + number * DAY for number in range(40)]

    def of(*labels: dict[str, Any]) -> tuple[list[int], list[tuple[int, int]], dict[int, int]]:
        row = rows_of(tmp_path, [PAYMENT, *labels])[city]
        reported = {hour - HOUR_0: n for hour, n in zip(row.hours, row.reported, strict=True) if n}
        return [n for n in row.frauds if n], row.withdrawn, reported

    fraud, cleared = label(day[2], True), label(day[20], False)
    once = ([1], [], {48: 1, 216: -1})
    assert of(fraud) == of(fraud, fraud) == of(fraud, label(day[3], True)) == once
    assert of(label(day[5], False), fraud) == ([], [], {})  # older than the newest label
    assert of(fraud, label(day[1], False)) == once
    both = ([1], [(HOUR_0 + 13, HOUR_0 + 13 * 24)], {48: 1, 216: -1})
    assert of(fraud, cleared) == of(fraud, cleared, cleared) == both
    assert of(fraud, cleared, label(day[21], True))[2] == {48: 1, 216: -1, 504: 1, 672: -1}
    assert of(fraud, label(day[4], False)) == ([], [], {48: 1, 96: -1})
    assert of(label(day[2], True, merchant_id="M9", transaction_id="T9")) == ([], [], {})  # unknown payment


def test_a_repeated_payment_keeps_its_labels_for_two_days(tmp_path: Path) -> None:
    fraud = label(START + DAY, True)
    again = label(START + 3 * DAY, True)
    once = rows_of(tmp_path, [PAYMENT, fraud, PAYMENT, again])[Entity("channel", "pos")]
    assert (sum(once.transactions), sum(once.frauds)) == (1, 1)
    later = {**PAYMENT, "timestamp": START + 5 * DAY}
    twice = rows_of(tmp_path, [PAYMENT, fraud, later, label(START + 6 * DAY, True, timestamp=START + 5 * DAY)])
    assert (sum(twice[Entity("channel", "pos")].transactions), sum(twice[Entity("channel", "pos")].frauds)) == (2, 2)


def test_amounts_are_converted_and_payments_without_a_rate_skipped(tmp_path: Path) -> None:
    money = Money("EUR", (FxRate("USD", 0, "0.5"),))
    lines = [
        {**PAYMENT, "transaction_id": id, "currency": currency}
        for id, currency in (("T1", "USD"), ("T2", None), ("T3", "CHF"))
    ]
    row = rows_of(tmp_path, lines, money=money)[Entity("category", "5411")]
    assert (row.transactions, row.amounts) == ([2], [625 + 1_250])
    assert row.log_amounts == [round(math.log1p(6.25) * 1e6) + round(math.log1p(12.5) * 1e6)]
    yen = rows_of(tmp_path, [{**PAYMENT, "amount": 1_000}], money=Money("JPY"))[Entity("category", "5411")]
    assert (yen.amounts, yen.log_amounts) == ([1_000], [round(math.log1p(1_000) * 1e6)])


def test_profiles_of_a_reference_folder_are_those_with_attributes(tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text(
        '{"user_id":"U1","attributes":{"job":" nurse ","age":40,"vip":true}}\n{"user_id":"U2"}\n'
        '{"user_id":"U3","attributes":{"Bad Name":1}}\n'
    )
    assert profiles_of(tmp_path) == {
        "U1": UserProfile(user_id="U1", attributes={"job": "nurse", "age": 40.0, "vip": 1.0})
    }
    assert profiles_of(None) == {}


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_aggregated_files_agree_with_the_brute_force_oracle(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each broad entity of a file is compared with an oracle over the file's payments and labels.

    The arrival time is the newest time of the entity so far. As of t, the figures from all lines equal those from the lines
    that had arrived by t.
    """
    draw = random.Random(seed)
    lines, known = random_file(draw)
    folder = tmp_path_factory.mktemp("file")
    rows = rows_of(folder, lines, attributes=ATTRIBUTES, profiles=PROFILES)
    for entity in [Entity("category", "a"), Entity("channel", "pos"), Entity("attribute", "card_type=gold")]:
        oracle = oracle_of(entity, lines)
        read = EntityHistory(rows.get(entity) or empty_row(entity.kind), SETTINGS)
        for _ in range(15):
            t = draw.choice(known) + draw.choice([0, HOUR, 7 * DAY, 8 * DAY, 30 * DAY, draw.randint(0, 100 * DAY)])
            risk = read.as_of(t)
            rates = [oracle.rate(t, days, 5.0, 0.01) for days in (7, 30, 90)]
            assert risk.fraud_rates == pytest.approx(rates, rel=1e-12, nan_ok=True)
            assert (risk.transactions_1d, risk.transactions_7d) == (oracle.count(t, 1), oracle.count(t, 7))
            assert (risk.frauds_reported_7d, risk.amount_minor_1d) == (oracle.reported(t, 7), oracle.amount(t, 1))
            assert risk.first_seen_ms == oracle.first_seen(t)
            if entity.kind == "category":
                mean, deviation = oracle.log_amounts(t, 30)
                assert risk.log_amount_mean == pytest.approx(mean, abs=1e-6, nan_ok=True)
                assert risk.log_amount_deviation == pytest.approx(deviation, abs=1.1e-3, nan_ok=True)
            by_then = [line for line, at in zip(lines, arrivals(entity, lines), strict=True) if at <= t]
            then = rows_of(folder, by_then, attributes=ATTRIBUTES, profiles=PROFILES).get(entity)
            if then is not None:
                earlier = EntityHistory(then, SETTINGS)
                earlier.complete_through_ms = read.complete_through_ms  # whether it is stale is not compared
                assert earlier.as_of(t) == risk


def random_file(draw: random.Random) -> tuple[list[dict[str, Any]], list[int]]:
    """Lines in order of arrival, and their arrival times.

    Payments are out of order by up to a day; labels are repeated, corrected and out of order.
    """
    span = draw.choice([6 * HOUR, 3 * DAY, 120 * DAY])
    found: list[tuple[int, dict[str, Any]]] = []
    for number in range(40):
        time = START + draw.randint(0, span)
        payment = {
            "transaction_id": f"T{number}", "user_id": draw.choice(["U1", "U2"]), "timestamp": time,
            "amount": draw.randint(0, 90_000) / 100, "merchant_category": draw.choice("aaab"), "channel": "pos",
            "attributes": {"card_type": draw.choice(["gold", "gold", "basic"])},
        }  # fmt: skip
        found.append((time, payment))
        if draw.random() < 0.2:
            found.append((time + draw.randint(0, DAY), payment))
        for copy in range(draw.choice([0, 1, 1, 2, 3])):
            known_at = time + draw.choice([0, HOUR, 7 * DAY, 7 * DAY + HOUR, draw.randint(0, 20 * DAY)]) + copy
            fields = {
                "type": "label", "event_id": f"L{number}-{copy}", "transaction_id": f"T{number}",
                "user_id": payment["user_id"], "timestamp": time, "known_at": known_at,
                "is_fraud": draw.random() < 0.6,
            }  # fmt: skip
            found.append((known_at, fields))
            if draw.random() < 0.2:
                found.append((known_at + draw.randint(0, DAY), fields))
    found.sort(key=lambda pair: (pair[0], "type" in pair[1]))
    for _ in range(4):  # out-of-order payments
        place = draw.randrange(1, len(found))
        arrived, line = found[place]
        if "type" not in line and not any(
            other["transaction_id"] == line["transaction_id"] for _, other in found[:place]
        ):
            late = {**line, "timestamp": max(START, line["timestamp"] - draw.randint(0, DAY))}
            found[place] = (arrived, late)
    return [line for _, line in found], [arrived for arrived, _ in found]


def is_of(entity: Entity, payment: dict[str, Any]) -> bool:
    fields = {
        "category": payment["merchant_category"], "channel": payment["channel"],
        "attribute": f"card_type={payment['attributes']['card_type']}",
    }  # fmt: skip
    return fields[entity.kind] == entity.id


def arrivals(entity: Entity, lines: list[dict[str, Any]]) -> list[int]:
    """Arrival times: a payment arrives no earlier than the entity's earlier ones, a label when it is known."""
    newest, found = 0, []
    for line in lines:
        if "type" in line:
            found.append(line["known_at"])
        else:
            if is_of(entity, line):
                newest = max(newest, line["timestamp"])
            found.append(max(newest, line["timestamp"]))
    return found


def oracle_of(entity: Entity, lines: list[dict[str, Any]]) -> BruteForceEntity:
    oracle = BruteForceEntity(SETTINGS.activity_delay_ms, SETTINGS.label_delay_ms)
    counted: dict[str, int] = {}
    newest = 0
    for line in lines:
        mark = f"{line['user_id']} {line['transaction_id']}"
        if "type" in line:
            if mark in counted:
                oracle.judged.append(KnownLabel(mark, line["timestamp"], line["known_at"], line["is_fraud"]))
            continue
        if not is_of(entity, line) or (mark in counted and line["timestamp"] - counted[mark] <= 2 * DAY):
            continue
        newest = max(newest, line["timestamp"])
        counted[mark] = line["timestamp"]
        oracle.paid.append(Payment(line["user_id"], line["timestamp"], newest, round(line["amount"] * 100)))
    return oracle
