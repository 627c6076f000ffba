"""Reads a run directory: decisions, alerts, flags, dead letters, facts, and the truth if there is one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from reporting.alerts import Alerts, no_alerts, read_alerts
from reporting.dead_letters import DeadLetters, read_dead_letters
from reporting.decisions import Decisions, read_decisions
from reporting.errors import RunFilesError
from reporting.flag_notices import FlagNotices, no_flag_notices, read_flag_notices
from reporting.json_lines import Progress, no_progress
from reporting.run_facts import RunFacts, read_run_facts
from reporting.truth import Outcomes, outcomes_of, read_truth
from udfs.records.logged_features import FeatureSets

__all__ = ["Run", "RunFilesError", "read_run"]

DECISIONS = "decisions.jsonl"
ALERTS = "alerts.jsonl"
FLAG_NOTICES = "flags.jsonl"
DEAD_LETTERS = "dead_letters.jsonl"
FACTS = "run.json"
TRUTH = "truth.jsonl"


class Run(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The contents of a run directory. `outcomes` is None without truth."""

    name: str
    decisions: Decisions
    alerts: Alerts
    flag_notices: FlagNotices
    dead_letters: DeadLetters
    facts: RunFacts
    outcomes: Outcomes | None


def read_run(
    directory: Path,
    truth: Path | None = None,
    progress: Progress = no_progress,
    feature_sets: FeatureSets | None = None,
) -> Run:
    """Read a run directory. `truth` defaults to truth.jsonl in the directory; `feature_sets` names packed features.

    Takes about 90 bytes of memory a decision, independent of the length of lines. `progress` reports on the file of
    decisions. Raises RunFilesError for a missing directory or file and for an invalid line. The files of alerts, flags,
    dead letters and facts are optional, but for the alerts if a decision raised one.
    """
    if not directory.is_dir():
        raise RunFilesError(f"{directory}: no such run directory; `fraud score` makes one")
    if not (directory / DECISIONS).exists():
        raise RunFilesError(f"{directory}: not a run directory: it has no {DECISIONS}; `fraud score` makes one")
    decisions = read_decisions(directory / DECISIONS, feature_sets or {}, progress)
    if (directory / ALERTS).exists():
        alerts = read_alerts(directory / ALERTS)
    elif (decisions.action > 0).any():
        raise RunFilesError(f"{directory / ALERTS}: missing, but decisions of this run raised alerts; score again")
    else:
        alerts = no_alerts()
    has_flag_notices = (directory / FLAG_NOTICES).exists()
    has_dead_letters = (directory / DEAD_LETTERS).exists()
    if truth is None and (directory / TRUTH).exists():
        truth = directory / TRUTH
    return Run(
        name=directory.resolve().name,
        decisions=decisions,
        alerts=alerts,
        flag_notices=read_flag_notices(directory / FLAG_NOTICES) if has_flag_notices else no_flag_notices(),
        dead_letters=read_dead_letters(directory / DEAD_LETTERS) if has_dead_letters else DeadLetters(),
        facts=read_run_facts(directory / FACTS),
        outcomes=_outcomes(truth, decisions) if truth is not None else None,
    )


def _outcomes(path: Path, decisions: Decisions) -> Outcomes:
    truth = read_truth(path)
    outcomes = outcomes_of(truth, decisions.key)
    if len(decisions.key) and not outcomes.known.any():
        what = "names none of this run's transactions" if len(truth.key) else "holds neither truth lines nor labels"
        raise RunFilesError(f"{path}: {what}; give the truth of the file that was scored, or leave it out")
    return outcomes
