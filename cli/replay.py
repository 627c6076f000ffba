"""`fraud replay`: re-derives one decision from the log, and shows it beside what was recorded."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import UserError

DIFFERENT = 1


@click.command(name="replay")
@click.option("--transaction", "transaction_id", required=True, metavar="ID", help="The transaction.")
@click.option("--user", "user_id", metavar="ID", help="Its user, where several have a transaction of this id.")
@click.option("--run", "run_folder", type=click.Path(path_type=Path), help="Folder of `fraud score`, such as out/demo.")
@click.option("--log", "log", type=click.Path(path_type=Path), help="File of events, in order of arrival.")
@click.option(
    "--store", "store_url", metavar="URL", help="Decision store: the user's events and the decision are from it."
)
@click.option("--decisions", "decisions", multiple=True, type=click.Path(path_type=Path),
              help="With --log: file or folder of decisions; may be given again.")  # fmt: skip
@click.option("--config", "config_file", type=click.Path(path_type=Path),
              help="The job's configuration; of a run its own. Its control stream has what was published.")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path),
              help="Folder of profiles and histories, in place of the config's (a remote store needs it).")  # fmt: skip
@click.option("--with", "others", multiple=True, type=click.Path(path_type=Path),
              help="A rule file or a bundle's folder: show what the decision would be with it.")  # fmt: skip
@click.option("--rules", "all_rules", is_flag=True, help="Show all rules, not only those that hit now or then.")
@click.option("--features", "all_features", is_flag=True, help="List all features.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of text.")
def command(
    transaction_id: str,
    user_id: str | None,
    run_folder: Path | None,
    log: Path | None,
    store_url: str | None,
    decisions: tuple[Path, ...],
    config_file: Path | None,
    reference: Path | None,
    others: tuple[Path, ...],
    all_rules: bool,
    all_features: bool,
    html: Path | None,
    as_json: bool,
) -> None:
    """Re-derive the decision on one payment from the log by the job's scorer, and show it beside what was recorded.

    It shows windows on a time line, features, each rule part by part with its values, the model's parts, and the versions
    in force. Every difference is named. Exit code 0: the same as recorded; 1: different; 2: it cannot be re-derived.

    Rules, thresholds, bundle and block list are those that the recorded decision names; those that were published are read
    from the control stream of the configuration.

    \b
    fraud replay --run out/demo --transaction T000123 --html replay.html
    fraud replay --log events.jsonl --decisions out/decisions --config job.yaml --transaction T000123
    fraud replay --run out/demo --transaction T000123 --with new-rules.yaml --with /models/2026-02
    """
    if sum(option is not None for option in (run_folder, log, store_url)) != 1:
        raise UserError("give one of --run, --log and --store: where the events are")
    from cli.replay_inputs import ReplayInputs, derive, inputs_of
    from models.decision_replay import ReplayError, differences
    from models.event_files import EventFileError
    from reporting.replayed_page import write_replay
    from reporting.replayed_text import replay_lines
    from udfs.control.elements import ControlError
    from udfs.records.logged_features import FeaturesError
    from udfs.scoring.factory import OPENING_ERRORS

    try:
        inputs: ReplayInputs = inputs_of(
            transaction_id, user_id, run_folder, log, store_url, decisions, config_file, reference
        )
        derived = derive(inputs)
        today = derive(inputs, others) if others else None
        recorded = inputs.recorded
        found = [] if recorded is None else differences(recorded, derived.decision, inputs.feature_sets)
    except (ReplayError, EventFileError, FeaturesError, ControlError, *OPENING_ERRORS) as error:
        raise UserError(str(error)) from None
    for note in inputs.notes:
        click.echo(f"note: {note}", err=True)
    views = derived.views(None if recorded is None else recorded.rules.hits, all_rules)
    if as_json:
        click.echo(_as_json(recorded, derived, views, found, today))
    else:
        for line in replay_lines(
            recorded, derived, views, found, today, list(derived.features) if all_features else ()
        ):
            click.echo(line)
    if html is not None:
        try:
            write_replay(html, recorded, derived, views, found, today)
        except OSError as error:
            raise UserError(f"{html}: cannot be written: {error.strerror}") from None
    if found:
        click.get_current_context().exit(DIFFERENT)


def _as_json(recorded: object, derived: object, views: object, found: object, today: object) -> str:
    import msgspec

    from models.decision_replay import Derived

    assert isinstance(derived, Derived)
    page = {
        "recorded": recorded,
        "derived": derived.decision,
        "would_be": today.decision if isinstance(today, Derived) else None,
        "moments": derived.moments,
        "rules": views,
        "differences": found,
    }
    return msgspec.json.encode(page).decode()
