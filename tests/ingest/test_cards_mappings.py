"""The shipped mappings of a card generator's layout, each tested with one row."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.mapping import load_mapping
from ingest.rows import records_from_row
from udfs.records.events import Label, Transaction
from udfs.records.profiles import UserProfile

MAPPINGS = Path(__file__).parents[2] / "deploy" / "mappings"
ROW = {
    "trans_num": "0b242abb623afc578575680df30655b9",
    "cc_num": 6_304_239_999_999_999_999,
    "unix_time": 1_325_376_018,
    "category": "misc_net",
    "merchant": "fraud_Rippin, Kub and Mann",
    "amt": 4.97,
    "merch_lat": 36.011293,
    "merch_long": -82.048315,
    "is_fraud": 1,
}


def test_payment_has_merchant_location_encoded_name_and_label_after_a_week() -> None:
    records = records_from_row(ROW, load_mapping(MAPPINGS / "cards.yaml"))
    record, label = records.record, records.label
    assert record == Transaction(
        transaction_id="0b242abb623afc578575680df30655b9",
        user_id="6304239999999999999",
        timestamp=1_325_376_018_000,
        amount=4.97,
        merchant_id="fraud_Rippin,%20Kub%20and%20Mann",
        merchant_category="misc_net",
        channel="ecommerce",
        latitude=36.011293,
        longitude=-82.048315,
    )
    assert isinstance(label, Label)
    assert (label.is_fraud, label.known_at) == (True, 1_325_376_018_000 + 7 * 86_400_000)


@pytest.mark.parametrize(
    ("category", "channel"),
    [("grocery_net", "ecommerce"), ("shopping_pos", "pos"), ("gas_transport", None), ("new_kind", None), (None, None)],
)
def test_channel_is_derived_from_the_category(category: str | None, channel: str | None) -> None:
    record = records_from_row({**ROW, "category": category}, load_mapping(MAPPINGS / "cards.yaml")).record
    assert isinstance(record, Transaction)
    assert record.channel == channel


def test_a_card_holder_has_a_home_and_a_date_of_birth() -> None:
    row = {
        "cc_num": 6_304_239_999_999_999_999, "gender": "F", "city": "Orient", "state": "WA", "zip": 99_160, "lat": 48.8878,
        "long": -118.2105, "city_pop": 149, "job": "Special educational needs teacher", "dob": "1978-06-21",
    }  # fmt: skip
    profile = records_from_row(row, load_mapping(MAPPINGS / "cards_users.yaml")).record
    assert isinstance(profile, UserProfile)
    assert profile.user_id == "6304239999999999999"
    assert (profile.home_latitude, profile.home_longitude) == (48.8878, -118.2105)
    assert profile.date_of_birth == 267_235_200_000
    assert profile.attributes == {
        "gender": "F",
        "job": "Special educational needs teacher",
        "state": "WA",
        "city_pop": 149.0,
    }
