"""`fraud parity`: are logged features those that the transaction log gives?"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar
from cli.scoring_run import CONFIG_FILE, OUTPUT_FILES

if TYPE_CHECKING:
    from jobs.config import JobConfig
    from models.parity import ParityReport

UNEQUAL = 1


@click.command(name="parity")
@click.argument("run_dir", required=False, type=click.Path(path_type=Path))
@click.option(
    "--config", "file", type=click.Path(path_type=Path), help="The job's config; RUN_DIR/job.yaml by default."
)
@click.option("--decisions", "logged", multiple=True, type=click.Path(path_type=Path),
              help="File of decisions, or a folder of the files sink; may be given again. RUN_DIR's, or the config's "
              "Kafka topic, by default.")  # fmt: skip
@click.option("--events", type=click.Path(path_type=Path), help="Log of events, in place of the config's source.")
@click.option("--reference", type=click.Path(path_type=Path),
              help="Folder of profiles and histories, in place of the config's (a remote store needs it).")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: the cores there are]")
@click.option("--out", type=click.Path(path_type=Path), help="JSON report; RUN_DIR/parity.json by default.")
def command(
    run_dir: Path | None,
    file: Path | None,
    logged: tuple[Path, ...],
    events: Path | None,
    reference: Path | None,
    workers: int | None,
    out: Path | None,
) -> None:
    """Replay the transaction log through the engine that serves, and compare every feature of every decision with the
    one that was logged: equal float64, unknown only where unknown. Exit code 0: all equal; 1: not; 2: not comparable.

    Restarts, parallelism and repeated lines of an at-least-once sink make no difference. Where a decision's enrichment
    was stale or degraded, what a store could not tell at that moment may differ; the report counts those apart.

    \b
    fraud parity out/score
    fraud parity --config job.yaml --decisions out/decisions --events events.jsonl
    fraud parity --config deploy/conf/kafka.yaml --out parity.json
    """
    from cli.parity_table import show_parity
    from jobs.config_errors import ConfigError
    from models.event_files import EventFileError
    from models.processes import WorkerDied, cores
    from udfs.fx_file import FxFileError
    from udfs.stores.port import StoreError

    if run_dir is None and file is None:
        raise UserError("give the directory of a run, or --config and what is not in it")
    file = file or (run_dir or Path()) / CONFIG_FILE
    if out is None and run_dir is not None:
        out = run_dir / "parity.json"
    try:
        with TemporaryDirectory() as folder:
            report = _compare(file, run_dir, logged, events, reference, workers or cores(), Path(folder))
        if out is not None:
            _write(report, out)
    except (ConfigError, EventFileError, StoreError, FxFileError, WorkerDied) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from None
    show_parity(report)
    if out is not None:
        click.echo(f"report: {out}")
    if not report.is_equal:
        click.get_current_context().exit(UNEQUAL)


def _compare(
    file: Path,
    run_dir: Path | None,
    logged: tuple[Path, ...],
    events: Path | None,
    reference: Path | None,
    workers: int,
    folder: Path,
) -> ParityReport:
    import msgspec

    from jobs.recorded_run import load_recorded
    from jobs.scoring_settings import scorer_config, scorer_paths
    from models.parity import compare

    config = load_recorded(file, events)
    scorer, paths = scorer_config(config), scorer_paths(config)
    notes = []
    if paths.store is not None:
        if reference is None:
            raise UserError(
                f"{file}: profiles and histories came from a remote store, which tells only what it holds now; "
                "give --reference, the folder that it was filled from"
            )
        notes.append("profiles and histories are the reference folder's, not those that the remote store held then")
    paths = msgspec.structs.replace(paths, store=None, reference=str(reference) if reference else paths.reference)
    files = _decision_files(config, run_dir, logged, folder)
    log = _events(config, scorer.future_tolerance_ms, folder)
    report = compare(log, files, scorer, paths, workers, progress_bar)
    report.notes = notes + _notes(report, Path(paths.bundle))
    return report


def _decision_files(config: JobConfig, run_dir: Path | None, logged: tuple[Path, ...], folder: Path) -> list[Path]:
    """The files that were given, the parts of the folders that were given, the run's, or the Kafka topic as a file."""
    from jobs.kafka_dump import dump_records
    from jobs.kafka_settings import KafkaSink

    if not logged and run_dir is not None:
        logged = (run_dir / OUTPUT_FILES["decisions"],)
    if logged:
        return [file for path in logged for file in (_parts(path) if path.is_dir() else [path])]
    sink = next((sink for sink in config.sinks if isinstance(sink, KafkaSink)), None)
    if sink is None:
        raise UserError("no Kafka topic of decisions in the config: give --decisions")
    path = folder / OUTPUT_FILES["decisions"]
    with progress_bar("reading the decisions' topic") as progress:
        dump_records(sink.connection, sink.topic_names["decisions"], path, progress)
    return [path]


def _parts(folder: Path) -> list[Path]:
    """Finished files of a files sink: of its folder, or of `decisions` in it."""
    inner = folder / "decisions"
    place = inner if inner.is_dir() else folder
    parts = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    if not parts:
        raise UserError(f"{place}: holds no decisions; files appear with a checkpoint or at the end of the input")
    return parts


def _events(config: JobConfig, future_tolerance_ms: int, folder: Path) -> Path:
    from jobs.aws_settings import KinesisSource
    from jobs.kafka_dump import dump_events
    from jobs.kafka_settings import KafkaSource

    if isinstance(config.source, KinesisSource):
        raise UserError("source: kinesis: streams are not read here: give their events as a file with --events")
    if not isinstance(config.source, KafkaSource):
        return Path(config.source.path)
    path = folder / "events.jsonl"
    with progress_bar("reading the events' topics") as progress:
        dump_events(config.source, future_tolerance_ms, path, progress)
    return path


def _notes(report: ParityReport, bundle: Path) -> list[str]:
    """What besides the engine can make a difference, and does not show in the figures."""
    from udfs.bundle import BundleError, read_manifest

    notes = []
    try:
        manifest = read_manifest(bundle)
    except BundleError as error:
        raise UserError(str(error)) from None
    other = manifest.feature_set_version
    if manifest.version in report.bundles and other != report.feature_set_version:
        notes.append(
            f"feature sets differ: {report.bundles[manifest.version]:,} decisions are of bundle {manifest.version}, feature "
            f"set {other}; this software computes {report.feature_set_version}"
        )
    unknown = sorted(report.bundles.keys() - {manifest.version})
    if unknown:
        notes.append(
            f"decisions of bundles that the config does not name ({', '.join(unknown)}): their feature sets are compared "
            "by the features' names only"
        )
    if report.live_block_list:
        notes.append("the block list was changed by the control stream: the replay knows the start-up's list only")
    return notes


def _write(report: ParityReport, out: Path) -> None:
    import msgspec

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
