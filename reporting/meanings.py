"""Definitions of the report's terms, shared by the terminal and the page."""

from __future__ import annotations

import msgspec


class Meaning(msgspec.Struct, frozen=True):
    """A term and its definition; `needs_truth`: shown only if the truth is known."""

    term: str
    meaning: str
    needs_truth: bool = True


MEANINGS = (
    Meaning("stopped", "any action but allow", needs_truth=False),
    Meaning("caught, missed", "fraud that was stopped, fraud that was allowed"),
    Meaning("precision", "share of what was stopped that was fraud"),
    Meaning("recall", "share of the fraud that was caught (of a rule: detection)"),
    Meaning("F1", "harmonic mean of the two"),
    Meaning("FPR", "false-positive rate, the share of legitimate transactions that were stopped"),
    Meaning("AUC", "probability that a fraud scores above a legitimate transaction, 0.5 for random scores"),
    Meaning("AP", "average precision, the share of fraud for random scores"),
    Meaning("recall at 1% FPR", "recall at the threshold that stops 1% of the legitimate transactions"),
    Meaning(
        "CP@100",
        "card precision, the share of the day's 100 highest-scored users who are defrauded that day, averaged over days, "
        "without users found on earlier days (best list: the upper bound, from the truth)",
    ),
    Meaning("Brier score", "mean squared difference of probability and truth, 0 is perfect"),
    Meaning("calibration error", "mean distance between the predicted and the observed share of fraud, by risk score"),
    Meaning("coverage", "share of the model's importance that was known of a transaction", needs_truth=False),
    Meaning("unusual", "referred only because it is unlike legitimate payments", needs_truth=False),
    Meaning("trigger rate", "share of transactions on which a rule hit", needs_truth=False),
    Meaning(
        "late", "more than 24 h behind the user's newest event: scored, but counted in no window", needs_truth=False
    ),
    Meaning("duplicate", "a transaction received again, not scored twice", needs_truth=False),
    Meaning("repeated", "a decision written again after a restart, counted once", needs_truth=False),
    Meaning("dead letter", "a record that could not be processed, kept with its reason", needs_truth=False),
)
