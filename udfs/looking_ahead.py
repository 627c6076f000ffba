"""What can be done for many records at once before they are taken one by one: one round trip to the store."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from udfs.codec import BadRecord, decode_event
from udfs.events import Event, Transaction
from udfs.feature_engine import FeatureEngine

_log = logging.getLogger(__name__)


def look_ahead(
    engine: FeatureEngine, payloads: Sequence[bytes | None], unknown_codes: dict[str, int] | None = None
) -> list[Event | BadRecord | None]:
    """What `Scorer.take` may be given with each of these records; None where it is to find out itself.

    Codes that features do not know are counted in `unknown_codes`. Raises nothing: what fails here the records meet one
    by one.
    """
    events: list[Event | BadRecord | None] = [None] * len(payloads)
    if not engine.enrichment.reads_ahead:
        return events
    for place, payload in enumerate(payloads):
        try:
            events[place] = decode_event(payload or b"", unknown_codes)
        except BadRecord as error:
            events[place] = error
        except Exception as unexpected:
            _log.error("unexpected error while decoding ahead", exc_info=unexpected)
    try:
        engine.read_ahead([event for event in events if type(event) is Transaction])
    except Exception as unexpected:
        _log.error("unexpected error while reading ahead", exc_info=unexpected)
    return events
