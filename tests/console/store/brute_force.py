"""What filters find, by looking at every record in memory; independent of the store."""

from __future__ import annotations

from collections.abc import Iterable

from console.store.rows import DecisionFilters, DecisionRecord, DecisionRow


def key(record: DecisionRow) -> tuple[int, str]:
    return record.event_time_ms, record.decision_id


def fits(record: DecisionRow, filters: DecisionFilters) -> bool:
    texts = [record.summary or "", *(reason.text for reason in record.reasons)]
    found = _words(" ".join(texts))
    wanted = _words(filters.text or "")
    return (
        (filters.from_ms is None or record.event_time_ms >= filters.from_ms)
        and (filters.to_ms is None or record.event_time_ms < filters.to_ms)
        and filters.user_id in (None, record.user_id)
        and filters.transaction_id in (None, record.transaction_id)
        and filters.action in (None, record.action)
        and (filters.min_score is None or record.risk_score >= filters.min_score)
        and (filters.max_score is None or record.risk_score <= filters.max_score)
        and (filters.rule is None or filters.rule in record.rules.hits)
        and filters.bundle in (None, record.model.bundle)
        and (filters.flag is None or filters.flag in record.flags)
        and (filters.tag is None or filters.tag in record.tags)
        and wanted <= found
    )


def found_by(records: Iterable[DecisionRecord], filters: DecisionFilters) -> list[tuple[int, str]]:
    """Keys, newest first."""
    return sorted((key(record) for record in records if fits(record, filters)), reverse=True)


def _words(text: str) -> set[str]:
    """Runs of letters and digits, in lower case, character by character."""
    plain = "".join(character if character.isalnum() else " " for character in text.lower())
    return set(plain.split())
