"""Contract of stores, and of enrichment over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.contracts.store_factories import SETTINGS, STORES, Content, Profile, StoreFactory
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BROAD_KINDS, BucketRow, EntityKind
from udfs.records.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.port import PREFIXES, Record, Store
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000
ODD_IDS = [
    "!", "~", "a:b", "user:U1", "history:merchant:M1", "*", "?", "[a-z]", "{tag}", "%s", "$1", "#", "'", '"', "\\", "\\n",
    "../x", "a,b", "a;b", "<a>", "0", "-1", "00", "1e5", "null", "None", "true", "NaN", "x" * 64, "~" * 64, "A", "a",
]  # fmt: skip
FULL: dict[str, Profile] = {
    "user:U1": UserProfile(
        user_id="U1", home_latitude=52.5, home_longitude=-13.25, home_country="DE", timezone="Europe/Berlin", kyc_level=0,
        account_opened_at=START, date_of_birth=-5 * 365 * DAY, credit_limit=0.1 + 0.2, avg_monthly_spend=1e12, is_vip=False,
        prior_fraud_count=0, last_unblocked_at=0, risk_score_history=(0.0, 99.9),
        address_history=("Straße 1, Köln", "😀", ""), attributes={"job": "Köchin 😀", "city_pop": 0.1 + 0.2, "vip": 1.0},
    ),
    "user:U2": UserProfile(user_id="U2"),
    "merchant:M1": MerchantProfile(merchant_id="M1", category="6011", country="DE", first_seen_at=START),
    "merchant:M2": MerchantProfile(merchant_id="M2"),
    "device:D1": DeviceProfile(device_id="D1", blacklisted=True, registered_at=1, last_used_at=2, is_active=False),
    "device:D2": DeviceProfile(device_id="D2"),
    "ip:10.0.0.1": IpFeed(ip_address="10.0.0.1", ip_risk_score=80.5, vpn=True),
    "ip:2001:db8::1": IpFeed(ip_address="2001:db8::1"),
    "domain:example.org": DomainFeed(email_domain="example.org", registered_at=START),
    "domain:münchen.example": DomainFeed(email_domain="münchen.example"),
}  # fmt: skip
ROW = BucketRow(
    entity="merchant", id="M1", complete_through_ms=START + 40 * DAY, first_hour=START // HOUR,
    hours=[START // HOUR, START // HOUR + 30], transactions=[7, 2], frauds=[2, 1], users_1d=[3, -1], users_7d=[3, 1],
    withdrawn=[(START // HOUR, START // HOUR + 200)], amounts=[700, 10**15], reported=[2, -1], figures_from_hour=7,
)  # fmt: skip
BROAD_IDS: dict[EntityKind, str] = {
    "category": "5411", "channel": "point of sale 😀", "entry_mode": "chip", "merchant_country": "DE", "city": "Köln: Süd",
    "category_hour": "5411|23", "category_channel": "a|b|c", "bin": "412345", "attribute": "job=a=b: 😀",
}  # fmt: skip
BROAD = {
    f"history:{kind}:{id}": BucketRow(
        entity=kind, id=id, complete_through_ms=START + 40 * DAY, first_hour=START // HOUR, hours=[START // HOUR],
        transactions=[30], frauds=[2], users_1d=[], users_7d=[], amounts=[900], reported=[2],
        log_amounts=[5_000_000] if kind == "category" else [], log_amount_squares=[9_000_000] if kind == "category" else [],
    )
    for kind, id in BROAD_IDS.items()
}  # fmt: skip
HISTORIES = {"M1": ROW, "M3": BucketRow(**{name: getattr(ROW, name) for name in ROW.__struct_fields__} | {"id": "M3"})}

Lookup = Callable[[Sequence[str]], list[Record | None]]
Opener = Callable[[Content], AbstractContextManager[tuple[Lookup, bool]]]


def straight(factory: StoreFactory) -> Opener:
    @contextmanager
    def opened(content: Content) -> Iterator[tuple[Lookup, bool]]:
        with factory(content) as store:
            yield store.get_many, store.holds_histories

    return opened


def remote(factory: StoreFactory) -> Opener:
    """The same store as the core reads it."""

    @contextmanager
    def opened(content: Content) -> Iterator[tuple[Lookup, bool]]:
        with factory(content) as store:
            source = RemoteSource(store, CacheSettings(), lambda: START)

            def lookup(keys: Sequence[str]) -> list[Record | None]:
                found = source.fetch(keys)
                assert found is not None
                return found

            yield lookup, source.now()[1]

    return opened


OPENERS: dict[str, Opener] = {
    **{name: straight(factory) for name, factory in STORES.items()},
    **{f"{name}, remote": remote(factory) for name, factory in STORES.items()},
}


@pytest.fixture(params=OPENERS)
def opened(request: pytest.FixtureRequest) -> Opener:
    return OPENERS[request.param]


def test_values_are_in_the_order_of_the_keys(opened: Opener) -> None:
    with opened(Content(FULL)) as (lookup, _):
        for keys in (list(FULL), list(reversed(FULL)), [*list(FULL)[3:], *list(FULL)[:3]]):
            assert lookup(keys) == [FULL[key] for key in keys]


def test_every_field_of_every_kind_comes_back_with_its_type(opened: Opener) -> None:
    with opened(Content(FULL)) as (lookup, _):
        for key, expected in FULL.items():
            (value,) = lookup([key])
            assert type(value) is type(expected) is PREFIXES[key[: key.index(":") + 1]]
            for name in expected.__struct_fields__:
                got, wanted = getattr(value, name), getattr(expected, name)
                assert (type(got), got) == (type(wanted), wanted), (key, name)


def test_unknown_keys_give_none_at_their_positions(opened: Opener) -> None:
    with opened(Content(FULL)) as (lookup, _):
        assert lookup(["user:none", "user:U1", "device:none", "merchant:M1", "domain:none"]) == [
            None, FULL["user:U1"], None, FULL["merchant:M1"], None,
        ]  # fmt: skip


def test_an_id_is_found_under_its_own_kind_only(opened: Opener) -> None:
    content = Content({"user:X": UserProfile(user_id="X"), "device:X": DeviceProfile(device_id="X")})
    with opened(content) as (lookup, _):
        assert lookup(["merchant:X", "device:X", "ip:X", "user:X", "domain:X", "history:merchant:X"]) == [
            None, DeviceProfile(device_id="X"), None, UserProfile(user_id="X"), None, None,
        ]  # fmt: skip


def test_repeated_keys_are_answered_repeatedly(opened: Opener) -> None:
    with opened(Content(FULL)) as (lookup, _):
        keys = ["user:U1", "user:none", "user:U1", "user:none", "user:U2", "user:U1"]
        one, two = FULL["user:U1"], FULL["user:U2"]
        assert lookup(keys) == [one, None, one, None, two, one]


def test_no_keys_give_no_values(opened: Opener) -> None:
    with opened(Content(FULL)) as (lookup, _):
        assert lookup([]) == []
    with opened(Content()) as (lookup, _):
        assert lookup([]) == []
        assert lookup(["user:U1"]) == [None]


def test_a_batch_of_thousands_is_answered_completely_and_in_order(opened: Opener) -> None:
    users = {f"user:U{number}": UserProfile(user_id=f"U{number}", kyc_level=number) for number in range(0, 5_000, 2)}
    with opened(Content(users)) as (lookup, _):
        values = lookup([f"user:U{number}" for number in range(5_000)])
        assert values == [users.get(f"user:U{number}") for number in range(5_000)]


@pytest.mark.parametrize("prefix", ["user:", "merchant:", "device:", "ip:", "domain:"])
def test_ids_of_any_printable_characters_are_distinct(opened: Opener, prefix: str) -> None:
    kind: Any = PREFIXES[prefix]
    field = kind.__struct_fields__[0]
    profiles: dict[str, Profile] = {prefix + odd: kind(**{field: odd}) for odd in ODD_IDS}
    with opened(Content(profiles)) as (lookup, _):
        assert lookup(list(profiles)) == list(profiles.values())
        for key, profile in profiles.items():
            assert lookup([key]) == [profile]
        assert lookup([prefix + "b", prefix, prefix + "x" * 63]) == [None, None, None]


def test_histories_read_as_of_any_moment_like_the_rows_they_were_made_of(opened: Opener) -> None:
    with opened(Content(FULL, HISTORIES)) as (lookup, _):
        found = lookup(["history:merchant:M1", "merchant:M1", "history:merchant:M2", "history:merchant:M3"])
        assert found[1:3] == [FULL["merchant:M1"], None]
        for history in (found[0], found[3]):
            assert isinstance(history, EntityHistory)
            assert history.complete_through_ms == ROW.complete_through_ms
            for t in [*range(START - DAY, START + 45 * DAY, 7 * HOUR), START]:
                assert history.as_of(t) == EntityHistory(ROW, SETTINGS).as_of(t)


def test_histories_of_broad_kinds_are_read_under_any_id(opened: Opener) -> None:
    assert set(BROAD_IDS) == set(BROAD_KINDS)
    with opened(Content(broad=BROAD)) as (lookup, _):
        for history, row in zip(lookup(list(BROAD)), BROAD.values(), strict=True):
            assert isinstance(history, EntityHistory)
            assert history.row == row
            risk = history.as_of(START + 10 * DAY)
            assert risk.fraud_rates == (pytest.approx(2.05 / 35),) * 3
            assert (risk.log_amount_mean == pytest.approx(5 / 30)) is (row.entity == "category")
        assert lookup(["history:category:541", "history:attribute:job", "history:channel:"]) == [None] * 3


@pytest.mark.parametrize(("histories", "holds"), [(None, False), ({}, True), (HISTORIES, True)])
def test_a_store_tells_whether_an_entity_without_history_is_known_to_have_none(
    opened: Opener, histories: dict[str, BucketRow] | None, holds: bool
) -> None:
    with opened(Content(FULL, histories)) as (_, holds_histories):
        assert holds_histories is holds


def test_reading_does_not_change_a_store() -> None:
    for factory in STORES.values():
        with factory(Content(FULL, HISTORIES)) as store:
            _read_twice(store)


def _read_twice(store: Store) -> None:
    keys = [*FULL, "user:none"]
    assert store.get_many(keys) == store.get_many(keys) == [*FULL.values(), None]
