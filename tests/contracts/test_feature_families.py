"""Contract of all feature families in the catalogue."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import udfs
from tests.udfs.engines import Engine, Observed
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BROAD_KINDS, BucketRow, BucketSettings, Entity
from udfs.entities.entity_ids import entities_of
from udfs.features.catalogue import (
    FAMILIES,
    FEATURE_SET_VERSION,
    FEATURES,
    NAMES,
    feature_set_version,
)
from udfs.features.feature import Feature
from udfs.features.feature_set import feature_set_of
from udfs.features.groups import ATTRIBUTE, INPUTS, is_group
from udfs.features.signal import Signal
from udfs.features.words import Words
from udfs.records.attributes import Attribute
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.state.settings import UserStateSettings
from udfs.stores.port import HISTORY, Record

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000
FLAGS = {0.0, 1.0}
BUCKETS = BucketSettings()

# -- the catalogue -------------------------------------------------------------------------------------------------------


def test_the_families_of_the_contract_are_all_there() -> None:
    assert set(FAMILIES) >= {
        "amount", "channel", "device", "geography", "habit", "login", "merchant", "network", "profile", "time_of_day",
        "velocity", "category", "money_flow", "session",
    }  # fmt: skip
    assert len(NAMES) >= 60


def test_names_are_unique_over_all_families_and_in_the_order_of_the_families() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert tuple(feature.name for name in sorted(FAMILIES) for feature in FAMILIES[name]) == NAMES
    assert tuple(feature.name for feature in FEATURES) == NAMES


@pytest.mark.parametrize("family", FAMILIES)
def test_every_feature_has_a_plain_name_a_unit_a_formula_and_a_version(family: str) -> None:
    features = FAMILIES[family]
    assert features
    for feature in features:
        assert feature.name.isidentifier()
        assert feature.name == feature.name.lower()
        assert feature.family == family
        assert len(feature.formula) > 10
        assert feature.version >= 1
        assert feature.unit or feature.name in {"hour_sin", "hour_cos"}  # pure numbers
        assert not {"\t", "\n"} & set(feature.name + feature.unit)  # they separate the lines that are hashed


# -- the version of the set ----------------------------------------------------------------------------------------------


def with_change(index: int, **change: Any) -> tuple[Feature, ...]:
    changed = msgspec.structs.replace(FEATURES[index], **change)
    return (*FEATURES[:index], changed, *FEATURES[index + 1 :])


def test_the_version_changes_with_name_unit_formula_version_and_order() -> None:
    versions = {feature_set_version(FEATURES)}
    for index, feature in enumerate(FEATURES):
        for change in ({"name": feature.name + "x"}, {"unit": feature.unit + "x"}, {"version": feature.version + 1}):
            versions.add(feature_set_version(with_change(index, **change)))
    assert len(versions) == 1 + 3 * len(FEATURES)
    assert feature_set_version(FEATURES[::-1]) not in versions
    assert feature_set_version(FEATURES[:-1]) not in versions
    extra = Feature("extra", "", "an extra one", Words("number", "extra {}"), Signal("extra"))
    assert feature_set_version((*FEATURES, extra)) not in versions


def test_the_words_of_a_formula_and_of_reasons_do_not_change_the_version() -> None:
    said = {"formula": "said otherwise", "words": Words("number", "{} otherwise"), "signal": Signal("otherwise")}
    assert feature_set_version(with_change(0, **said)) == FEATURE_SET_VERSION


def test_the_version_does_not_depend_on_the_process() -> None:
    code = "from udfs.features.catalogue import FEATURE_SET_VERSION as v; print(v)"
    for seed in ("1", "2"):
        assert run_python(code, Path(udfs.__file__).parents[1], PYTHONHASHSEED=seed) == FEATURE_SET_VERSION


def run_python(code: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SOURCES = Path(udfs.__file__).parent / "core/src/features"
DECLARED = re.compile(r'pub const FAMILY: (?:&str = "(?P<own>\w+)"|Family = Family \{ name: "(?P<name>\w+)")')


def test_every_file_that_declares_a_family_is_in_the_catalogue_under_its_name() -> None:
    """A file that is not in FAMILIES of udfs/core/src/features/mod.rs is compiled, but gives no feature."""
    declared = {path.stem: found for path in SOURCES.glob("*.rs") if (found := DECLARED.search(path.read_text()))}
    assert {path: found["name"] or found["own"] for path, found in declared.items()} == {
        name: name for name in declared
    }
    assert {path for path, found in declared.items() if found["name"]} == set(FAMILIES)
    assert [feature.family for feature in feature_set_of(OWN).features[len(FEATURES) :]] == ["attribute"] * 5


# -- values --------------------------------------------------------------------------------------------------------------


def check_values(observation: Observed) -> None:
    features = observation.features
    assert tuple(features) == NAMES
    for name, value in features.items():
        assert type(value) is float, f"{name} is a {type(value).__name__}"
        assert not math.isinf(value), name
    for feature in FEATURES:
        if feature.unit == "flag":
            value = features[feature.name]
            assert math.isnan(value) or value in FLAGS, feature.name
        if not feature.words.unknown:
            assert not math.isnan(features[feature.name]), f"{feature.name} has no words for an unknown value"


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


amounts = st.sampled_from([0.0, 1e-9, 0.004, 0.01, 1.0, 100.0, 999.99, 1e12]) | st.floats(0, 1e12)
times = st.one_of(
    st.integers(0, 3 * DAY).map(lambda offset: START + offset),
    st.sampled_from([0, START, START + DAY, START - 30 * DAY, 253_402_300_799_999 - 2 * DAY]),
)
moments_ms = st.sampled_from([0, -(10**13), START, START + 5 * DAY, 2**53]) | st.integers(-(10**14), 10**14)
money = st.sampled_from([0.0, 0.01, 1.0, 1e12, -5.0]) | st.floats(0.01, 1e12)
texts = some("DE", "US", "Bonn", "", "ecommerce", "atm", "manual", "x" * 256)
ids = some("a", "b", "6011", "5944", "~")
transactions = st.builds(
    Transaction, transaction_id=st.sampled_from("abcdefgh"), user_id=st.just("U1"), timestamp=times, amount=amounts,
    currency=some("USD", "JPY"), kind=st.sampled_from(["purchase", "refund", "reversal"]),
    auth_result=some("approved", "declined"), merchant_id=ids, merchant_category=ids, merchant_country=texts, channel=texts,
    entry_mode=texts, device_id=ids, session_id=ids, card_id=ids, ip_address=texts, latitude=optional(st.floats(-90, 90)),
    longitude=optional(st.floats(-180, 180)), city=texts, country=texts, otp_used=optional(st.booleans()),
    beneficiary_id=ids, email_domain=texts,
)  # fmt: skip
others = st.one_of(
    st.builds(
        Login, event_id=st.sampled_from("opqr"), user_id=st.just("U1"), timestamp=times, device_id=ids, city=texts,
        success=optional(st.booleans()),
    ),
    st.builds(
        AccountChange, event_id=st.sampled_from("stuv"), user_id=st.just("U1"), timestamp=times, old_status=some("BLOCKED"),
        new_status=some("active", "frozen"),
    ),
    st.builds(
        Label, event_id=st.just("l"), transaction_id=st.sampled_from("abc"), user_id=st.just("U1"), timestamp=st.just(0),
        known_at=times, is_fraud=st.booleans(),
    ),
)  # fmt: skip
users = st.builds(
    UserProfile, user_id=st.just("U1"), home_latitude=optional(st.floats(-90, 90)),
    home_longitude=optional(st.floats(-180, 180)), home_country=texts,
    timezone=some("Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "Nowhere/Nothing", ""),
    kyc_level=optional(st.integers(-5, 10**9)), account_opened_at=optional(moments_ms), date_of_birth=optional(moments_ms),
    credit_limit=optional(money), avg_monthly_spend=optional(money), is_vip=optional(st.booleans()),
    prior_fraud_count=optional(st.integers(0, 10**9)), last_unblocked_at=optional(moments_ms),
)  # fmt: skip
merchant_rows = st.builds(
    lambda hours, counts: BucketRow(
        entity="merchant", id="a", complete_through_ms=START, first_hour=min(hours, default=None),
        hours=sorted(hours), transactions=counts[: len(hours)], frauds=counts[: len(hours)], users_1d=counts[: len(hours)],
        users_7d=counts[: len(hours)], withdrawn=[(START // HOUR, START // HOUR + 1)],
    ),
    st.sets(st.integers(START // HOUR - 900, START // HOUR + 80), max_size=6),
    st.lists(st.integers(0, 10**9), min_size=6, max_size=6),
)  # fmt: skip


@st.composite
def stores(draw: st.DrawFn) -> dict[str, Record]:
    """What the stores may know, each part missing now and then."""
    records: dict[str, Record] = {}
    if draw(st.booleans()):
        records["user:U1"] = draw(users)
    for key in ("a", "b"):
        if draw(st.booleans()):
            records[f"merchant:{key}"] = MerchantProfile(merchant_id=key, first_seen_at=draw(optional(moments_ms)))
            records[f"device:{key}"] = DeviceProfile(
                device_id=key, blacklisted=draw(optional(st.booleans())), registered_at=draw(optional(moments_ms))
            )
    if draw(st.booleans()):
        records["history:merchant:a"] = EntityHistory(draw(merchant_rows), BUCKETS)
        score = optional(st.floats(0, 100))
        records["ip:DE"] = IpFeed(ip_address="DE", ip_risk_score=draw(score), vpn=draw(optional(st.booleans())))
        records["domain:DE"] = DomainFeed(email_domain="DE", registered_at=draw(optional(moments_ms)))
    return records


def feed(engine: Engine, event: Transaction | Login | AccountChange | Label) -> None:
    if not isinstance(event, Transaction):
        engine.tell(event)
        return
    observation = engine.pay(event)
    if observation is not None:
        check_values(observation)


@settings(max_examples=250, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    st.lists(transactions | others, min_size=1, max_size=7),
    stores(),
    st.booleans(),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_a_family_never_fails_and_gives_floats(
    events: list[Any], records: dict[str, Record], complete: bool, base: str
) -> None:
    engine = Engine(
        records,
        base_currency=base,
        holds_histories=complete,
        blocked=[BlockEntry(type="device", value="a")],
        state=UserStateSettings(snapshot_every=3, compact_slack=2),
    )
    for event in events:
        feed(engine, event)


def test_only_required_fields_give_nan_for_unknown_features() -> None:
    observation = Engine().pay(Transaction(transaction_id="T", user_id="U1", timestamp=START, amount=0.0))
    assert observation is not None
    check_values(observation)
    known = {name: value for name, value in observation.features.items() if not math.isnan(value)}
    zeros = ("amount_sum", "avg_amount", "max_amount", "std_amount")
    windows = {f"{what}_{window}": 0.0 for what in zeros for window in ("5m", "1h", "1d")}
    assert known == {
        "amount": 0.0, "amount_log": 0.0, "amount_minor_part": 0.0, "amount_is_round_hundred": 0.0, "is_refund": 0.0,
        "user_txn_count": 0.0, "user_txn_count_7d": 0.0, "user_txn_count_30d": 0.0,
        "hour_local": 0.0, "hour_sin": 0.0, "hour_cos": 1.0, "days_from_month_turn": 0.0,
        "weekday": 3.0, "is_weekend": 0.0, "is_night": 1.0, "txn_count_5m": 1.0, "txn_count_1h": 1.0, "txn_count_1d": 1.0,
        "velocity_score": 0.0, "declined_count_1h": 0.0, "declined_count_1d": 0.0, "refund_count_1d": 0.0,
        "refund_sum_1d": 0.0, "txn_count_1h_share_of_1d": 1.0, "prior_fraud_count": 0.0, "session_txn_count": 1.0,
        **windows,
    }  # fmt: skip


def test_only_features_that_can_be_unknown_have_words_for_it() -> None:
    """The user's first payment with the required fields alone, and one 3 days behind the newest, which has no windows."""
    engine = Engine()
    unknown: set[str] = set()
    for name, time_ms in (("first", START + 3 * DAY), ("late", START)):
        observation = engine.pay(Transaction(transaction_id=name, user_id="U1", timestamp=time_ms, amount=1.0))
        assert observation is not None
        unknown |= {name for name, value in observation.features.items() if math.isnan(value)}
    assert unknown == {feature.name for feature in FEATURES if feature.words.unknown}


RICH = Transaction(
    transaction_id="T", user_id="U1", timestamp=START + 9 * DAY, amount=12.5, merchant_id="M", merchant_category="5411",
    merchant_country="FR", channel="pos", entry_mode="chip", device_id="D", session_id="S", card_id="400000-1",
    ip_address="192.0.2.1", latitude=1.0, longitude=2.0, city="Bonn", country="DE", otp_used=True, beneficiary_id="B",
    email_domain="example.org", distance_from_home_km=3.0, account_tenure_months=2.0, txns_last_1h=4.0,
    attributes={"card_type": "gold", "points": 7.0},
)  # fmt: skip
OWN = (Attribute("card_type", "text", "event"), Attribute("points", "number", "event"))


def rich_records() -> dict[str, Record]:
    """Profiles, feeds and history of all that RICH names."""
    hours = [START // HOUR, START // HOUR + 8 * 24]
    records: dict[str, Record] = {
        "user:U1": UserProfile(
            user_id="U1", home_latitude=0.0, home_longitude=0.0, home_country="DE", kyc_level=1, account_opened_at=0,
            date_of_birth=0, credit_limit=100.0, avg_monthly_spend=50.0, is_vip=False, prior_fraud_count=0,
        ),
        "merchant:M": MerchantProfile(merchant_id="M"),
        "device:D": DeviceProfile(device_id="D", registered_at=0),
        "ip:192.0.2.1": IpFeed(ip_address="192.0.2.1", ip_risk_score=1.0, vpn=False),
        "domain:example.org": DomainFeed(email_domain="example.org", registered_at=0),
    }  # fmt: skip
    for entity in [*entities_of(RICH, None, OWN), Entity("beneficiary", "U1")]:
        users = [] if entity.kind in BROAD_KINDS else [1, 1]
        logs = [30_000_000, 60_000_000] if entity.kind == "category" else []
        row = BucketRow(
            entity=entity.kind, id=entity.id, complete_through_ms=START + 60 * DAY, first_hour=hours[0], hours=hours,
            transactions=[30, 30], frauds=[1, 0], users_1d=users, users_7d=users, amounts=[500, 500],
            log_amounts=logs, log_amount_squares=[2 * value for value in logs], reported=[0, 1],
        )  # fmt: skip
        records[HISTORY[entity.kind] + entity.id] = EntityHistory(row, BUCKETS)
    return records


def rich_features(left_out: str | None) -> dict[str, float]:
    """Those of RICH without what one group needs."""
    fields = dict.fromkeys(INPUTS.get(left_out or "", ()))
    transaction = msgspec.structs.replace(RICH, **fields)
    if left_out is not None and left_out.startswith(ATTRIBUTE):
        kept = {name: value for name, value in RICH.attributes.items() if name != left_out.removeprefix(ATTRIBUTE)}
        transaction = msgspec.structs.replace(RICH, attributes=kept)
    absent = {
        "profile": ("user:",),
        "device_profile": ("device:",),
        "feeds": ("ip:", "domain:"),
        "entity_history": ("history:",),
    }.get(left_out or "", ())
    records = {key: record for key, record in rich_records().items() if not key.startswith(absent or ("-",))}
    engine = Engine(records, attributes=OWN)
    if left_out != "logins":
        engine.tell(Login(event_id="L", user_id="U1", timestamp=START, success=True, device_id="D", city="Bonn"))
    observation = engine.pay(transaction)
    assert observation is not None
    return observation.features


@pytest.mark.parametrize("group", [*INPUTS, *(ATTRIBUTE + attribute.name for attribute in OWN)])
def test_without_the_input_of_a_group_only_its_features_are_unknown(group: str) -> None:
    feature_set, rich, without = feature_set_of(OWN), rich_features(None), rich_features(group)
    stated = {"km_from_home", "account_age_days"}  # the transaction states what the profile does not tell
    for feature in feature_set.features:
        value, before = without[feature.name], rich[feature.name]
        if group in feature.groups and not (group in ("profile", "location") and feature.name in stated):
            assert math.isnan(value), feature.name
        elif group not in feature.groups:
            assert value == before or (math.isnan(value) and math.isnan(before)), feature.name


def test_every_group_is_known_and_has_a_feature_that_the_rich_transaction_knows() -> None:
    feature_set, rich = feature_set_of(OWN), rich_features(None)
    assert all(is_group(group) for group in feature_set.groups)
    assert set(INPUTS) == {group for group in feature_set.groups if not group.startswith(ATTRIBUTE)}
    values = list(rich.values())
    for group, positions in feature_set.groups.items():
        assert any(not math.isnan(values[position]) for position in positions), group


def test_the_same_input_gives_the_same_bits_again() -> None:
    first, again = rich_features(None), rich_features(None)
    assert [value.hex() for value in again.values()] == [value.hex() for value in first.values()]


def history_of(**lists: list[int]) -> dict[str, Record]:
    hour = START // HOUR
    row = BucketRow(
        entity="merchant", id="M", complete_through_ms=START + 60 * DAY, first_hour=hour, hours=[hour], **lists
    )
    return {"history:merchant:M": EntityHistory(row, BUCKETS)}


def observed(records: dict[str, Record], **fields: Any) -> dict[str, float]:
    observation = Engine(records).pay(
        Transaction(**{"transaction_id": "T", "user_id": "U1", "timestamp": START + 9 * DAY, "amount": 1.0, **fields})
    )
    assert observation is not None
    check_values(observation)
    return observation.features


def test_a_fraud_rate_is_a_share_also_with_labels_in_another_hour() -> None:
    """Labels that came late count in the hour they became known, which may have fewer transactions than frauds."""
    features = observed(history_of(transactions=[1], users_1d=[1], users_7d=[1], frauds=[10]), merchant_id="M")
    for days in (3, 7, 14, 30):
        assert 0.0 <= features[f"merchant_fraud_rate_{days}d"] <= 1.0


def test_an_absurd_profile_gives_no_infinite_feature() -> None:
    """Infinity is null in the logged features: whoever rescores the decision from them sees another number."""
    observed({"user:U1": UserProfile(user_id="U1", avg_monthly_spend=1e-300, credit_limit=1e-300)}, amount=1e12)


RATE = re.compile(r".+_fraud_rate_(\d+)d")


def test_every_fraud_rate_is_over_the_days_that_its_name_says() -> None:
    """Labels are 7 days late: read at RICH's midnight, days end 7 before. Two hours at the border of each span:

    -N days - 1 h: not in N days    -N days: in N days ..... end of labels ..... 7 days ..... RICH
    """
    end, spans = RICH.timestamp // HOUR - 7 * 24, (1, 3, 7, 14, 30, 90)
    ages = [days * 24 + more for days in sorted(spans, reverse=True) for more in (1, 0)]
    counts = {age: (100 + place * place, 3 * place + 1) for place, age in enumerate(ages)}  # transactions, frauds
    records: dict[str, Record] = {}
    for entity in entities_of(RICH, None, OWN):
        users = [] if entity.kind in BROAD_KINDS else [0] * len(ages)
        row = BucketRow(
            entity=entity.kind, id=entity.id, complete_through_ms=START + 60 * DAY, first_hour=end - ages[0],
            hours=[end - age for age in ages], transactions=[counts[age][0] for age in ages],
            frauds=[counts[age][1] for age in ages], users_1d=users, users_7d=users,
        )  # fmt: skip
        records[HISTORY[entity.kind] + entity.id] = EntityHistory(row, BUCKETS)
    observation = Engine(records, attributes=OWN).pay(RICH)
    assert observation is not None
    found = {name: int(match[1]) for name in observation.features if (match := RATE.fullmatch(name))}
    assert len(found) == 5 + 3 + 3 * (8 + 1)  # merchants, what few people share, categories and one attribute
    for name, days in found.items():
        inside = [counts[age] for age in ages if age <= days * 24]
        frauds, transactions = sum(count for _, count in inside), sum(count for count, _ in inside)
        assert observation.features[name] == pytest.approx((frauds + 5 * 0.01) / (transactions + 5), rel=1e-12), name
