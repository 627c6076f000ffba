"""`fraud train`: trains a bundle on a file of events or a table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from cli.errors import UserError
from cli.list_option import LISTS, require_lists_of_command
from cli.progress import progress_bar
from cli.training_run import History, TrainingRun, train

if TYPE_CHECKING:
    from models.decision_budget import Budget
    from models.settings import TrainSettings

MS_PER_DAY = 86_400_000
MAP = "give it as --transactions, its columns with --mapping (fraud convert --guess proposes one)"
DATE_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@click.command(name="train")
@click.option("--events", type=click.Path(path_type=Path), help="Events in order of arrival, labels among them.")
@click.option("--transactions", type=click.Path(path_type=Path), help="Or any table of transactions, with --mapping.")
@click.option("--labels", type=click.Path(path_type=Path), help="A table of labels, if the transactions' has none.")
@click.option("--mapping", "mappings", multiple=True, type=click.Path(path_type=Path),
              help="YAML mapping of the table's columns; give a second one for --labels.")  # fmt: skip
@click.option("--train-from", type=click.DateTime(DATE_FORMATS), help="Train on transactions from this time on (UTC).")
@click.option("--train-until", type=click.DateTime(DATE_FORMATS), help="Train on transactions before this time (UTC).")
@click.option("--labels-until", type=click.DateTime(DATE_FORMATS),
              help="Time of training: labels known later are not used.  [default: the end of the data]")  # fmt: skip
@click.option("--label-delay", "label_delay_days", type=click.FloatRange(0, 3650), metavar="DAYS",
              help="A label counts from this time after its transaction on.  [default: 7]")  # fmt: skip
@click.option("--tune", "tuning_seconds", type=click.IntRange(min=1), metavar="SECONDS",
              help="Tune the trees' settings by time-ordered folds for this time.")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path), help="Folder of reference files.")
@click.option("--truth", type=click.Path(path_type=Path), help="truth.jsonl: fraud patterns for the metrics.")
@click.option("--bundle", "--out", "out", type=click.Path(path_type=Path), help="Folder of the bundle to write.")
@click.option("--name", default="default", show_default=True, help="Name of the bundle.")
@click.option(
    "--seed", default=0, show_default=True, help="Seed; the same data and seed give the same bundle, byte for byte."
)
@click.option(
    "--reasons",
    type=click.Choice(["path", "shapley"]),
    default="path",
    show_default=True,
    help="How alerts are explained: path contributions (microseconds) or exact TreeSHAP (a millisecond).",
)
@click.option("--rules", default="bank", show_default=True, help="Rules whose points are calibrated: a pack or a file.")
@LISTS
@click.option("--budget-fpr", type=click.FloatRange(0, 1), metavar="SHARE",
              help="Refer at most this share of legitimate payments.  [default: 0.0025]")  # fmt: skip
@click.option("--budget-alerts-per-day", type=click.FloatRange(min=0, min_open=True), metavar="N",
              help="Or refer at most N payments a day.")  # fmt: skip
@click.option("--cost-review", type=click.FloatRange(min=0, min_open=True), metavar="AMOUNT",
              help="Or minimise cost: cost of reviewing a payment, with --cost-stop.")  # fmt: skip
@click.option("--cost-stop", type=click.FloatRange(min=0, min_open=True), metavar="AMOUNT",
              help="Cost of stopping a legitimate payment.")  # fmt: skip
@click.option("--fixed-thresholds", metavar="R,S,H",
              help="Or no budget: risk scores above which to refer, challenge and block, e.g. 500,700,900.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Replay processes.  [default: one a core]")
@click.option("--quick", is_flag=True, help="Train a small model, for a first try.")
@click.option("--shipped", is_flag=True, help="Rebuild the shipped bundle and statistics from simulated histories.")
def command(
    events: Path | None,
    transactions: Path | None,
    labels: Path | None,
    mappings: tuple[Path, ...],
    train_from: datetime | None,
    train_until: datetime | None,
    labels_until: datetime | None,
    label_delay_days: float | None,
    tuning_seconds: int | None,
    reference: Path | None,
    truth: Path | None,
    out: Path | None,
    name: str,
    seed: int,
    reasons: Literal["path", "shapley"],
    rules: str,
    lists: Path | None,
    budget_fpr: float | None,
    budget_alerts_per_day: float | None,
    cost_review: float | None,
    cost_stop: float | None,
    fixed_thresholds: str | None,
    workers: int | None,
    quick: bool,
    shipped: bool,
) -> None:
    """Train XGBoost and an autoencoder on a replay of history, blend and calibrate them on later days, and export one
    ONNX bundle with its model card. Features are computed by the scorer's own engine. User state is built from all
    history; a period limits only the training rows. The trees' settings depend on the numbers of rows and frauds;
    thresholds are chosen on the later days, for a budget.

    \b
    fraud simulate --out history --users 2000 --days 60
    fraud train --events history/events.jsonl --reference history/reference --bundle my-bundle
    fraud train --transactions mine.parquet --mapping m.yaml --train-from 2018-07-25 --train-until 2018-08-01 --bundle b
    """
    from cli.event_input import check_events
    from models.settings import TrainSettings

    require_lists_of_command(rules, lists)
    kind = TrainSettings.quick if quick else TrainSettings
    settings = msgspec.structs.replace(kind(name=name, seed=seed), reasons=reasons)
    budget = _budget(budget_fpr, budget_alerts_per_day, cost_review, cost_stop, fixed_thresholds)
    if budget is not None:
        settings = msgspec.structs.replace(settings, budget=budget)
    if shipped:
        if any(given is not None for given in (events, transactions, labels, reference, truth, label_delay_days)):
            raise UserError("--shipped simulates its own history: omit all inputs and --label-delay")
        _train_shipped(out, settings, quick, rules, lists, workers)
        return
    if out is None or (events is None) == (transactions is None):
        raise UserError("give --bundle and either --events or --transactions with --mapping, or --shipped")
    if (train_from is None) != (train_until is None) or (labels_until is not None and train_from is None):
        raise UserError("--train-from and --train-until belong together, and --labels-until to them")
    period = None
    if train_from is not None and train_until is not None:
        known_until_ms = None if labels_until is None else _epoch_ms(labels_until)
        period = (_epoch_ms(train_from), _epoch_ms(train_until), known_until_ms)
    with TemporaryDirectory() as folder:
        if transactions is not None:
            events, converted_truth = _converted(transactions, labels, mappings, Path(folder))
            truth = truth or converted_truth
        else:
            assert events is not None
            check_events(events, MAP)
        history = History(events, reference, truth)
        delay_ms = None if label_delay_days is None else round(label_delay_days * MS_PER_DAY)
        train(TrainingRun((history,), out, settings, quick, rules, workers, period, tuning_seconds, delay_ms, lists))


def _budget(
    rate: float | None, alerts: float | None, review: float | None, stop: float | None, fixed: str | None
) -> Budget | None:
    """The budget that thresholds are chosen for; None without options. Raises UserError."""
    from models.decision_budget import AlertsPerDay, Cost, FalsePositiveRate, FixedThresholds

    if (review is None) != (stop is None):
        raise UserError("--cost-review and --cost-stop belong together")
    if sum(given is not None for given in (rate, alerts, review, fixed)) > 1:
        raise UserError("give one budget: --budget-fpr, --budget-alerts-per-day, the two costs, or --fixed-thresholds")
    if fixed is not None:
        parts = fixed.split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
            raise UserError(f"--fixed-thresholds: {fixed!r} is not three risk scores like 500,700,900")
        refer, challenge, block = (int(part) for part in parts)
        if not refer <= challenge <= block <= 1000:
            raise UserError(f"--fixed-thresholds: {fixed!r} must ascend, from 0 to 1000")
        return FixedThresholds(refer, challenge, block)
    if rate is not None:
        return FalsePositiveRate(rate)
    if alerts is not None:
        return AlertsPerDay(alerts)
    return None if review is None or stop is None else Cost(review, stop)


def _epoch_ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def _converted(
    transactions: Path, labels: Path | None, mappings: tuple[Path, ...], folder: Path
) -> tuple[Path, Path | None]:
    """Convert the tables; returns the files of events and, if the mapping names patterns, of truth."""
    from cli.convert import convert_tables, print_conversion

    inputs = (transactions,) if labels is None else (transactions, labels)
    if len(mappings) != len(inputs):
        raise UserError(
            f"{len(inputs)} tables and {len(mappings)} mappings: give one --mapping for each, in that order"
        )
    print_conversion(convert_tables(inputs, mappings, folder))
    truth = folder / "truth.jsonl"
    return folder / "events.jsonl", truth if truth.is_file() else None


def _train_shipped(
    out: Path | None, settings: TrainSettings, quick: bool, rules: str, lists: Path | None, workers: int | None
) -> None:
    from models import default_bundle
    from models.statistics import write_statistics
    from simulator.config import SimulatorConfig
    from simulator.files import write
    from simulator.generate import simulate

    with TemporaryDirectory() as folder:
        inputs = []
        for number, bank in enumerate(default_bundle.BANKS, start=1):
            history = Path(folder) / str(number)
            with progress_bar(f"simulating bank {number}") as progress:
                write(simulate(SimulatorConfig(**bank._asdict())), history, progress)
            inputs.append(History(history / "events.jsonl", history / "reference", history / "truth.jsonl"))
        run = TrainingRun(
            tuple(inputs), out or default_bundle.DEFAULT_BUNDLE, settings, quick, rules, workers, lists=lists
        )
        statistics = train(run)
        if out is None:
            write_statistics(statistics, default_bundle.DEFAULT_STATISTICS)
            click.echo(f"statistics in {default_bundle.DEFAULT_STATISTICS}")
