"""Entity buckets compared with the brute-force oracle, leaks from the future, and bounds of the state."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.udfs.engines import Engine
from tests.udfs.entities.brute_force_entity import BruteForceEntity, KnownLabel, Payment
from tests.udfs.entities.rows import empty_row
from udfs.core._native import EntityHistory, EntityRisk
from udfs.entities.buckets import BucketRow, BucketSettings, Entity
from udfs.entities.counter import CountingSettings, EntityAggregator, EntityCounter, EntityCounts
from udfs.entities.deltas import FraudDelta, apply_delta, log_amount_micro
from udfs.records.events import Transaction
from udfs.stores.port import Record

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z, the start of an hour
WEEK_LATE = BucketSettings()
TWO_HOURS_LATE = BucketSettings(label_delay_ms=2 * HOUR)
ODD = BucketSettings(
    label_delay_ms=90 * MINUTE,
    activity_delay_ms=7 * MINUTE + 1,
    prior_weight=2.5,
    prior_fraud_rate=0.2,
    risk_days=(1, 2),
    broad_risk_days=(2, 9),
)
ALL_SETTINGS = (WEEK_LATE, TWO_HOURS_LATE, ODD)
Item = Payment | KnownLabel
M, C, B = Entity("merchant", "m"), Entity("category", "5411"), Entity("bin", "412345")
AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # no shrinking: a random stream stays unreadable
SEEDS = st.integers(0, 2**32)
SPANS = (3 * HOUR, DAY, 12 * DAY, 45 * DAY)


def known(item: Item) -> int:
    return item.arrived if isinstance(item, Payment) else item.known


def fed(items: list[Item], bucket_settings: BucketSettings, entity: Entity = M) -> EntityAggregator:
    aggregator = EntityAggregator(CountingSettings(bucket_settings))
    for item in items:
        feed(aggregator, item, entity)
    return aggregator


def rows_of(items: list[Item], bucket_settings: BucketSettings, entity: Entity = M) -> list[BucketRow]:
    return list(fed(items, bucket_settings, entity).rows())


def feed(aggregator: EntityAggregator, item: Item, entity: Entity = M) -> None:
    if isinstance(item, KnownLabel):
        aggregator.add_label(entity, item.id, item.time, item.known, item.fraud)
    elif item.cents is None:
        aggregator.add_transaction(entity, item.user, item.time, item.arrived)
    else:
        aggregator.add_transaction(
            entity, item.user, item.time, item.arrived, item.cents, log_amount_micro(item.cents, 100)
        )


def history(items: list[Item], bucket_settings: BucketSettings, entity: Entity = M) -> EntityHistory:
    rows = rows_of(items, bucket_settings, entity)
    return EntityHistory(rows[0] if rows else empty_row(entity.kind), bucket_settings)


def figures_but_reports(risk: EntityRisk) -> tuple[Any, ...]:
    """All figures except first_seen_ms, stale, and the one that counts labels by when they became known; None for NaN."""
    numbers = (
        *risk.fraud_rates, risk.transactions_1d, risk.transactions_7d, risk.users_1d, risk.users_7d, risk.amount_minor_1d,
        risk.log_amount_mean, risk.log_amount_deviation, risk.fraud_day_ms, risk.fraud_run_ms,
    )  # fmt: skip
    return tuple(None if math.isnan(number) else number for number in numbers)


def figures_of(risk: EntityRisk) -> tuple[Any, ...]:
    """The same with that one."""
    reports = risk.frauds_reported_7d
    return (*figures_but_reports(risk), None if math.isnan(reports) else reports)


def random_items(
    draw: random.Random, count: int, bucket_settings: BucketSettings, spans: tuple[int, ...] = SPANS
) -> list[Item]:
    """Transactions and labels in order of arrival; a label comes after its transaction, some are late or corrections."""
    span = draw.choice(spans)
    delay = bucket_settings.label_delay_ms
    items: list[Item] = []
    for number in range(count):
        time = START + draw.randint(0, span)
        late = draw.choice([0, 0, 0, 1, 5 * MINUTE, HOUR, DAY, draw.randint(0, 3 * DAY)])
        arrived = max(START, time + late - draw.choice([0, 0, 5 * MINUTE]))
        paid = Payment(f"u{draw.randint(0, 4)}", time, arrived, draw.choice([0, 999, draw.randint(0, 500_000)]))
        items.append(paid)
        for _ in range(draw.choice([0, 0, 1, 1, 2])):
            wait = draw.choice([0, 1, HOUR, delay, delay + HOUR, delay + 1, draw.randint(0, 2 * delay)])
            to_the_edge = draw.choice([0, 0, (time // HOUR + 1) * HOUR - time, (time // HOUR + 1) * HOUR - time + 1])
            items.append(
                KnownLabel(f"t{number}", time, max(paid.arrived, time + wait + to_the_edge), draw.random() < 0.6)
            )
    return sorted(items, key=known)


def moments(draw: random.Random, items: list[Item], bucket_settings: BucketSettings, count: int) -> list[int]:
    """Moments around the edges where a bucket becomes visible, and random ones."""
    found = []
    for _ in range(count):
        item = draw.choice(items)
        base = draw.choice([item.time, known(item)])
        edge = base - base % HOUR + draw.choice([0, HOUR, 24 * HOUR, 25 * HOUR, 7 * DAY])
        found.append(
            edge
            + draw.choice([0, bucket_settings.label_delay_ms, bucket_settings.activity_delay_ms])
            + draw.choice([-1, 0, 1, draw.randint(-HOUR, HOUR)])
        )
    return found


def agrees(risk: EntityRisk, oracle: BruteForceEntity, t: int, entity: Entity, bucket_settings: BucketSettings) -> bool:
    """Assert every figure except `stale`; return whether a rate is above the prior."""
    weight, prior = bucket_settings.prior_weight, bucket_settings.prior_fraud_rate
    days = bucket_settings.risk_days_of(entity.kind)
    expected = [oracle.rate(t, span, weight, prior) for span in days]
    assert risk.fraud_rates == pytest.approx(expected, rel=1e-12, nan_ok=True), t
    assert (risk.transactions_1d, risk.transactions_7d) == (oracle.count(t, 1), oracle.count(t, 7)), t
    if entity is M:
        assert (risk.users_1d, risk.users_7d) == (oracle.users(t, 1), oracle.users(t, 7)), t
    else:
        assert (risk.users_1d, risk.users_7d) == (0, 0)
    assert risk.first_seen_ms == oracle.first_seen(t), t
    assert risk.frauds_reported_7d == oracle.reported(t, 7), t
    assert risk.amount_minor_1d == oracle.amount(t, 1), t
    mean, deviation = oracle.log_amounts(t, 30) if entity is C else (math.nan, math.nan)
    assert risk.log_amount_mean == pytest.approx(mean, abs=1e-6, nan_ok=True), t
    assert risk.log_amount_deviation == pytest.approx(deviation, abs=1.1e-3, nan_ok=True), t
    run = oracle.fraud_run(t, days[-1]) if entity is M else (math.nan, math.nan)
    assert (risk.fraud_day_ms, risk.fraud_run_ms) == pytest.approx(run, nan_ok=True), t
    return any(rate > prior for rate in expected)


@pytest.mark.parametrize("entity", [M, C, B], ids=lambda entity: entity.kind)
@pytest.mark.parametrize("bucket_settings", ALL_SETTINGS, ids=["a week late", "two hours late", "odd"])
@pytest.mark.parametrize("seed", range(8))
def test_all_figures_agree_with_the_brute_force_oracle(
    seed: int, bucket_settings: BucketSettings, entity: Entity
) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 60, bucket_settings)
    oracle = BruteForceEntity(
        bucket_settings.activity_delay_ms,
        bucket_settings.label_delay_ms,
        [item for item in items if isinstance(item, Payment)],
        [item for item in items if isinstance(item, KnownLabel)],
    )
    read = history(items, bucket_settings, entity)
    some_frauds = some_reported = 0
    for t in moments(draw, items, bucket_settings, 60):
        risk = read.as_of(t)
        some_frauds += agrees(risk, oracle, t, entity, bucket_settings)
        some_reported += risk.frauds_reported_7d > 0
    assert some_frauds
    assert some_reported


@pytest.mark.parametrize("seed", range(6))
def test_first_seen_agrees_with_the_brute_force_oracle(seed: int) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 12, ODD)
    paid = [item for item in items if isinstance(item, Payment)]
    oracle = BruteForceEntity(ODD.activity_delay_ms, ODD.label_delay_ms, paid)
    read = history(items, ODD)
    for t in moments(draw, items, ODD, 60):
        assert read.as_of(t).first_seen_ms == oracle.first_seen(t), t


def test_first_seen_is_the_first_visible_hour_of_a_transaction() -> None:
    read = history([Payment("u", START + 10 * MINUTE, START + 10 * MINUTE)], WEEK_LATE)
    assert read.as_of(START + HOUR + 5 * MINUTE - 1).first_seen_ms is None
    assert read.as_of(START + HOUR + 5 * MINUTE).first_seen_ms == START


def test_a_bucket_is_visible_exactly_one_delay_after_its_end() -> None:
    """|--h0: 1 of u, 2 of v--|--h1--|...; activity after 5 minutes, labels after 2 hours"""
    items: list[Item] = [Payment(user, START + number, START + number) for number, user in enumerate("uvv")]
    items.append(KnownLabel("t0", START, START + HOUR, True))
    read = history(items, TWO_HOURS_LATE)
    before, at = (read.as_of(START + HOUR + 5 * MINUTE + shift) for shift in (-1, 0))
    assert (before.transactions_1d, before.users_1d) == (0, 0)
    assert (at.transactions_1d, at.users_1d) == (3, 2)
    before, at = (read.as_of(START + 3 * HOUR + shift) for shift in (-1, 0))
    assert math.isnan(before.fraud_rates[0])
    assert at.fraud_rates[0] == pytest.approx((1 + 0.05) / (3 + 5))
    last, gone = (read.as_of(START + 3 * HOUR + DAY + shift) for shift in (-1, 0))
    assert last.fraud_rates[0] == pytest.approx(1.05 / 8)
    assert math.isnan(gone.fraud_rates[0])
    assert gone.fraud_rates[1] == pytest.approx(1.05 / 8)


def test_late_events_count_in_the_hour_they_became_known() -> None:
    """h0: t, but it arrives in h5 and is labelled 3 hours too late; h3, h4: others."""
    late = Payment("u", START, START + 5 * HOUR + 30 * MINUTE)
    others = [Payment("v", START + hour * HOUR, START + hour * HOUR) for hour in (3, 4)]
    label = KnownLabel("t0", START, START + HOUR + 2 * HOUR + 3 * HOUR, True)
    read = history([*others, late, label], TWO_HOURS_LATE)
    assert read.as_of(START + 6 * HOUR + 5 * MINUTE - 1).transactions_1d == 2
    assert read.as_of(START + 6 * HOUR + 5 * MINUTE).transactions_1d == 3
    # known at the start of h6, so counted in h4 by readers 2 hours behind: its end is visible 7 hours after START
    assert read.as_of(START + 7 * HOUR - 1).fraud_rates[0] == pytest.approx(0.05 / 6)
    assert read.as_of(START + 7 * HOUR).fraud_rates[0] == pytest.approx(1.05 / 7)


def test_a_correction_counts_from_when_it_is_known() -> None:
    paid = Payment("u", START, START)
    fraud = KnownLabel("t0", START, START + HOUR, True)
    cleared = KnownLabel("t0", START, START + 10 * HOUR, False)
    read = history([paid, fraud, cleared], TWO_HOURS_LATE)
    assert read.as_of(START + 3 * HOUR).fraud_rates[0] == pytest.approx(1.05 / 6)
    assert read.as_of(START + 11 * HOUR - 1).fraud_rates[0] == pytest.approx(1.05 / 6)
    assert read.as_of(START + 11 * HOUR).fraud_rates[0] == pytest.approx(0.05 / 6)
    swapped = history([paid, cleared, fraud], TWO_HOURS_LATE)
    assert swapped.as_of(START + 11 * HOUR).fraud_rates[0] == pytest.approx(0.05 / 6)


def test_repeating_a_label_changes_nothing() -> None:
    items: list[Item] = [Payment("u", START, START), KnownLabel("t0", START, START + HOUR, True)]
    again = [*items, KnownLabel("t0", START, START + HOUR, True), KnownLabel("t0", START, START + 2 * HOUR, True)]
    assert rows_of(again, WEEK_LATE) == rows_of(items, WEEK_LATE)


def test_of_labels_known_at_the_same_moment_the_last_arrival_wins() -> None:
    items: list[Item] = [
        Payment("u", START, START),
        KnownLabel("t0", START, START, True),
        KnownLabel("t0", START, START, False),
    ]
    assert rows_of(items, WEEK_LATE)[0].frauds == [0, 0, 0]


def test_an_empty_history_has_no_rate_and_is_never_stale() -> None:
    for kind, spans in (("merchant", 5), ("device", 1), ("category", 3), ("attribute", 3)):
        for t in (0, START, 253_402_300_799_999):
            risk = EntityHistory(empty_row(kind), WEEK_LATE).as_of(t)  # type: ignore[arg-type]
            assert figures_of(risk) == (*(None,) * spans, 0, 0, 0, 0, 0.0, None, None, None, None, 0.0)
            assert (risk.first_seen_ms, risk.stale) == (None, False)


def test_a_rate_is_known_only_for_windows_with_a_transaction() -> None:
    """one transaction .... read 2, 5 and 20 days after its hour became readable, and 40"""
    read = history([Payment("u", START, START)], WEEK_LATE)
    smoothed = 0.05 / 6
    for days, known_spans in ((0, (1, 3, 7, 14, 30)), (2, (3, 7, 14, 30)), (5, (7, 14, 30)), (20, (30,)), (40, ())):
        rates = read.as_of(START + 8 * DAY + days * DAY).fraud_rates
        expected = [smoothed if span in known_spans else math.nan for span in (1, 3, 7, 14, 30)]
        assert rates == pytest.approx(expected, nan_ok=True), days


def test_each_user_enters_and_leaves_a_span_once() -> None:
    items: list[Item] = [
        Payment("u", START, START),
        Payment("v", START + HOUR, START + HOUR),
        Payment("u", START + HOUR - 1, START + HOUR + 5 * MINUTE),  # the last moment for h0
        Payment("w", START + 2 * HOUR, START + 2 * HOUR),
        Payment("v", START + HOUR, START + 2 * HOUR + 5 * MINUTE),  # the last moment for h1
    ]
    row = rows_of(items, WEEK_LATE)[0]
    assert [hour - START // HOUR for hour in row.hours] == [0, 1, 2, 24, 25, 26, 168, 169, 170]
    assert row.transactions == [2, 2, 1, 0, 0, 0, 0, 0, 0]
    assert row.users_1d == [1, 1, 1, -1, -1, -1, 0, 0, 0]
    assert row.users_7d == [1, 1, 1, 0, 0, 0, -1, -1, -1]


# -- no leaks ------------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, phases=AS_FOUND)
@given(SEEDS, st.sampled_from(ALL_SETTINGS))
def test_later_arrivals_change_no_figure(seed: int, bucket_settings: BucketSettings) -> None:
    """As of t, the figures from all events equal those from the events that had arrived by t."""
    draw = random.Random(seed)
    items = random_items(draw, 25, bucket_settings)
    everything = history(items, bucket_settings)
    for t in moments(draw, items, bucket_settings, 12):
        by_then = history([item for item in items if known(item) <= t], bucket_settings)
        assert figures_of(everything.as_of(t)) == figures_of(by_then.as_of(t)), t


@settings(max_examples=150, deadline=None, phases=AS_FOUND)
@given(SEEDS, st.sampled_from(ALL_SETTINGS))
def test_labels_within_the_label_delay_change_no_figure(seed: int, bucket_settings: BucketSettings) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 25, bucket_settings)
    t = draw.choice(moments(draw, items, bucket_settings, 5))
    changed: list[Item] = []
    for item in items:
        newer = item.time > t - bucket_settings.label_delay_ms
        if isinstance(item, KnownLabel) and newer:
            if draw.random() < 0.5:
                changed.append(replace(item, fraud=not item.fraud))
            continue
        changed.append(item)
        if newer:
            changed.append(KnownLabel(f"extra{len(changed)}", item.time, known(item), True))
    risks = [history(some, bucket_settings).as_of(t) for some in (items, changed)]
    first, second = map(figures_but_reports, risks)
    assert first == second


@settings(max_examples=150, deadline=None, phases=AS_FOUND)
@given(SEEDS, st.sampled_from(ALL_SETTINGS))
def test_transactions_within_the_activity_delay_change_no_figure(seed: int, bucket_settings: BucketSettings) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 25, bucket_settings)
    t = draw.choice(moments(draw, items, bucket_settings, 5))
    limit = t - bucket_settings.activity_delay_ms
    without = [item for item in items if not (isinstance(item, Payment) and item.time > limit)]
    more = sorted(
        [*items, *(Payment("extra", time, max(time, t)) for time in (limit + 1, t, t + HOUR))],
        key=known,
    )
    risks = [history(some, bucket_settings).as_of(t) for some in (items, without, more)]
    assert len({figures_of(risk) for risk in risks}) == 1


def test_a_label_does_not_change_first_seen() -> None:
    """h0: t, which arrives in h10 .... day 3: t is labelled fraud; read in h2

    The label counts in h0, the transaction does not. That h0 is not empty became known on day 3, after h2.
    """
    paid = Payment("u", START, START + 10 * HOUR)
    label = KnownLabel("t0", START, START + 3 * DAY, True)
    t = START + 2 * HOUR
    assert history([paid], WEEK_LATE).as_of(t).first_seen_ms is None
    assert history([paid, label], WEEK_LATE).as_of(t).first_seen_ms is None


def test_a_report_counts_for_a_week_or_until_it_is_cleared() -> None:
    """h0: t0, t1, t2 .... h2: all three are known as fraud .... h50: t1 is cleared .... h2 + 7 days: they leave"""
    items: list[Item] = [Payment("u", START, START)]
    items += [KnownLabel(id, START, START + 2 * HOUR, True) for id in ("t0", "t1", "t2")]
    items.append(KnownLabel("t1", START, START + 50 * HOUR, False))
    for entity in (M, C, B):
        read = history(items, WEEK_LATE, entity)
        for hour, before, after in ((3, 0, 3), (51, 3, 2), (3 + 168, 2, 0), (51 + 168, 0, 0)):
            edge = START + hour * HOUR + 5 * MINUTE
            assert (read.as_of(edge - 1).frauds_reported_7d, read.as_of(edge).frauds_reported_7d) == (before, after)


def test_a_fraud_cleared_after_a_week_can_be_reported_again() -> None:
    """day 0: fraud .... day 8: cleared, when it counts no more .... day 9: fraud again"""
    items: list[Item] = [KnownLabel("t", START, START + day * DAY, day != 8) for day in (0, 8, 9)]
    read = history([Payment("u", START, START), *items], WEEK_LATE)
    seen = [read.as_of(START + day * DAY + 2 * HOUR).frauds_reported_7d for day in (0, 6, 7, 8, 9, 15, 16)]
    assert seen == [1, 1, 0, 0, 1, 1, 0]


def test_an_unknown_amount_makes_the_sums_unknown() -> None:
    """h0: 1.00 .... h1: 2.50 .... h30: unknown amount"""
    known: list[Item] = [Payment("u", START + h * HOUR, START + h * HOUR, cents) for h, cents in ((0, 100), (1, 250))]
    read = history(known, WEEK_LATE)
    hours = (0, 1, 2, 24, 25, 26)
    amounts = [read.as_of(START + h * HOUR + 5 * MINUTE).amount_minor_1d for h in hours]
    assert amounts == [0, 100, 350, 350, 250, 0]
    unknown = Payment("u", START + 30 * HOUR, START + 30 * HOUR, None)
    read = history([*known, unknown], WEEK_LATE)
    for hour, amount, reported in ((31, None, None), (54, None, None), (55, 0, None), (198, 0, None), (199, 0, 0)):
        risk = read.as_of(START + hour * HOUR + 5 * MINUTE)
        found = (risk.amount_minor_1d, risk.frauds_reported_7d)
        assert [None if math.isnan(number) else number for number in found] == [amount, reported], hour
    assert read.as_of(START + 31 * HOUR + 5 * MINUTE).transactions_1d == 1


def test_amount_statistics_need_20_transactions() -> None:
    """20 of 100.00 and 20 of 3,000.00 in one hour"""
    low, high = math.log(101), math.log(3_001)
    for copies, known_from in ((9, False), (10, True), (20, True)):
        items: list[Item] = [Payment("u", START, START, cents) for cents in (10_000, 300_000) for _ in range(copies)]
        risk = history(items, WEEK_LATE, C).as_of(START + 10 * DAY)
        if known_from:
            assert risk.log_amount_mean == pytest.approx((low + high) / 2, abs=1e-6)
            assert risk.log_amount_deviation == pytest.approx((high - low) / 2, abs=1e-5)
        else:
            assert math.isnan(risk.log_amount_mean)
            assert math.isnan(risk.log_amount_deviation)
        assert math.isnan(history(items, WEEK_LATE, B).as_of(START + 10 * DAY).log_amount_mean)
    same: list[Item] = [Payment("u", START, START, 123_456) for _ in range(50)]
    assert history(same, WEEK_LATE, C).as_of(START + 10 * DAY).log_amount_deviation == 0.0


def test_sums_saturate_and_do_not_depend_on_the_order() -> None:
    cents = [10**16, 1, 7, 10**16 - 3, 99, 10**12] * 200
    rows = []
    for order in (cents, cents[::-1], sorted(cents)):
        rows += rows_of([Payment("u", START, START, one) for one in order], WEEK_LATE, C)
    assert rows[0] == rows[1] == rows[2]
    assert rows[0].amounts == [sum(cents)]
    hours = [START + number * HOUR for number in range(24)]
    (row,) = rows_of([Payment("u", hour, hour, 10**16) for hour in hours for _ in range(700)], WEEK_LATE)
    assert max(row.amounts) == 1 << 62
    read = EntityHistory(row, WEEK_LATE)
    assert read.as_of(START + DAY + 5 * MINUTE).amount_minor_1d == 24.0 * (1 << 62)
    assert read.as_of(START + 2 * DAY + 5 * MINUTE).amount_minor_1d == 0.0
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=BucketRow) == row


# -- readers and writers that are not aligned ----------------------------------------------------------------------------


def test_figures_of_an_hour_that_can_still_change_are_stale() -> None:
    """00:10 u .... 01:01 v arrives, and the writer is read .... 01:04 w of 00:59 arrives; read as of 01:05"""
    items: list[Item] = [
        Payment("u", START + 10 * MINUTE, START + 10 * MINUTE),
        Payment("v", START + HOUR + MINUTE, START + HOUR + MINUTE),
        Payment("w", START + 59 * MINUTE, START + HOUR + 4 * MINUTE),
    ]
    t = START + HOUR + 5 * MINUTE
    behind, ahead = history(items[:2], WEEK_LATE).as_of(t), history(items, WEEK_LATE).as_of(t)
    assert (behind.transactions_1d, ahead.transactions_1d) == (1, 2)
    assert behind.stale


def test_figures_with_labels_still_to_arrive_are_stale() -> None:
    """h0: t .... 6 days later the newest transaction .... 7 days after the end of h0: its label is known; read"""
    t = START + HOUR + 7 * DAY
    items: list[Item] = [
        Payment("u", START, START),
        Payment("u", t - 30 * MINUTE, t - 30 * MINUTE),
        KnownLabel("t0", START, t, True),
    ]
    behind, ahead = history(items[:2], WEEK_LATE).as_of(t), history(items, WEEK_LATE).as_of(t)
    assert behind.fraud_rates != ahead.fraud_rates
    assert behind.stale


@settings(max_examples=150, deadline=None, phases=AS_FOUND)
@given(SEEDS, st.sampled_from(ALL_SETTINGS))
def test_figures_that_are_not_stale_do_not_change(seed: int, bucket_settings: BucketSettings) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 25, bucket_settings)
    everything = history(items, bucket_settings)
    for t in moments(draw, items, bucket_settings, 12):
        cut = t - draw.choice([0, 1, draw.randint(0, 15 * MINUTE), draw.randint(0, 2 * HOUR)])
        by_then = [item for item in items if known(item) <= cut]
        if not by_then:
            continue
        behind = history(by_then, bucket_settings).as_of(t)
        if not behind.stale:
            assert figures_of(behind) == figures_of(everything.as_of(t)), (t, cut)


def test_figures_are_stale_only_beyond_complete_through() -> None:
    read = history([Payment("u", START + time, START + time) for time in range(0, DAY, HOUR)], WEEK_LATE)
    newest = START + 23 * HOUR
    assert not read.as_of(newest).stale
    assert not read.as_of(START).stale
    assert read.as_of(newest + 2 * HOUR).stale


def test_an_unknown_entity_is_stale_beyond_complete_through() -> None:
    """The store is complete through START. Ten days later it cannot tell that M2 has no transactions."""
    records: dict[str, Record] = {"history:merchant:M1": history([Payment("u", START, START)], WEEK_LATE)}
    engine = Engine(records, holds_histories=True)
    for merchant in ("M1", "M2"):
        observation = engine.pay(
            Transaction(
                transaction_id=merchant, user_id="U1", timestamp=START + 10 * DAY, amount=1.0, merchant_id=merchant
            )
        )
        assert observation is not None
        assert observation.features["merchant_txn_count_1d"] == 0.0
        assert observation.stale_history, merchant


# -- writer and reader ---------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None, phases=AS_FOUND)
@given(SEEDS, st.sampled_from(ALL_SETTINGS))
def test_intermediate_rows_and_json_change_nothing(seed: int, bucket_settings: BucketSettings) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 30, bucket_settings)
    pieces = EntityAggregator(CountingSettings(bucket_settings))
    for item in items:
        feed(pieces, item)
        if draw.random() < 0.3:
            assert list(pieces.rows()) == list(pieces.rows())
    at_once = rows_of(items, bucket_settings)
    assert list(pieces.rows()) == at_once
    assert [msgspec.json.decode(msgspec.json.encode(row), type=BucketRow) for row in at_once] == at_once


@settings(max_examples=60, deadline=None, phases=AS_FOUND)
@given(SEEDS)
def test_reads_in_any_order_equal_those_of_a_new_reader(seed: int) -> None:
    draw = random.Random(seed)
    items = random_items(draw, 25, ODD)
    row = rows_of(items, ODD)[0]
    reader = EntityHistory(row, ODD)
    for t in moments(draw, items, ODD, 40):
        assert reader.as_of(t) == EntityHistory(row, ODD).as_of(t)


def test_rows_are_per_entity_and_sorted_by_kind_and_id() -> None:
    aggregator = EntityAggregator(CountingSettings(WEEK_LATE))
    for entity in (Entity("merchant", "b"), Entity("merchant", "a"), Entity("ip", "b"), Entity("device", "c")):
        aggregator.add_transaction(entity, "u", START, START)
    aggregator.add_label(Entity("merchant", "b"), "t0", START, START, True)
    rows = list(aggregator.rows())
    assert [(row.entity, row.id, row.transactions[0], row.frauds[0]) for row in rows] == [
        ("device", "c", 1, 0), ("ip", "b", 1, 0), ("merchant", "a", 1, 0), ("merchant", "b", 1, 1),
    ]  # fmt: skip
    assert {row.complete_through_ms for row in rows} == {START}


# -- distinct users --------------------------------------------------------------------------------------------------------


def test_a_user_counts_once_per_span() -> None:
    """u in h0, h5 and h23; v in h5"""
    read = history([Payment(user, START + hour * HOUR, START + hour * HOUR) for user, hour in
                    (("u", 0), ("u", 5), ("v", 5), ("u", 23))], WEEK_LATE)  # fmt: skip
    seen = [read.as_of(START + hour * HOUR + 5 * MINUTE) for hour in (6, 24, 29, 30, 47, 48, 168 + 23, 168 + 24)]
    assert [risk.users_1d for risk in seen] == [2, 2, 2, 1, 1, 0, 0, 0]
    assert [risk.users_7d for risk in seen] == [2, 2, 2, 2, 2, 2, 1, 0]


def test_a_late_visit_joins_two_spans_of_a_user() -> None:
    """u in h0 .. then in h25 (a separate span), and then, late, in h24, the last hour of the span of h0"""
    items: list[Item] = [
        Payment("u", START, START),
        Payment("u", START + 25 * HOUR, START + 25 * HOUR),
        Payment("u", START + 25 * HOUR - 1, START + 25 * HOUR + 4 * MINUTE),
    ]
    read = history(items, WEEK_LATE)
    assert [read.as_of(START + h * HOUR + 5 * MINUTE).users_1d for h in (1, 24, 25, 26, 48, 49, 50)] == [
        1, 1, 1, 1, 1, 1, 0,
    ]  # fmt: skip


def test_users_beyond_the_limit_are_not_counted() -> None:
    aggregator = EntityAggregator(CountingSettings(WEEK_LATE, max_users=3))
    for number in range(10):
        aggregator.add_transaction(M, f"u{number}", START + number, START + number)
    later = START + 12 * DAY
    for number in range(2):
        aggregator.add_transaction(M, f"v{number}", later + number * DAY, later + number * DAY)
    read = EntityHistory(next(aggregator.rows()), WEEK_LATE)
    first = read.as_of(START + 2 * HOUR)
    assert (first.users_1d, first.transactions_1d) == (3, 10)
    assert read.as_of(later + DAY + 2 * HOUR).users_7d == 1  # v0 came while the limit was still reached
    assert len(aggregator._counts[M].users) <= 3


# -- bounds ----------------------------------------------------------------------------------------------------------------


@settings(max_examples=90, deadline=None, phases=AS_FOUND)
@given(
    SEEDS,
    st.sampled_from([(WEEK_LATE, 3 * DAY), (WEEK_LATE, 0), (TWO_HOURS_LATE, HOUR), (ODD, 2 * DAY)]),
    st.sampled_from([M, C, B]),
)
def test_merging_hours_changes_no_figure_within_the_reader_lag(
    seed: int, case: tuple[BucketSettings, int], entity: Entity
) -> None:
    """Read after every fifth event: from `lag` before the newest one on, figures equal those of the oracle."""
    bucket_settings, lag = case
    draw = random.Random(seed)
    items = random_items(draw, 60, bucket_settings, spans=(45 * DAY, 120 * DAY, 250 * DAY))
    merging = EntityAggregator(CountingSettings(bucket_settings, reader_lag_ms=lag))
    oracle = BruteForceEntity(bucket_settings.activity_delay_ms, bucket_settings.label_delay_ms)
    for number, item in enumerate(items):
        feed(merging, item, entity)
        (oracle.paid if isinstance(item, Payment) else oracle.judged).append(item)  # type: ignore[attr-defined]
        if number % 5 or not oracle.paid:
            continue
        newest = max(paid.arrived for paid in oracle.paid)
        read = EntityHistory(next(merging.rows()), bucket_settings)
        for _ in range(4):
            t = newest + draw.choice([-lag, -lag // 2, 0, 1, HOUR, DAY, 6 * DAY, draw.randint(-lag, 40 * DAY)])
            agrees(read.as_of(t), oracle, t, entity, bucket_settings)


def test_the_state_of_an_entity_busy_for_a_year_is_bounded() -> None:
    """Each hour a new user, a fraud and a label that clears an earlier one."""
    aggregator = EntityAggregator(CountingSettings(WEEK_LATE, reader_lag_ms=3 * DAY))
    for hour in range(365 * 24):
        now = START + hour * HOUR
        aggregator.add_transaction(M, f"u{hour}", now, now)
        aggregator.add_label(M, f"t{hour}", now, now, True)
        if hour > 240:
            aggregator.add_label(M, f"t{hour - 240}", now - 240 * HOUR, now, False)
    row = next(aggregator.rows())
    counts = aggregator._counts[M]
    assert len(row.hours) <= (7 + 7 + 3 + 4 + 2) * 24 + 24 + 168  # hours, days, and changes of users in the future
    assert len(row.withdrawn) <= 24 * (7 + 31 + 3 + 4 + 1)
    assert len(counts.users) <= 24 * (9 + 4)
    assert len(counts.labels) <= 240 + 24 * (3 + 4) + 1
    assert len(msgspec.msgpack.encode(row)) < 16_000


@pytest.mark.parametrize("entity", [C, B], ids=lambda entity: entity.kind)
def test_the_state_of_a_broad_entity_busy_for_a_year_is_bounded(entity: Entity) -> None:
    """Each hour 40 transactions of new users, two of which become frauds; one of those is cleared later."""
    counter = EntityCounter(CountingSettings(WEEK_LATE, reader_lag_ms=3 * DAY))
    counts = EntityCounts()
    for hour in range(365 * 24):
        now = START + hour * HOUR
        for number in range(40):
            counter.add_transaction(counts, entity.kind, f"u{hour}-{number}", now, now, 5_000, 3_900_000)
        for _ in range(2):
            apply_delta(counter, entity.kind, counts, FraudDelta(now, now + HOUR, None))
        if hour > 240:
            cleared = now - 240 * HOUR
            apply_delta(counter, entity.kind, counts, FraudDelta(cleared, now, (cleared, cleared + HOUR)))
    row = counter.row(entity, counts, 0)
    assert len(row.hours) <= (7 + 7 + 3 + 4 + 1) * 24 + 90 + 168  # hours, days, and changes of reports in the future
    assert (counts.users, counts.labels) == ({}, {})
    assert len(row.withdrawn) <= 24 * (7 + 91 + 3 + 4 + 1)
    without = msgspec.structs.replace(row, withdrawn=[])
    assert len(msgspec.msgpack.encode(without)) < (18_000 if entity is C else 12_000)
    risk = EntityHistory(row, WEEK_LATE).as_of(START + 365 * DAY)
    assert (risk.transactions_1d, risk.transactions_7d, risk.amount_minor_1d) == (960, 6_720, 24 * 200_000)
    assert risk.frauds_reported_7d == 168 * 2
    assert risk.fraud_rates == pytest.approx((2 / 40, 1 / 40, 1 / 40), rel=0.35)


def test_encoding_and_decoding_at_any_point_changes_nothing() -> None:
    draw = random.Random(5)
    items = random_items(draw, 80, WEEK_LATE, spans=(60 * DAY,))
    counting = CountingSettings(WEEK_LATE, reader_lag_ms=DAY)
    kept, restored = EntityAggregator(counting), EntityAggregator(counting)
    for item in items:
        feed(kept, item)
        feed(restored, item)
        for entity, counts in restored._counts.items():
            restored._counts[entity] = msgspec.msgpack.decode(msgspec.msgpack.encode(counts), type=EntityCounts)
        assert restored._counts == kept._counts
    assert list(restored.rows()) == list(kept.rows())


def test_clearing_a_fraud_beyond_all_windows_changes_nothing() -> None:
    aggregator = EntityAggregator(CountingSettings(WEEK_LATE, reader_lag_ms=0))
    aggregator.add_transaction(M, "u", START, START)
    aggregator.add_label(M, "t", START, START + DAY, True)
    for day in (60, 61):
        aggregator.add_transaction(M, "u", START + day * DAY, START + day * DAY)
    before = next(aggregator.rows())
    aggregator.add_label(M, "t", START, START + 61 * DAY, False)
    assert next(aggregator.rows()) == before


def test_a_fraud_withdrawn_before_the_window_hides_none_of_the_same_day_within_it() -> None:
    """day 0, h0: t0 is fraud, cleared later .... h10: t1 is fraud .... a window of 2 days that starts at h5"""
    short = msgspec.structs.replace(TWO_HOURS_LATE, risk_days=(1, 2))
    items: list[Item] = [Payment("u", START + hour * HOUR, START + hour * HOUR) for hour in (0, 10)]
    items.append(KnownLabel("t0", START, START + HOUR, True))
    items.append(KnownLabel("t1", START + 10 * HOUR, START + 11 * HOUR, True))
    items.append(KnownLabel("t0", START, START + 20 * HOUR, False))
    risk = history(items, short).as_of(START + 2 * DAY + 7 * HOUR)
    assert (risk.fraud_day_ms, risk.fraud_run_ms) == (START, START)
