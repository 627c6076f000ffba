"""Erases a person, for the API and the pages: what decides forgets the user, then the store removes all of it."""

from __future__ import annotations

import asyncio
import secrets

from console.api.services import Services
from console.api.shapes import ErasureAnswer
from console.store.rows import AuditEntry
from udfs.records.events import Erasure


async def erase_everywhere(services: Services, user_id: str, who: str) -> ErasureAnswer:
    """Erase a user of a valid id; audited, without that id. A repeat does it again.

    Raises AnswersError and StoreUnavailable.
    """
    now_ms = services.now_ms()
    erasure = Erasure(event_id=f"erasure-{secrets.token_hex(8)}", user_id=user_id, timestamp=now_ms)
    if services.forget is not None:
        await services.forget(erasure)  # first: the store would get records of the user from it
    store = services.store
    erased = await asyncio.to_thread(store.erase_user, user_id, now_ms)
    entry = AuditEntry(at_ms=now_ms, who=who, what="user erased", subject=erasure.event_id, after=dict(erased.counts))
    await asyncio.to_thread(store.audit, entry)
    held = await asyncio.to_thread(services.held, now_ms)
    return ErasureAnswer(
        event_id=erasure.event_id, is_forgotten=services.forget is not None, removed=erased.counts, held=held
    )
