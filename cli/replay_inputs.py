"""What the replay of one decision needs: the user's records, the recorded decision, and the versions in force then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from cli.decision_input import decision_files, lines_of_files
from cli.errors import UserError
from cli.feature_sets import feature_sets_of_bundles
from cli.scoring_run import CONFIG_FILE, OUTPUT_FILES
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig, NoControl
from jobs.config.loading import parse_config
from jobs.config.recorded_run import load_recorded
from jobs.config.running_job import load_running_job
from jobs.config.scoring import scorer_config, scorer_paths
from models.control_in_force import named_by, named_elements, put_in_force
from models.decision_replay import Derived, ReplayError, id_of, rederive, user_lines
from models.event_files import lines_of
from udfs.control.elements import BUNDLE, GUARDRAIL, RULES, ControlElement
from udfs.records.logged_features import FeatureSets
from udfs.records.outputs import Decision, decode_result
from udfs.scoring.settings import ScorerConfig, ScorerPaths

OF_RULES = {RULES: GUARDRAIL}
"""Elements that are about one version of the rules."""


class ReplayInputs(NamedTuple):
    """`lines`: the user's records up to the transaction, in order of arrival. `recorded`: None where no decision is known.
    `published`: elements of the control stream that were in force. `notes`: what may make a difference."""

    user_id: str
    lines: list[bytes]
    recorded: Decision | None
    config: ScorerConfig
    paths: ScorerPaths
    published: list[ControlElement]
    feature_sets: FeatureSets
    source: str
    notes: list[str]


def inputs_of(
    transaction_id: str,
    user_id: str | None,
    run_folder: Path | None,
    log: Path | None,
    store_url: str | None,
    decisions: Sequence[Path],
    config_file: Path | None,
    reference: Path | None,
) -> ReplayInputs:
    """Find all of it. Raises UserError, ReplayError, EventFileError."""
    if run_folder is not None:
        config_file = config_file or run_folder / CONFIG_FILE
        decisions = decisions or (run_folder / OUTPUT_FILES["decisions"],)
    config = _config(config_file, log)
    scorer, paths = scorer_config(config), scorer_paths(config)
    notes: list[str] = []
    if config_file is None:
        notes.append(
            "without --config this is what the default configuration decides, and without profiles unless --reference "
            "is given: a difference may come from that alone"
        )
    if paths.store is not None:
        if reference is None:
            raise UserError(
                f"{config_file}: profiles and histories came from a remote store, which has only present values; "
                "give --reference, the folder that it was loaded from"
            )
        notes.append("profiles and histories are from the reference folder, not from the remote store of the job")
    if reference is not None:
        paths = msgspec.structs.replace(paths, store=None, reference=str(reference))
    if store_url is not None:
        user, lines, from_store, source = _from_store(store_url, transaction_id, user_id)
        recorded: Decision | None = from_store
        notes.append("the store has the user's events by their time, not in order of arrival")
    else:
        with TemporaryDirectory() as folder:
            events = log if log is not None else _events(config, scorer, Path(folder))
            user, lines = user_lines(lambda: lines_of(events), transaction_id, user_id)
        source = str(log or config.source.kind)
        recorded = _recorded(decisions, id_of(user, transaction_id))
    published = [] if recorded is None else _published(config_file, named_by(recorded, paths), notes)
    return ReplayInputs(
        user, lines, recorded, scorer, paths, published, feature_sets_of_bundles([Path(paths.bundle)]), source, notes
    )


def derive(inputs: ReplayInputs, others: Sequence[Path] = ()) -> Derived:
    """Re-derive the decision with what was in force, or with other rules or another bundle in place of it.

    Raises ReplayError, ControlError, OPENING_ERRORS.
    """
    paths, published, rules = inputs.paths, list(inputs.published), None
    for other in others:
        kind = BUNDLE if other.is_dir() else RULES
        published = [
            element for element in published if element.key.partition("/")[0] not in (kind, OF_RULES.get(kind))
        ]
        if kind == BUNDLE:
            paths = msgspec.structs.replace(paths, bundle=str(other))
        else:
            rules = str(other)
    return rederive(inputs.lines, inputs.user_id, inputs.config, paths, inputs.source, put_in_force(published, rules))


def _config(config_file: Path | None, log: Path | None) -> JobConfig:
    try:
        if config_file is not None:
            return load_recorded(config_file, log)
        # With a store nothing reads this source, which must still be a file.
        source = {"kind": "file", "path": str(log) if log is not None else __file__}
        return parse_config({"source": source, "sinks": [{"kind": "discard"}]}, "fraud replay")
    except ConfigError as error:
        raise UserError(str(error)) from None


def _events(config: JobConfig, scorer: ScorerConfig, folder: Path) -> Path:
    from cli.parity import recorded_events

    return recorded_events(config, scorer.admission, folder)


def _recorded(decisions: Sequence[Path], decision_id: str) -> Decision | None:
    """The first decision with this id. Raises UserError for a file that cannot be read."""
    wanted = decision_id.encode()
    for line in lines_of_files(decision_files(decisions)):
        if wanted in line.value:
            record = _decoded(line.value)
            if isinstance(record, Decision) and record.decision_id == decision_id:
                return record
    return None


def _decoded(line: bytes) -> Any:
    try:
        return decode_result(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _from_store(url: str, transaction_id: str, user_id: str | None) -> tuple[str, list[bytes], Decision, str]:
    from cli.console_keys import opened
    from console.store.replaying import events_of_user, recorded_decision
    from console.store.rows import DecisionFilters

    with opened(url) as store:
        found = store.decisions(DecisionFilters(transaction_id=transaction_id, user_id=user_id)).items
        if not found:
            raise ReplayError(f"the store has no decision on transaction {transaction_id}")
        users = sorted({row.user_id for row in found})
        if len(users) > 1:
            raise ReplayError(
                f"transaction {transaction_id} is of {len(users)} users ({', '.join(users[:5])}): give --user"
            )
        row = store.decision(found[0].decision_id)
        assert row is not None
        lines = events_of_user(store.database, row.user_id, row.event_time_ms, transaction_id)
    if not lines:
        raise ReplayError(f"the store does not have the event of transaction {transaction_id}: give --log")
    return row.user_id, lines, recorded_decision(row), url


def _published(config_file: Path | None, named: dict[str, int], notes: list[str]) -> list[ControlElement]:
    """The published elements of these versions, of the block list all up to its version."""
    if not named:
        return []
    missing = f"the decision names control versions {', '.join(f'{kind} {version}' for kind, version in named.items())}"
    if config_file is None:
        notes.append(f"{missing}: give --config, whose control stream has them")
        return []
    from jobs.control.channel import ChannelError
    from jobs.control.opening import open_channel

    try:
        job = load_running_job(config_file)
        if isinstance(job.control, NoControl):
            notes.append(f"{missing}, and {config_file} has no control stream")
            return []
        records = open_channel(job.control).read()
    except (ConfigError, ChannelError) as error:
        raise UserError(str(error)) from None
    found, lacking = named_elements((record.element for record in records), named)
    if lacking:
        notes.append(f"{missing}; the control stream does not have {', '.join(sorted(lacking))}")
    return found
