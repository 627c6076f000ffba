from __future__ import annotations

import pytest

from udfs.records.dead_letter_limit import DeadLetterLimit, DeadLetterLimitExceeded, DeadLetterLimitSettings


def feed(limit: DeadLetterLimit, records: str) -> None:
    """`x` is a dead letter, `.` is none."""
    for record in records:
        if record == "x":
            limit.record_dead_letter("amount: negative")
        else:
            limit.record_success()


def test_a_batch_counts_in_the_order_of_its_records() -> None:
    single, batched = (DeadLetterLimit(DeadLetterLimitSettings(1.0, window_records=7, minimum=4)) for _ in range(2))
    for records in ("..x.", "x", "xx..x", ".", "....xx"):
        feed(single, records)
        batched.record_batch(len(records), [(place, "why") for place, kind in enumerate(records) if kind == "x"])
        assert (batched.dead, batched.seen, batched._window) == (single.dead, single.seen, single._window)
    tight = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.5, window_records=10, minimum=4))
    with pytest.raises(DeadLetterLimitExceeded, match=r"3 of the last 4 records .* because of: third"):
        tight.record_batch(8, [(0, "first"), (2, "second"), (3, "third"), (4, "fourth")])


def test_nothing_happens_before_the_minimum_of_records() -> None:
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.5, window_records=10, minimum=4))
    feed(limit, "xxx")
    assert (limit.dead, limit.seen) == (3, 3)


def test_more_than_the_share_fails_at_the_minimum() -> None:
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.5, window_records=10, minimum=4))
    feed(limit, "xx.")
    with pytest.raises(DeadLetterLimitExceeded, match="3 of the last 4 records were dead letters"):
        feed(limit, "x")


def test_exactly_the_share_is_allowed() -> None:
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.5, window_records=10, minimum=4))
    feed(limit, ".x" * 50)
    assert (limit.dead, limit.seen) == (5, 10)


def test_only_the_newest_records_count() -> None:
    """`.` x 1000, then `xxxxxx`: the last 10 hold 4 good ones, the thousand before are forgotten."""
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.5, window_records=10, minimum=10))
    feed(limit, "." * 1_000 + "xxxxx")
    with pytest.raises(DeadLetterLimitExceeded, match="6 of the last 10"):
        feed(limit, "x")


def test_old_dead_letters_leave_the_window() -> None:
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.5, window_records=4, minimum=4))
    feed(limit, "..xx" + "...." + "xx")
    assert (limit.dead, limit.seen) == (2, 4)


def test_a_ratio_of_one_never_fails() -> None:
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=1.0, window_records=5, minimum=1))
    feed(limit, "x" * 100)
    assert limit.dead == 5


def test_the_message_is_one_line_however_long_the_reason() -> None:
    limit = DeadLetterLimit(DeadLetterLimitSettings(max_ratio=0.1, window_records=1, minimum=1))
    with pytest.raises(DeadLetterLimitExceeded) as failure:
        limit.record_dead_letter("line\nbreak " + "y" * 10_000)
    message = str(failure.value)
    assert "because of: line break yyy" in message
    assert "\n" not in message
    assert len(message) < 500
