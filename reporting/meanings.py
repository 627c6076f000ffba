"""What each number means, said once for the terminal and the page."""

from __future__ import annotations

import msgspec


class Meaning(msgspec.Struct, frozen=True):
    """A term and its meaning; some make sense only where the truth is known."""

    term: str
    meaning: str
    needs_truth: bool = True


MEANINGS = (
    Meaning("stopped", "any action but allow", needs_truth=False),
    Meaning("caught, missed", "a fraud that was stopped, that was allowed"),
    Meaning("precision", "share of what was stopped that was fraud"),
    Meaning("recall", "share of the fraud that was caught (of a rule: detection)"),
    Meaning("F1", "harmonic mean of the two"),
    Meaning("FPR", "false-positive rate, the share of legitimate transactions that were stopped"),
    Meaning("AUC", "chance that a fraud scores above a legitimate transaction, 0.5 is guessing"),
    Meaning("AP", "average precision from the highest score down, guessing gives the share of fraud"),
    Meaning("recall at 1% FPR", "fraud caught if the threshold were such that 1% of the legitimate were stopped"),
    Meaning(
        "CP@100",
        "card precision, the share of the day's 100 highest-scored users who are defrauded that day, averaged over days, "
        "users once found left out (best list: made with the truth)",
    ),
    Meaning("Brier score", "mean squared distance of probability and truth, 0 is perfect"),
    Meaning("calibration error", "mean distance between the predicted and the observed share of fraud, by risk score"),
    Meaning("coverage", "share of what the model looks at that was known of a transaction", needs_truth=False),
    Meaning("unusual", "referred since it is unlike legitimate payments, with no known pattern", needs_truth=False),
    Meaning("trigger rate", "share of transactions on which a rule hit", needs_truth=False),
    Meaning("late", "more than a day behind the user's newest, scored but in no window", needs_truth=False),
    Meaning("duplicate", "a transaction that came again, not scored twice", needs_truth=False),
    Meaning("repeated", "a decision written again after a restart, counted once", needs_truth=False),
    Meaning("dead letter", "a record that is no event, kept with its reason", needs_truth=False),
)
