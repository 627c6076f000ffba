"""What every feature family promises, over all families that the catalogue finds."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import udfs
from tests.udfs.engines import engine_over, logs_of
from udfs.attributes import Attribute
from udfs.entities import entities_of
from udfs.entity_buckets import BROAD_KINDS, BucketRow, BucketSettings, Entity
from udfs.entity_history import EntityHistory
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine
from udfs.features.catalogue import (
    FAMILIES,
    FEATURE_SET_VERSION,
    FEATURES,
    NAMES,
    compute_features,
    family_of,
    feature_set_version,
)
from udfs.features.context import Context
from udfs.features.feature import Feature
from udfs.features.feature_set import feature_set_of
from udfs.features.groups import ATTRIBUTE, INPUTS, is_group
from udfs.features.merchant import RISK_DAYS
from udfs.features.values import FeatureValues
from udfs.features.words import in_words
from udfs.money import Money
from udfs.observation import Observation
from udfs.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.port import HISTORY, Record
from udfs.user_state_settings import UserStateSettings

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
    assert tuple(feature.name for name in sorted(FAMILIES) for feature in FAMILIES[name][0]) == NAMES
    assert tuple(feature.name for feature in FEATURES) == NAMES


@pytest.mark.parametrize("family", FAMILIES)
def test_every_feature_has_a_plain_name_a_unit_a_formula_and_a_version(family: str) -> None:
    features = FAMILIES[family][0]
    assert features
    for feature in features:
        assert feature.name.isidentifier()
        assert feature.name == feature.name.lower()
        assert family_of(feature.name) == family
        assert len(feature.formula) > 10
        assert feature.version >= 1
        assert feature.unit or feature.name in {"hour_sin", "hour_cos"}  # pure numbers
        assert not {"\t", "\n"} & set(feature.name + feature.unit)  # they separate the lines that are hashed


def test_an_unknown_name_belongs_to_no_family() -> None:
    with pytest.raises(KeyError, match="nothing"):
        family_of("nothing")


@pytest.mark.parametrize("name", NAMES)
def test_every_feature_has_words_for_any_value(name: str) -> None:
    for value in (0.0, 1.0, -1.0, 0.5, 123_456_789.125, 1e300, float("nan"), float("inf")):
        text = in_words(name, value)
        assert text.strip() == text
        assert text


# -- the version of the set ----------------------------------------------------------------------------------------------


def with_change(index: int, **change: Any) -> tuple[Feature, ...]:
    changed = msgspec.structs.replace(FEATURES[index], **change)
    return (*FEATURES[:index], changed, *FEATURES[index + 1 :])


def test_the_version_changes_with_any_name_unit_or_formula_version_and_with_the_order() -> None:
    versions = {feature_set_version(FEATURES)}
    for index, feature in enumerate(FEATURES):
        for change in ({"name": feature.name + "x"}, {"unit": feature.unit + "x"}, {"version": feature.version + 1}):
            versions.add(feature_set_version(with_change(index, **change)))
    assert len(versions) == 1 + 3 * len(FEATURES)
    assert feature_set_version(FEATURES[::-1]) not in versions
    assert feature_set_version(FEATURES[:-1]) not in versions
    assert feature_set_version((*FEATURES, Feature("extra", "", "an extra one"))) not in versions


def test_the_words_of_a_formula_do_not_change_the_version() -> None:
    assert feature_set_version(with_change(0, formula="said otherwise")) == FEATURE_SET_VERSION


def test_the_version_does_not_depend_on_the_process() -> None:
    code = "from udfs.features.catalogue import FEATURE_SET_VERSION as v; print(v)"
    for seed in ("1", "2"):
        assert run_python(code, Path(udfs.__file__).parents[1], PYTHONHASHSEED=seed) == FEATURE_SET_VERSION


NEW_FAMILY = '''"""Stars."""
from udfs.features.context import Context
from udfs.features.feature import Feature
from udfs.features.merchant import RISK_DAYS

FEATURES = (Feature("star_sign", "sign", "month of birth modulo 12"), Feature("moon_phase", "phase", "0 to 1, new to new"))


def compute(c: Context) -> tuple[float, ...]:
    return 3.0, 0.5
'''
TRY_NEW_FAMILY = """
from tests_support import observe
from udfs.features.catalogue import FAMILIES, FEATURE_SET_VERSION, NAMES
features = observe()
assert tuple(features) == NAMES, "order"
at = NAMES.index("star_sign")
print(FEATURE_SET_VERSION, len(NAMES), at, NAMES[at + 1], features["star_sign"], list(FAMILIES).index("horoscope"))
"""
SUPPORT = """
from udfs.block_list import BlockList
from udfs.entity_buckets import BucketSettings
from udfs.events import Transaction
from udfs.feature_engine import FeatureEngine
from udfs.local_time import LocalTime
from udfs.money import Money
from udfs.stores.memory import MemoryStore
from udfs.user_log import MemoryUserLogs
from udfs.user_state import UserStates
from udfs.user_state_settings import UserStateSettings

def observe():
    engine = FeatureEngine(UserStates(MemoryUserLogs(), UserStateSettings()), MemoryStore({}), BlockList(), Money(),
                           LocalTime(), BucketSettings())
    return engine.observe(Transaction(transaction_id="T", user_id="U", timestamp=1, amount=1.0)).features
"""


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


def test_adding_one_file_adds_a_family_in_the_order_of_names_and_changes_the_version(tmp_path: Path) -> None:
    shutil.copytree(Path(udfs.__file__).parent, tmp_path / "udfs", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "udfs" / "features" / "horoscope.py").write_text(NEW_FAMILY)
    (tmp_path / "tests_support.py").write_text(SUPPORT)
    version, count, at, following, value, family_at = run_python(TRY_NEW_FAMILY, tmp_path).split()
    assert version != FEATURE_SET_VERSION
    assert int(count) == len(NAMES) + 2
    assert int(at) == NAMES.index(FAMILIES["login"][0][0].name)  # between habit and login
    assert (following, value) == ("moon_phase", "3.0")
    assert int(family_at) == sorted([*FAMILIES, "horoscope"]).index("horoscope")


# -- values --------------------------------------------------------------------------------------------------------------


def check_values(observation: Observation) -> None:
    features = observation.features
    assert tuple(features) == NAMES
    for name, value in features.items():
        assert type(value) is float, f"{name} is a {type(value).__name__}"
        assert not math.isinf(value), name
    for feature in FEATURES:
        if feature.unit == "flag":
            value = features[feature.name]
            assert math.isnan(value) or value in FLAGS, feature.name


def check_families(context: Context) -> None:
    """Each family gives one number for each of its names, and all of them together are the families' one by one."""
    together: list[float] = []
    for family, (features, compute) in FAMILIES.items():
        values = compute(context)
        assert len(values) == len(features), family
        together += values
    assert [value.hex() for value in compute_features(context).values()] == [value.hex() for value in together]


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


def feed(engine: FeatureEngine, event: Transaction | Login | AccountChange | Label) -> Observation | None:
    if isinstance(event, Transaction):
        observation = engine.observe(event)
        if observation is not None:
            check_values(observation)
            check_families(observation.context)
            engine.commit(observation)
        return observation
    if isinstance(event, Login):
        engine.record_login(event)
    elif isinstance(event, AccountChange):
        engine.record_change(event)
    else:
        engine.record_label(event)
    return None


@settings(max_examples=250, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    st.lists(transactions | others, min_size=1, max_size=7),
    stores(),
    st.booleans(),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_no_stream_and_no_store_makes_a_family_raise_or_write_anything_but_floats_of_its_own_names(
    events: list[Any], records: dict[str, Record], complete: bool, base: str
) -> None:
    engine = engine_over(
        logs_of("U1"),
        records=records,
        money=Money(base),
        holds_histories=complete,
        blocked=[BlockEntry(type="device", value="a")],
        state=UserStateSettings(snapshot_every=3, compact_slack=2),
    )
    for event in events:
        feed(engine, event)


def test_nothing_but_the_required_fields_gives_nan_for_all_that_is_not_known() -> None:
    observation = engine_over(logs_of("U1")).observe(
        Transaction(transaction_id="T", user_id="U1", timestamp=START, amount=0.0)
    )
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


def rich_features(left_out: str | None) -> FeatureValues:
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
    engine = engine_over(logs_of("U1"), records=records, attributes=OWN)
    if left_out != "logins":
        engine.record_login(
            Login(event_id="L", user_id="U1", timestamp=START, success=True, device_id="D", city="Bonn")
        )
    observation = engine.observe(transaction)
    assert observation is not None
    return observation.features


@pytest.mark.parametrize("group", [*INPUTS, *(ATTRIBUTE + attribute.name for attribute in OWN)])
def test_without_the_input_of_a_group_its_features_are_unknown_and_all_others_as_before(group: str) -> None:
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
    values = rich.values()
    for group, positions in feature_set.groups.items():
        assert any(not math.isnan(values[position]) for position in positions), group


def test_the_same_context_gives_the_same_bits_again() -> None:
    observation = engine_over(logs_of("U1")).observe(
        Transaction(transaction_id="T", user_id="U1", timestamp=START, amount=12.34, latitude=1.0, longitude=2.0)
    )
    assert observation is not None
    again = compute_features(observation.context)
    assert [value.hex() for value in again.values()] == [value.hex() for value in observation.features.values()]


def history_of(**lists: list[int]) -> dict[str, Record]:
    hour = START // HOUR
    row = BucketRow(
        entity="merchant", id="M", complete_through_ms=START + 60 * DAY, first_hour=hour, hours=[hour], **lists
    )
    return {"history:merchant:M": EntityHistory(row, BUCKETS)}


def observed(records: dict[str, Record], **fields: Any) -> dict[str, float]:
    engine = engine_over(logs_of("U1"), records=records)
    observation = engine.observe(
        Transaction(**{"transaction_id": "T", "user_id": "U1", "timestamp": START + 9 * DAY, "amount": 1.0, **fields})
    )
    assert observation is not None
    check_values(observation)
    return observation.features


def test_a_fraud_rate_is_a_share_also_where_labels_come_in_another_hour_than_their_transactions() -> None:
    """Labels that came late count in the hour they became known, which may have fewer transactions than frauds."""
    features = observed(history_of(transactions=[1], users_1d=[1], users_7d=[1], frauds=[10]), merchant_id="M")
    for days in (3, 7, 14, 30):
        assert 0.0 <= features[f"merchant_fraud_rate_{days}d"] <= 1.0


def test_an_absurd_profile_gives_no_infinite_feature() -> None:
    """Infinity is null in the logged features: whoever rescores the decision from them sees another number."""
    observed({"user:U1": UserProfile(user_id="U1", avg_monthly_spend=1e-300, credit_limit=1e-300)}, amount=1e12)


def test_the_bucket_settings_days_are_those_of_the_merchant_family() -> None:
    assert BUCKETS.risk_days == RISK_DAYS
    names = tuple(name for name in NAMES if name.startswith("merchant_fraud_rate_"))
    assert names == tuple(f"merchant_fraud_rate_{days}d" for days in BUCKETS.risk_days)
