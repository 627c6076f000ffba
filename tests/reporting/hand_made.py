"""A run of eight transactions whose every figure can be checked by hand."""

from __future__ import annotations

from pathlib import Path

from tests.reporting.made_runs import (
    START_MS,
    dead_letter,
    decision,
    duplicate_of,
    truth_of,
    write_run,
)
from udfs.records.outputs import FlagNotice

FACTS = {
    "transactions": 8,
    "seconds": 0.5,
    "transactions_per_second": 16.0,
    "latency_ms": {"p50": 1.5, "p95": 2.5, "p99": 4.25, "p99.9": 9.0},
    "bundle": "test-1",
    "rules": "bank version 1",
    "rule_ids": ["new_device", "cash", "never_hits"],
}


def write_hand_made_run(directory: Path) -> Path:
    """Eight transactions, four of them fraud.

    number   0       1       2       3       4      5      6       7
    action   block   chall.  refer   allow   refer  allow  allow   allow
    fraud    yes     yes     yes     yes     no     no     no      not known
    pattern  burst   burst   (none)  burst
    amount   100     50      25      200     40     1      2       4
    rules    dev,cash dev    -       -       dev    -      -       cash
    """
    made = [
        decision(0, action="hard_block", risk_score=950, model_probability=0.95, rule_score=600, amount=100.0,
                 hits=["new_device", "cash"], flags=["AML", "PCI"]),
        decision(1, action="soft_challenge", risk_score=800, model_probability=0.8, rule_score=300, amount=50.0,
                 hits=["new_device"]),
        decision(2, action="refer_to_analyst", risk_score=600, model_probability=0.6, amount=25.0, late=True),
        decision(3, risk_score=100, model_probability=0.1, amount=200.0),
        decision(4, action="refer_to_analyst", risk_score=550, model_probability=0.2, rule_score=550, amount=40.0,
                 hits=["new_device"]),
        decision(5, risk_score=300, model_probability=0.3, amount=1.0, enrichment="stale"),
        decision(6, risk_score=5, model_probability=0.005, amount=2.0, stale_history=True),
        decision(7, risk_score=5, model_probability=0.005, amount=4.0, hits=["cash"], rule_score=5, flags=["KYC"]),
    ]  # fmt: skip
    truth = [truth_of(made[0], True, "burst"), truth_of(made[1], True, "burst"), truth_of(made[2], True)]
    truth += [truth_of(made[3], True, "burst")] + [truth_of(made[number], False) for number in (4, 5, 6)]
    unscored = [
        {"transaction_id": "T90", "user_id": "U0", "is_fraud": True, "pattern": "burst"},
        {"transaction_id": "T91", "user_id": "U0", "is_fraud": False, "pattern": None},
    ]
    audit = FlagNotice(
        flag_id="audit",
        user_id="U1",
        event_time_ms=START_MS,
        flags=["AUDIT"],
        reasons=["account status changed from blocked to active by system"],
        event_id="E1",
    )
    return write_run(
        directory,
        [*made, duplicate_of(made[1]), duplicate_of(made[1]), made[0]],
        truth + unscored,
        [dead_letter("empty record", b""), dead_letter("timestamp: 5 lies in the future"), dead_letter("empty record")],
        more_flags=[audit],
        facts=FACTS,
    )
