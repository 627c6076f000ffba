"""The decisions that a command reads as a table: of a run's folder, a decision store, or Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from cli.decision_input import decision_files
from cli.errors import UserError
from cli.feature_sets import feature_sets_of_bundles
from cli.progress import progress_bar
from cli.scoring_run import CONFIG_FILE

if TYPE_CHECKING:
    from jobs.config.job import JobConfig
    from models.backtest.parquet_files import ParquetTable
    from udfs.records.outputs import FeatureForm

PARQUET = ".parquet"
SCRATCH = "decisions.parquet"


class Over(NamedTuple):
    """Where decisions are: a URL of a decision store, or a path.

    `events`: the file that was scored, with labels (None: the one that a run names). `labels`: more files with labels.
    """

    place: str
    events: Path | None = None
    labels: tuple[Path, ...] = ()
    bundles: tuple[Path, ...] = ()

    @property
    def is_store(self) -> bool:
        return "://" in self.place

    @property
    def run(self) -> Path | None:
        """The folder of a run."""
        path = Path(self.place)
        return path if not self.is_store and path.is_dir() and not parquet_files(path) else None


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files that a path is or has."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix == PARQUET)
    return [path] if path.suffix == PARQUET else []


@contextmanager
def decision_table(over: Over, progress_words: str = "reading decisions") -> Iterator[ParquetTable]:
    """The decisions as Parquet: the files themselves, or one made of a run or store for the time of the block.

    Raises UserError.
    """
    from models.backtest.errors import BacktestError
    from models.backtest.parquet_files import ParquetTable

    files = [] if over.is_store else parquet_files(Path(over.place))
    with TemporaryDirectory(prefix="fraud-decisions-") as folder:
        if not files:
            files = [Path(folder) / SCRATCH]
            write_table(over, files[0], None, progress_words)
        try:
            table = ParquetTable(files)
        except BacktestError as error:
            raise UserError(str(error)) from None
        if not table.rows:
            raise UserError(f"{over.place}: no decisions")
        yield table


def write_table(over: Over, path: Path, features: FeatureForm | None, words: str = "exporting decisions") -> int:
    """Write the decisions of a run or store as one Parquet file; returns their number. Raises UserError."""
    from models.backtest.errors import BacktestError
    from models.event_files import EventFileError

    try:
        return _write_store(over, path, features, words) if over.is_store else _write_run(over, path, features, words)
    except (BacktestError, EventFileError) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{error.filename or path}: {error.strerror}") from None


def events_of_run(folder: Path) -> Path | None:
    """The file of events that was scored, if run.json or job.yaml names it and it is there."""
    import msgspec
    import yaml

    named: list[str] = []
    for name in ("run.json", CONFIG_FILE):
        try:
            facts = yaml.safe_load((folder / name).read_bytes())  # JSON is YAML
            named += [str(facts.get("events") or facts["source"]["path"])]
        except (OSError, yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError, msgspec.MsgspecError):
            continue
    return next((path for text in named for path in (Path(text), folder / text) if path.is_file()), None)


def _write_run(over: Over, path: Path, features: FeatureForm | None, words: str) -> int:
    from models.backtest.event_index import EventIndex
    from models.backtest.parquet_files import write_parquet
    from models.backtest.run_table import RunTable

    place = Path(over.place)
    if not place.exists():
        raise UserError(f"{place}: no such run, file or store; give a run's folder, a Parquet file or a store's URL")
    files = decision_files([place])
    events = over.events or (events_of_run(place) if place.is_dir() else None)
    index = None
    if events is not None:
        with progress_bar("reading events") as progress:
            index = EventIndex(events, over.labels, progress)
    elif over.labels:
        raise UserError("--labels needs --events, the file that was scored")
    table = RunTable(files, index, feature_sets_of_bundles(_bundles(over)))
    form = table.form(features)
    with progress_bar(words) as progress:
        return write_parquet(table.batches(form, progress), form, path)


def _write_store(over: Over, path: Path, features: FeatureForm | None, words: str) -> int:
    from cli.console_keys import opened
    from console.store.export import decision_rows, table_form
    from models.backtest.decision_table import batches_of
    from models.backtest.parquet_files import write_parquet

    with opened(over.place) as store:
        form = table_form(store, feature_sets_of_bundles(over.bundles), features)
        with progress_bar(words) as progress:
            return write_parquet(batches_of(decision_rows(store, progress), form), form, path)


def _bundles(over: Over) -> Sequence[Path]:
    from cli.feature_sets import bundle_of_run

    recorded = bundle_of_run(Path(over.place))
    return over.bundles if recorded is None else [recorded, *over.bundles]


def recorded_config(over: Over, config: Path | None) -> JobConfig | None:
    """The configuration that decided: the given one, or a run's; None without either. Raises UserError."""
    from jobs.config.errors import ConfigError
    from jobs.config.recorded_run import load_recorded

    if config is None and over.run is not None and (over.run / CONFIG_FILE).is_file():
        config = over.run / CONFIG_FILE
    if config is None:
        return None
    try:
        return load_recorded(config, over.events)
    except ConfigError as error:
        raise UserError(str(error)) from None
