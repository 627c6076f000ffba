"""Profiles of customers recomputed with pandas from rows: by definition, slowly, and with none of our code."""

from __future__ import annotations

from typing import Any

import pandas as pd

Rows = list[dict[str, Any]]


def profiles(
    bank: dict[str, Rows], as_of: pd.Timestamp, inactive_after_days: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Numbers by customer id, and how many records each check finds."""
    customers = _frame(bank["customers"], ["customer_id", "signed_up_at"]).dropna(subset="customer_id")
    signed_up = pd.to_datetime(customers["signed_up_at"]).groupby(customers["customer_id"]).min().sort_index()
    numbers = pd.DataFrame(index=signed_up.index)
    numbers["signup_missing"] = signed_up.isna()
    numbers["signup_in_future"] = signed_up > as_of
    numbers["days_since_signup"] = (as_of - signed_up) / pd.Timedelta(days=1)
    checks = {
        "signup_missing": int(numbers["signup_missing"].sum()),
        "signup_in_future": int(numbers["signup_in_future"].sum()),
        "without_customer": 0,
    }

    def owned(table: str, row_id: str, times: list[str]) -> pd.DataFrame:
        frame = _frame(bank[table], [row_id, "customer_id", *times])
        has_id = frame[row_id].notna()
        frame = pd.concat([frame[~has_id], frame[has_id].drop_duplicates([row_id, "customer_id"])])
        for column in times:
            frame[column] = pd.to_datetime(frame[column])
        known = frame["customer_id"].isin(numbers.index)
        checks["without_customer"] += int((~known).sum())
        return frame[known]

    def count(name: str, rows: pd.DataFrame) -> None:
        numbers[name] = rows.groupby("customer_id").size().reindex(numbers.index).fillna(0)

    def check(name: str, rows: pd.DataFrame, number: str | None = None) -> None:
        checks[name] = len(rows)
        if number is not None:
            count(number, rows)

    accounts = owned("accounts", "account_id", ["opened_at"])
    count("accounts", accounts)
    of_customer = accounts["customer_id"].map(signed_up)
    check("account_before_signup", accounts[accounts["opened_at"] < of_customer], "accounts_before_signup")
    check("account_in_future", accounts[accounts["opened_at"] > as_of], "accounts_in_future")

    devices = owned("devices", "device_id", ["registered_at", "last_used_at"])
    count("devices", devices)
    used, registered = devices["last_used_at"], devices["registered_at"]
    check("device_used_before_registered", devices[used < registered], "devices_used_before_registered")
    check("device_registered_in_future", devices[registered > as_of], "devices_registered_in_future")
    unused = used <= as_of - pd.Timedelta(days=inactive_after_days)
    check("device_inactive", devices[unused | (devices["is_active"] == False)], "inactive_devices")  # noqa: E712

    logins = owned("login_activity", "login_id", ["logged_in_at"])
    check("login_in_future", logins[logins["logged_in_at"] > as_of])
    logins = logins[logins["logged_in_at"] <= as_of].sort_values(["logged_in_at", "city"])
    failed = logins[logins["success"] == False]  # noqa: E712
    count("logins", logins)
    count("logins_30d", _last(logins, "logged_in_at", as_of, 30))
    count("failed_logins", failed)
    count("failed_logins_1d", _last(failed, "logged_in_at", as_of, 1))
    most = {customer: _most_in_a_day(rows["logged_in_at"]) for customer, rows in failed.groupby("customer_id")}
    numbers["most_failed_logins_1d"] = pd.Series(most, dtype=float).reindex(numbers.index).fillna(0)
    numbers["login_devices"] = _distinct(logins, "device_id", numbers.index)
    numbers["login_cities"] = _distinct(logins, "city", numbers.index)
    moved = {customer: _changes(rows["city"].dropna()) for customer, rows in logins.groupby("customer_id")}
    numbers["login_city_changes"] = pd.Series(moved, dtype=float).reindex(numbers.index).fillna(0)
    newest = logins.groupby("customer_id")["logged_in_at"].max().reindex(numbers.index)
    numbers["days_since_login"] = (as_of - newest) / pd.Timedelta(days=1)

    paid = owned("transactions", "transaction_id", ["transacted_at"])
    check("transaction_in_future", paid[paid["transacted_at"] > as_of])
    paid = paid[paid["transacted_at"] <= as_of]
    count("transactions", paid)
    for days in (30, 365):
        recent = _last(paid, "transacted_at", as_of, days)
        count(f"transactions_{days}d", recent)
        sums = pd.to_numeric(recent["amount"]).groupby(recent["customer_id"]).sum()
        numbers[f"amount_{days}d"] = sums.reindex(numbers.index).fillna(0)
    numbers["largest_amount"] = paid.groupby("customer_id")["amount"].max().reindex(numbers.index)
    numbers["transaction_devices"] = _distinct(paid, "device_id", numbers.index)
    numbers["transaction_cities"] = _distinct(paid, "city", numbers.index)
    newest = paid.groupby("customer_id")["transacted_at"].max().reindex(numbers.index)
    numbers["days_since_transaction"] = (as_of - newest) / pd.Timedelta(days=1)
    return numbers.astype(float), checks


def _frame(rows: Rows, columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    for column in [*columns, "city", "device_id", "success", "amount", "is_active"]:
        if column not in frame:
            frame[column] = None
    return frame


def _last(rows: pd.DataFrame, column: str, as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    return rows[rows[column] > as_of - pd.Timedelta(days=days)]


def _most_in_a_day(times: pd.Series) -> int:
    day = pd.Timedelta(days=1)
    return max(int(((times <= end) & (times > end - day)).sum()) for end in times)


def _changes(values: pd.Series) -> int:
    return int((values != values.shift()).sum()) - 1 if len(values) else 0


def _distinct(rows: pd.DataFrame, column: str, index: pd.Index) -> pd.Series:
    return rows.groupby("customer_id")[column].nunique().reindex(index).fillna(0)
