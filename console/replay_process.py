"""The process that replays one decision, started by console.replay_desk: standard input has the order, standard output gets
the verdict as JSON."""

from __future__ import annotations

import os
import pickle
import signal
import sys

import msgspec

from console.replay_orders import Differing, ReplayOrder, ReplaySource, Verdict
from console.store.replaying import TooManyEvents, events_of_user, recorded_decision
from console.store.store import DecisionStore
from jobs.config.errors import ConfigError
from jobs.config.job import NoControl
from jobs.control.channel import ChannelError
from jobs.control.opening import open_channel
from models.control_in_force import named_by, named_elements, put_in_force
from models.decision_replay import Difference, ReplayError, differences, recorded_features, rederive
from udfs.control.elements import ControlElement, ControlError
from udfs.records.logged_features import FeaturesError
from udfs.scoring.factory import OPENING_ERRORS
from udfs.scoring.feature_sets import feature_sets_of

NICENESS = 5
"""Answers and pages come first."""
MOST_EVENTS = 400_000
_EXPECTED = (ReplayError, FeaturesError, ControlError, ConfigError, ChannelError, *OPENING_ERRORS)


def main() -> None:
    """Answer the order of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the console's, which ends this process
    os.nice(NICENESS)
    order: ReplayOrder = pickle.load(sys.stdin.buffer)
    signal.alarm(order.limit_seconds)  # ends it also where the console has gone
    store = DecisionStore.open_existing(order.store_url)
    try:
        verdict = verdict_of(store, order)
    finally:
        store.close()
    sys.stdout.buffer.write(msgspec.json.encode(verdict))


def verdict_of(store: DecisionStore, order: ReplayOrder) -> Verdict:
    """Derive a decision of the store again, and compare it with what was recorded. Raises StoreUnavailable."""
    config, paths, _ = order.source
    row = store.decision(order.decision_id)
    if row is None:
        return Verdict(cannot="the store does not have the decision any more: it was removed by age or with its user")
    if paths.store is not None:
        return Verdict(
            cannot="profiles and histories came from a remote store, which has only present values; use `fraud replay "
            "--store … --config … --reference FOLDER` with the folder that it was loaded from"
        )
    try:
        lines = events_of_user(store.database, row.user_id, row.event_time_ms, row.transaction_id, MOST_EVENTS)
    except TooManyEvents:
        return Verdict(cannot=f"the user has more than {MOST_EVENTS:,} events; use `fraud replay --store`")
    if not lines:
        return Verdict(
            cannot="the store does not have the event of this payment: the log of events was not read into it, or it was "
            "removed by age or with its user"
        )
    recorded = recorded_decision(row)
    notes = ["The store has the user's events by their time, not in order of arrival."]
    try:
        elements = _published(order.source, named_by(recorded, paths), notes)
        derived = rederive(lines, row.user_id, config, paths, "store", put_in_force(elements))
        feature_sets = feature_sets_of([paths.bundle])
        found = differences(recorded, derived.decision, feature_sets)
        features = recorded_features(recorded, feature_sets)
    except _EXPECTED as error:
        return Verdict(cannot=str(error))
    if features is None:
        notes.append("The decision was recorded without features, so they could not be compared.")
    return Verdict(
        differences=[_told(one) for one in found], events=len(lines), notes=notes,
        features=None if features is None else len(features),
    )  # fmt: skip


def _published(source: ReplaySource, named: dict[str, int], notes: list[str]) -> list[ControlElement]:
    """The published elements of these versions. Raises ChannelError and ConfigError."""
    if not named:
        return []
    missing = f"The decision names control versions {', '.join(f'{kind} {version}' for kind, version in named.items())}"
    if source.job is None or isinstance(source.job.control, NoControl):
        notes.append(f"{missing}, and this console has no control stream.")
        return []
    records = open_channel(source.job.control).read()
    elements, lacking = named_elements((record.element for record in records), named)
    if lacking:
        notes.append(f"{missing}; the control stream does not have {', '.join(sorted(lacking))}.")
    return elements


def _told(difference: Difference) -> Differing:
    return Differing(name=difference.name, recorded=difference.recorded, derived=difference.derived)


if __name__ == "__main__":
    main()
