"""How many payments of the store a named list would have hit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from sqlalchemy import and_, func, select

from console.store.engine import Database
from console.store.tables import decisions, events
from udfs.records.events import Event, Transaction
from udfs.rules.list_hits import ListHitCounter
from udfs.rules.named_lists import NamedList
from udfs.values.time_units import DAY_MS

DAYS = 30
MOST_PAYMENTS = 100_000
MOST_SECONDS = 5.0
ROWS_AT_ONCE = 2_000
_decode_event = msgspec.json.Decoder(Event).decode


class StoreHits(NamedTuple):
    """`hits` of the newest `payments` within DAYS before the newest one. `is_cut`: there are more. `fields`: looked at."""

    hits: int
    payments: int
    is_cut: bool
    fields: tuple[str, ...]


def hits_over_store(database: Database, named_list: NamedList, monotonic: Callable[[], float]) -> StoreHits:
    """Looks at the newest first, and stops after MOST_PAYMENTS or MOST_SECONDS. Payments whose events the store does not
    have are left out. Raises ListError for a list that may be compared with any text, StoreUnavailable."""
    counter = ListHitCounter(named_list)
    of_decision, of_event = decisions.c, events.c
    end, count, is_cut = monotonic() + MOST_SECONDS, 0, False
    with database.read() as connection:
        newest = int(connection.execute(select(func.max(of_decision.event_time_ms))).scalar() or 0)
        statement = (
            select(of_event.body)
            .join_from(
                decisions,
                events,
                and_(
                    of_event.user_id == of_decision.user_id,
                    of_event.event_type == "transaction",
                    of_event.at_ms == of_decision.event_time_ms,
                    of_event.event_id == of_decision.transaction_id,
                ),
                isouter=True,
            )
            .where(of_decision.event_time_ms > newest - DAYS * DAY_MS)
            .order_by(of_decision.event_time_ms.desc(), of_decision.decision_id.desc())
            .limit(MOST_PAYMENTS + 1)
        )
        rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement).scalars()
        for body in rows:
            if count == MOST_PAYMENTS or (count % ROWS_AT_ONCE == 0 and count and monotonic() > end):
                is_cut = True
                break
            count += 1
            event = None if body is None else _decode_event(body)
            if isinstance(event, Transaction):
                counter.add(event)
        rows.close()
    found = counter.of_last(DAYS + 1)
    return StoreHits(0 if found is None else found.hits, 0 if found is None else found.payments, is_cut, counter.fields)
