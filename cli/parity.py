"""`fraud parity`: compares logged features with features recomputed from the events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cli.decision_input import decision_files
from cli.errors import UserError
from cli.progress import progress_bar
from cli.scoring_run import CONFIG_FILE, OUTPUT_FILES

if TYPE_CHECKING:
    from jobs.config.job import JobConfig
    from models.parity import ParityReport
    from udfs.records.admission_settings import AdmissionSettings
    from udfs.records.event_decoder import EventDecoder

UNEQUAL = 1


@click.command(name="parity")
@click.argument("run_dir", required=False, type=click.Path(path_type=Path))
@click.option(
    "--config", "file", type=click.Path(path_type=Path), help="The job's config; RUN_DIR/job.yaml by default."
)
@click.option("--decisions", "logged", multiple=True, type=click.Path(path_type=Path),
              help="File of decisions, or a folder of the files sink; may be given again. RUN_DIR's, or the config's "
              "Kafka topic, by default.")  # fmt: skip
@click.option("--events", type=click.Path(path_type=Path), help="Log of events, in place of the config's source (and of "
              "its mapping).")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path),
              help="Folder of profiles and histories, in place of the config's (a remote store needs it).")  # fmt: skip
@click.option("--bundle", "earlier_bundles", multiple=True, type=click.Path(path_type=Path), help="A bundle of an "
              "earlier feature set under which decisions are packed; may be given again.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), help="Replay processes.  [default: one a core]")
@click.option("--out", type=click.Path(path_type=Path), help="JSON report; RUN_DIR/parity.json by default.")
def command(
    run_dir: Path | None,
    file: Path | None,
    logged: tuple[Path, ...],
    events: Path | None,
    reference: Path | None,
    earlier_bundles: tuple[Path, ...],
    workers: int | None,
    out: Path | None,
) -> None:
    """Replay the events through the scorer and compare every feature of every decision with the logged one: equal as
    float64, or both unknown. Exit code 0: all equal; 1: mismatches; 2: not comparable.

    The result does not depend on restarts, parallelism or repeated lines of an at-least-once sink. Features of decisions
    with stale or degraded enrichment may differ; the report counts these separately.

    \b
    fraud parity out/score
    fraud parity --config job.yaml --decisions out/decisions --events events.jsonl
    fraud parity --config deploy/conf/kafka.yaml --out parity.json
    """
    from cli.parity_table import show_parity
    from jobs.config.errors import ConfigError
    from models.event_files import EventFileError
    from models.processes import WorkerDied, cores
    from udfs.scoring.bundle import BundleError
    from udfs.stores.port import StoreError
    from udfs.values.fx_rates import FxFileError

    if run_dir is None and file is None:
        raise UserError("give the directory of a run, or --config and the inputs that it does not name")
    file = file or (run_dir or Path()) / CONFIG_FILE
    if out is None and run_dir is not None:
        out = run_dir / "parity.json"
    try:
        with TemporaryDirectory() as folder:
            report = _compare(
                file, run_dir, logged, events, reference, earlier_bundles, workers or cores(), Path(folder)
            )
        if out is not None:
            _write(report, out)
    except (BundleError, ConfigError, EventFileError, StoreError, FxFileError, WorkerDied) as error:
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
    earlier_bundles: tuple[Path, ...],
    workers: int,
    folder: Path,
) -> ParityReport:
    import msgspec

    from jobs.config.recorded_run import load_recorded
    from jobs.config.scoring import scorer_config, scorer_paths
    from models.parity import compare

    config = load_recorded(file, events)
    scorer, paths = scorer_config(config), scorer_paths(config)
    notes = []
    if paths.store is not None:
        if reference is None:
            raise UserError(
                f"{file}: profiles and histories came from a remote store, which has only present values; "
                "give --reference, the folder that it was loaded from"
            )
        notes.append("profiles and histories are from the reference folder, not from the remote store of the job")
    paths = msgspec.structs.replace(paths, store=None, reference=str(reference) if reference else paths.reference)
    files = _decision_files(config, run_dir, logged, folder)
    log = recorded_events(config, scorer.admission, folder)
    report = compare(log, files, scorer, paths, workers, progress_bar, earlier_bundles)
    report.notes = notes + _notes(report, Path(paths.bundle))
    return report


def _decision_files(config: JobConfig, run_dir: Path | None, logged: tuple[Path, ...], folder: Path) -> list[Path]:
    """The decision files: given by option, of the run, or the Kafka topic of decisions dumped to a file."""
    from jobs.config.kafka import KafkaSink
    from jobs.kafka.dump import dump_records

    if not logged and run_dir is not None:
        logged = (run_dir / OUTPUT_FILES["decisions"],)
    if logged:
        return decision_files(logged)
    sink = next((sink for sink in config.sinks if isinstance(sink, KafkaSink)), None)
    if sink is None:
        raise UserError("no Kafka topic of decisions in the config: give --decisions")
    path = folder / OUTPUT_FILES["decisions"]
    with progress_bar("reading the decisions' topic") as progress:
        dump_records(sink.connection, sink.topic_names["decisions"], path, progress)
    return [path]


def recorded_events(config: JobConfig, admission: AdmissionSettings, folder: Path) -> Path:
    """The events of a configuration's source as a file of JSON Lines; one that is made is put into `folder`.

    Raises UserError, and what reading the source raises.
    """
    from jobs.config.aws import KinesisSource
    from jobs.config.kafka import KafkaSource
    from jobs.config.record_format import record_format
    from jobs.kafka.dump import dump_events

    source = config.source
    if isinstance(source, KinesisSource):
        raise UserError("source: kinesis: reading the stream is not supported: give its events as a file with --events")
    decode = record_format(source, config.s3).decode
    path = folder / "events.jsonl"
    if isinstance(source, KafkaSource):
        with progress_bar("reading the events' topics") as progress:
            dump_events(source, admission, path, progress, decode)
        return path
    if source.mapping is None:
        return Path(source.path)
    with progress_bar("mapping the events") as progress:
        _write_decoded(Path(source.path), decode, path, progress)
    return path


def _write_decoded(source: Path, decode: EventDecoder, path: Path, progress: Callable[[int, int], None]) -> None:
    """Write the events of a file of foreign JSON; records that do not decode are skipped, as the job skips them."""
    import msgspec

    from models.event_files import lines_of
    from udfs.records.codec import BadRecord

    encode = msgspec.json.Encoder().encode
    with path.open("wb") as out:
        for line in lines_of(source, progress):
            try:
                out.write(encode(decode(line)) + b"\n")
            except BadRecord:
                continue


def _notes(report: ParityReport, bundle: Path) -> list[str]:
    """Causes of mismatches other than the feature code."""
    from udfs.scoring.bundle import BundleError, read_manifest

    notes = []
    try:
        manifest = read_manifest(bundle)
    except BundleError as error:
        raise UserError(str(error)) from None
    other = manifest.feature_set_version
    if manifest.version in report.bundles and other != report.feature_set_version:
        notes.append(
            f"feature sets differ: {report.bundles[manifest.version]:,} decisions are of bundle {manifest.version}, feature "
            f"set {other}; this version computes {report.feature_set_version}"
        )
    unknown = sorted(report.bundles.keys() - {manifest.version})
    if unknown:
        notes.append(
            f"decisions of bundles that the config does not name ({', '.join(unknown)}): features are compared by name only"
        )
    if report.live_block_list:
        notes.append("the block list was changed by the control stream: the replay has only the start-up list")
    return notes


def _write(report: ParityReport, out: Path) -> None:
    import msgspec

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
