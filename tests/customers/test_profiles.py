"""Totals, checks and flags of profiles compared with pandas, over SQLite and PostgreSQL."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from customers import reading
from customers.database import Database
from customers.errors import ProfileError
from customers.numbers import NUMBERS
from customers.output import HEADER, write_csv, write_table
from customers.profiles import Profiles, profile_customers
from customers.quality import CHECKS
from customers.settings import Condition, ProfileSettings, load_settings
from reporting.customer_page import customer_page
from tests.customers.banks import AS_OF, AS_OF_MS, random_bank, write_bank
from tests.customers.pandas_profiles import profiles as by_pandas

SETTINGS = load_settings()


def profiled(url: str, settings: ProfileSettings = SETTINGS, as_of_ms: int = AS_OF_MS) -> Profiles:
    database = Database(url)
    try:
        return profile_customers(database, settings, as_of_ms)
    finally:
        database.close()


def assert_equal(profiles: Profiles, bank: dict[str, Any]) -> pd.DataFrame:
    expected, checks = by_pandas(bank, pd.Timestamp(AS_OF), 90)
    assert profiles.totals.ids == expected.index.tolist()
    assert set(profiles.totals.numbers) == set(expected.columns) == set(NUMBERS)
    for name in NUMBERS:
        np.testing.assert_allclose(profiles.totals.numbers[name], expected[name], rtol=1e-9, err_msg=name)
    assert {name: check.count for name, check in profiles.quality.checks.items()} == checks
    return expected


@pytest.mark.parametrize("as_text", [False, True], ids=["typed", "texts"])
def test_totals_and_checks_agree_with_pandas(url, as_text):
    bank = random_bank(seed=5, customers=60)
    write_bank(url, bank, as_text=as_text)
    profiles = profiled(url)
    expected = assert_equal(profiles, bank)
    assert (expected.drop(columns="accounts_in_future").max() > 0).all()
    assert all(column.unreadable == 0 for column in profiles.quality.columns)
    for column in profiles.quality.columns:
        rows = bank[column.table]
        assert (column.rows, column.nulls) == (len(rows), sum(row[column.column] is None for row in rows))
    duplicates = {one.table: one.duplicates for one in profiles.quality.tables}
    for table, row_id in (("login_activity", "login_id"), ("transactions", "transaction_id"), ("devices", "device_id")):
        keys = [(row[row_id], row["customer_id"]) for row in bank[table] if row[row_id] is not None]
        assert duplicates[table] == len(keys) - len(set(keys))


@pytest.mark.parametrize("batch", [1, 7])
def test_customers_are_whole_whatever_the_size_of_a_batch(sqlite_url, monkeypatch, batch):
    bank = random_bank(seed=9, customers=12)
    write_bank(sqlite_url, bank)
    monkeypatch.setattr("customers.database.ROWS_A_READ", batch)
    assert_equal(profiled(sqlite_url), bank)
    assert reading.NOBODY == -1


def test_conditions_flag_by_any_and_tell_those_that_were_met(url):
    bank = random_bank(seed=6, customers=40)
    write_bank(url, bank)
    conditions = (
        Condition("often", "transactions_365d > 12 and not signup_missing", "{transactions_365d:.0f} in a year"),
        Condition("failing", "most_failed_logins_1d >= 3"),
        Condition("idle", "days_since_login > 5 or days_since_transaction > 60"),
    )
    profiles = profiled(url, ProfileSettings(conditions))
    expected, _ = by_pandas(bank, pd.Timestamp(AS_OF), 90)
    often = (expected["transactions_365d"] > 12) & (expected["signup_missing"] == 0)
    failing = expected["most_failed_logins_1d"] >= 3
    idle = (expected["days_since_login"] > 5) | (expected["days_since_transaction"] > 60)
    for place, met in enumerate(profiles.met):
        wanted = [name for name, hit in (("often", often), ("failing", failing), ("idle", idle)) if hit.iloc[place]]
        assert list(met.conditions) == wanted
        if "often" in wanted:
            assert met.reasons[0] == f"{expected['transactions_365d'].iloc[place]:.0f} in a year"
    assert 0 < often.sum() < 40
    assert 0 < failing.sum() < 40


def test_a_profile_as_of_an_earlier_moment_knows_nothing_later(sqlite_url):
    bank = random_bank(seed=7, customers=20)
    write_bank(sqlite_url, bank)
    earlier = AS_OF - pd.Timedelta(days=40)
    expected, _ = by_pandas(bank, pd.Timestamp(earlier), 90)
    profiles = profiled(sqlite_url, as_of_ms=AS_OF_MS - 40 * 86_400_000)
    for name in ("transactions", "transactions_30d", "logins", "signup_in_future", "days_since_transaction"):
        np.testing.assert_allclose(profiles.totals.numbers[name], expected[name], err_msg=name)
    assert profiles.totals.numbers["logins"].sum() == 0


def test_empty_tables_give_no_profiles(url, tmp_path):
    write_bank(url, {})
    profiles = profiled(url)
    assert (profiles.totals.ids, profiles.met) == ([], [])
    write_csv(profiles, tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == ",".join(HEADER) + "\n"
    assert "0 customers" in customer_page(profiles, "x")


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (("transactions.amount",), "table transactions has no column amount (its columns: transaction_id, customer_id, "
         "transacted_at, city, device_id): name it under tables.transactions.columns in the settings"),
        (("devices.registered_at", "devices.customer_id"), "table devices has no column customer_id, registered_at (its "
         "columns: device_id, last_used_at, is_active): name it under tables.devices.columns in the settings"),
    ],
)  # fmt: skip
def test_a_missing_column_is_one_line_that_names_it(url, without, message):
    write_bank(url, {}, without=without)
    with pytest.raises(ProfileError) as error:
        profiled(url)
    assert str(error.value) == message


def test_missing_tables_and_databases_are_one_line(sqlite_url, tmp_path):
    with pytest.raises(ProfileError, match=r"bank.sqlite: there is no such database file$"):
        profiled(sqlite_url)
    (tmp_path / "bank.sqlite").write_bytes(b"")
    with pytest.raises(
        ProfileError, match=r"^there is no table customers: name it under tables.customers in the settings$"
    ):
        profiled(sqlite_url)
    (tmp_path / "bank.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(ProfileError, match="file is not a database"):
        profiled(sqlite_url)
    for wrong in ("bank.sqlite", "oracle9://x", "postgresql://u@127.0.0.1:1/x"):
        with pytest.raises(ProfileError) as error:
            profiled(wrong)
        assert "\n" not in str(error.value)


def test_optional_columns_may_be_absent_and_are_told(url):
    bank = random_bank(seed=8, customers=10)
    absent = ("devices.is_active", "login_activity.login_id", "login_activity.city", "transactions.device_id")
    write_bank(url, bank, without=absent)
    profiles = profiled(url)
    assert profiles.totals.numbers["login_city_changes"].sum() == 0
    assert profiles.totals.numbers["transaction_devices"].sum() == 0
    assert profiles.totals.numbers["logins"].sum() > 0
    told = [f"{one.table}.{column}" for one in profiles.quality.tables for column in one.absent_columns]
    assert told == list(absent)


def test_names_of_tables_and_columns_come_from_the_settings(url, tmp_path):
    bank = random_bank(seed=11, customers=15)
    write_bank(url, bank)
    before = profiled(url)
    database = Database(url)
    with database.writing() as connection:
        connection.execute(sa.text("ALTER TABLE customers RENAME TO kunden"))
        connection.execute(sa.text("ALTER TABLE kunden RENAME COLUMN signed_up_at TO angelegt"))
    database.close()
    path = tmp_path / "settings.yaml"
    path.write_text(
        "conditions: [{id: a, when: accounts > 0}]\ninactive_after_days: 90\n"
        "tables: {customers: {name: kunden, columns: {signed_up_at: angelegt}}}\n"
    )
    after = profiled(url, load_settings(path))
    for name in NUMBERS:
        np.testing.assert_array_equal(after.totals.numbers[name], before.totals.numbers[name])


def test_transactions_may_name_an_account_instead_of_a_customer(url):
    bank = random_bank(seed=12, customers=15)
    for table in ("transactions", "accounts"):
        bank[table] = [row for row in bank[table] if row["customer_id"] is not None]
    for row in bank["transactions"]:
        row["device_id"] = f"A-{row['customer_id']}"
    owners = {row["customer_id"] for row in bank["transactions"]}
    bank["accounts"] = [
        {"account_id": f"A-{owner}", "customer_id": owner, "opened_at": AS_OF} for owner in sorted(owners)
    ]
    write_bank(url, bank)
    expected = profiled(url)
    database = Database(url)
    with database.writing() as connection:
        connection.execute(sa.text("ALTER TABLE transactions DROP COLUMN customer_id"))
        connection.execute(sa.text("ALTER TABLE transactions RENAME COLUMN device_id TO account_id"))
    database.close()
    found = profiled(url)
    for name in ("transactions", "transactions_30d", "amount_365d", "largest_amount"):
        np.testing.assert_array_equal(found.totals.numbers[name], expected.totals.numbers[name])


# -- what is written -----------------------------------------------------------------------------------------------------


def test_hostile_ids_are_harmless_in_csv_and_page(url, tmp_path):
    ids = [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2",
        "@SUM(A1)",
        "<script>alert(1)</script>",
        'a"b,c',
        "x\ty",
        "Ünï",
        "'; DROP",
    ]
    bank = {
        "customers": [{"customer_id": name, "signed_up_at": None} for name in ids],
        "transactions": [
            {"transaction_id": "=T", "customer_id": ids[0], "transacted_at": AS_OF, "amount": 1.5, "city": "=X",
             "device_id": None}
        ],
    }  # fmt: skip
    write_bank(url, bank)
    profiles = profiled(url)
    write_csv(profiles, tmp_path / "customers.csv")
    with (tmp_path / "customers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["customer_id"] for row in rows} == {
        "'=1+1", "'+cmd|' /C calc'!A0", "'-2", "'@SUM(A1)", "<script>alert(1)</script>", 'a"b,c', "x\ty", "Ünï", "'; DROP",
    }  # fmt: skip
    assert [row["flagged"] for row in rows] == ["yes"] * len(ids)
    assert rows[0]["conditions"] == "signup_not_credible"
    page = customer_page(profiles, "x")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_csv_and_table_hold_the_profiles_and_a_later_run_takes_their_place(url, tmp_path):
    write_bank(url, random_bank(seed=13, customers=30))
    profiles = profiled(url)
    write_csv(profiles, tmp_path / "customers.csv")
    database = Database(url)
    for _ in range(2):
        write_table(profiles, database, "customer_profiles")
    with database.reading() as connection:
        rows = connection.execute(sa.text("SELECT * FROM customer_profiles ORDER BY customer_id")).mappings().all()
    with (tmp_path / "customers.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(rows) == len(lines) == 30
    by_id = {row["customer_id"]: row for row in rows}
    for line, met in zip(lines, profiles.met, strict=True):
        row = by_id[line["customer_id"]]
        assert bool(row["flagged"]) is (line["flagged"] == "yes") is bool(met.conditions)
        assert row["conditions"] == line["conditions"] == ";".join(met.conditions)
        for name in NUMBERS:
            assert line[name] == "" if row[name] is None else float(line[name]) == pytest.approx(row[name])
    for name, message in (("accounts", "is a table that is read"), ("other", "has other columns than profiles")):
        if name == "other":
            with database.writing() as connection:
                connection.execute(sa.text("CREATE TABLE other (a INTEGER)"))
        with pytest.raises(ProfileError, match=message):
            write_table(profiles, database, name)
    database.close()


def test_a_file_that_cannot_be_written_leaves_the_old_one(sqlite_url, tmp_path: Path, monkeypatch):
    write_bank(sqlite_url, random_bank(seed=14, customers=5))
    profiles, path = profiled(sqlite_url), tmp_path / "customers.csv"
    path.write_text("old")
    monkeypatch.setattr("customers.output.harmless", lambda text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_csv(profiles, path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir() if "customers" in one.name] == ["customers.csv"]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("acounts > 1", "rule a: unknown name 'acounts' at column 1 (did you mean 'accounts'?)"),
        ("city == 'x'", "rule a: city is of a payment, not of a customer"),
        ("user_verified", "rule a: user_verified is of a payment, not of a customer"),
        ("accounts >", "rule a: expected a name, number or text, but the condition ends at column 11"),
    ],
)
def test_a_wrong_condition_is_one_line(sqlite_url, when, message):
    write_bank(sqlite_url, {})
    with pytest.raises(ProfileError) as error:
        profiled(sqlite_url, ProfileSettings((Condition("a", when),)))
    assert str(error.value) == message


def test_the_documentation_lists_the_numbers_and_checks():
    text = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text()
    for known in (NUMBERS, CHECKS):
        for name, meaning in known.items():
            assert f"| `{name}` | {meaning} |\n" in text
