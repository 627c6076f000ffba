"""Writes a simulation to the tables of a bank's database, as `fraud profile-customers` reads them, with some wrong data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np
import sqlalchemy as sa

from simulator.config import DAY_MS
from simulator.generate import Simulation

TABLES = ("customers", "accounts", "devices", "login_activity", "transactions")
FAULT_SHARES = {
    "signup_missing": 0.01,
    "signup_in_future": 0.005,
    "account_before_signup": 0.01,
    "device_used_before_registered": 0.01,
    "device_registered_in_future": 0.005,
}
"""How many of the customers, accounts and devices get which wrong value."""
_SECOND_ACCOUNT_SHARE = 0.25
_FUTURE_MS = 400 * DAY_MS
_ROWS_A_WRITE = 5_000
_EPOCH = datetime(1970, 1, 1)
_FINGERPRINT = 0x70726F66  # of the random numbers, beside the simulation's own


class DatabaseExists(ValueError):
    """The database has a table of one of the names already."""


class Written(NamedTuple):
    """Rows by table, and wrong values by kind."""

    rows: dict[str, int]
    faults: dict[str, int]


def write_database(
    simulation: Simulation, engine: sa.Engine, progress: Callable[[int, int], None] = lambda done, total: None
) -> Written:
    """Make the five tables and fill them, all or nothing where the database can take back the making of tables.

    Times are UTC without a zone. Payments sent twice are in the table twice, as a source would have them. Raises
    DatabaseExists, and what SQLAlchemy raises.
    """
    metadata = sa.MetaData()
    tables = _tables(metadata)
    with engine.begin() as connection:
        there = sorted(set(sa.inspect(connection).get_table_names()) & set(TABLES))
        if there:
            raise DatabaseExists(f"the database has a table {there[0]} already: name an empty one")
        metadata.create_all(connection)
        return _fill(simulation, connection, tables, progress)


def _fill(
    simulation: Simulation,
    connection: sa.Connection,
    tables: dict[str, sa.Table],
    progress: Callable[[int, int], None],
) -> Written:
    bank = _Bank(simulation)
    waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    rows = dict.fromkeys(TABLES, 0)

    def write(name: str, row: dict[str, Any]) -> None:
        waiting[name].append(row)
        if len(waiting[name]) >= _ROWS_A_WRITE:
            flush(name)

    def flush(name: str) -> None:
        if waiting[name]:
            connection.execute(tables[name].insert(), waiting[name])
            rows[name] += len(waiting[name])
            waiting[name].clear()

    done, total = 0, len(simulation.events)
    for lines in simulation.events.chunks():
        for line in lines:
            named = bank.row_of(msgspec.json.decode(line))
            if named is not None:
                write(*named)
        done += len(lines)
        progress(done, total)
    for name, row in bank.parties():
        write(name, row)
    for name in TABLES:
        flush(name)
    return Written(rows, bank.faults)


class _Bank:
    """Turns events into rows, and remembers who used which device."""

    def __init__(self, simulation: Simulation) -> None:
        self.faults = dict.fromkeys(FAULT_SHARES, 0)
        self._users = simulation.reference.users
        self._profiles = {device.device_id: device for device in simulation.reference.devices}
        self._owners: dict[str, tuple[str, int, int]] = {}
        self._rng = np.random.default_rng([simulation.config.seed, _FINGERPRINT])
        self._end_ms = simulation.config.start_ms + simulation.config.days * DAY_MS

    def row_of(self, event: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The table and row of a transaction or login."""
        kind, time_ms, device = event.get("type", "transaction"), event["timestamp"], event.get("device_id")
        if kind not in ("transaction", "login"):
            return None
        if device is not None:
            owner, first_ms, last_ms = self._owners.get(device, (event["user_id"], time_ms, time_ms))
            self._owners[device] = (owner, min(first_ms, time_ms), max(last_ms, time_ms))
        common = {"customer_id": event["user_id"], "city": event.get("city"), "device_id": device}
        if kind == "login":
            return "login_activity", {
                "login_id": event["event_id"],
                "logged_in_at": _moment(time_ms),
                "success": event.get("success"),
                **common,
            }
        return "transactions", {
            "transaction_id": event["transaction_id"],
            "transacted_at": _moment(time_ms),
            "amount": event["amount"],
            **common,
        }

    def parties(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The customers, accounts and devices."""
        for user in self._users:
            opened_ms = user.account_opened_at or 0
            signed_up_ms: int | None = opened_ms - int(self._rng.integers(0, 30 * DAY_MS))
            if self._is_faulty("signup_missing"):
                signed_up_ms = None
            elif self._is_faulty("signup_in_future"):
                signed_up_ms = self._end_ms + _FUTURE_MS
            yield "customers", {"customer_id": user.user_id, "signed_up_at": _moment(signed_up_ms)}
            for number in range(1 + (self._rng.random() < _SECOND_ACCOUNT_SHARE)):
                later_ms = opened_ms + number * int(self._rng.integers(1, 200 * DAY_MS))
                is_early = signed_up_ms is not None and self._is_faulty("account_before_signup")
                account_ms = signed_up_ms - DAY_MS if is_early and signed_up_ms is not None else later_ms
                account = {"account_id": f"A-{user.user_id}-{number + 1}", "customer_id": user.user_id}
                yield "accounts", account | {"opened_at": _moment(min(account_ms, self._end_ms))}
        for device, (owner, first_ms, last_ms) in sorted(self._owners.items()):
            profile = self._profiles.get(device)
            registered_ms = profile.registered_at if profile is not None and profile.registered_at else first_ms
            registered_ms = min(registered_ms, first_ms)
            if self._is_faulty("device_used_before_registered"):
                registered_ms = last_ms + 1_000
            elif self._is_faulty("device_registered_in_future"):
                registered_ms = self._end_ms + _FUTURE_MS
                self.faults["device_used_before_registered"] += 1  # it is both
            is_active = profile.is_active if profile is not None else None
            yield (
                "devices",
                {
                    "device_id": device,
                    "customer_id": owner,
                    "registered_at": _moment(registered_ms),
                    "last_used_at": _moment(last_ms),
                    "is_active": is_active is not False,
                },
            )

    def _is_faulty(self, kind: str) -> bool:
        is_faulty = bool(self._rng.random() < FAULT_SHARES[kind])
        self.faults[kind] += is_faulty
        return is_faulty


def _moment(time_ms: int | None) -> datetime | None:
    return None if time_ms is None else _EPOCH + timedelta(milliseconds=time_ms)


def _tables(metadata: sa.MetaData) -> dict[str, sa.Table]:
    """Without keys, since a bank's extracts have none either; indexed by customer."""
    short = sa.String(64)

    def table(name: str, *columns: sa.Column[Any]) -> sa.Table:
        customer: sa.Column[Any] = sa.Column("customer_id", short)
        made = sa.Table(name, metadata, customer, *columns)
        sa.Index(f"{name}_of_customer", customer)
        return made

    time = sa.DateTime()
    made = (
        table("customers", sa.Column("signed_up_at", time)),
        table("accounts", sa.Column("account_id", short), sa.Column("opened_at", time)),
        table(
            "devices",
            sa.Column("device_id", short),
            sa.Column("registered_at", time),
            sa.Column("last_used_at", time),
            sa.Column("is_active", sa.Boolean),
        ),
        table(
            "login_activity",
            sa.Column("login_id", short),
            sa.Column("logged_in_at", time),
            sa.Column("success", sa.Boolean),
            sa.Column("city", short),
            sa.Column("device_id", short),
        ),
        table(
            "transactions",
            sa.Column("transaction_id", short),
            sa.Column("transacted_at", time),
            sa.Column("amount", sa.Numeric(18, 4, asdecimal=False)),
            sa.Column("city", short),
            sa.Column("device_id", short),
        ),
    )
    return {one.name: one for one in made}
