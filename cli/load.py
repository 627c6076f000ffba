"""`fraud load`: loads a reference folder into a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar
from cli.store_options import chosen_store, opened, store_options

if TYPE_CHECKING:
    from udfs.stores.port import StoredRecord, StoreWriter

BATCH_SIZE = 1_000
ERRORS_SHOWN = 20
INTERRUPTED = 130


@click.command(name="load")
@click.argument("directory", type=click.Path(path_type=Path))
@store_options
@click.option("--dry-run", is_flag=True, help="Only check the files; do not connect to the store.")
def command(directory: Path, config: Path | None, address: str | None, dry_run: bool) -> None:
    """Write the users, merchants, devices, feeds and entity history of DIRECTORY to the job's store.

    \b
    fraud load out/history/reference --store redis://127.0.0.1:6379
    fraud load out/history/reference --config deploy/conf/redis.yaml --dry-run

    Loading is idempotent; a running job reads new values when its cached ones expire (one minute). Invalid rows are
    reported with file and line and skipped; the exit code is then 1. Block lists are only checked: the job reads them from
    scoring.reference into memory, so that they apply even if the store is down.
    """
    from udfs.stores.port import LOADED, Loaded
    from udfs.stores.reference_rows import REFERENCE_FILES

    files = [file for file in REFERENCE_FILES if (directory / file.name).is_file()]
    if not files:
        names = ", ".join(file.name for file in REFERENCE_FILES)
        raise UserError(f"{directory}: no reference files ({names})")
    loader = _Loader(directory, sum((directory / file.name).stat().st_size for file in files))
    target = nullcontext() if dry_run else opened(chosen_store(config, address))
    try:
        with target as store, progress_bar("checking" if dry_run else "loading") as progress:
            for file in files:
                loader.load(file, store, progress)
            if store is not None:
                store.put_many({LOADED: Loaded(time.time_ns() // 1_000_000)}, None)
    except KeyboardInterrupt:
        click.echo(
            "interrupted: some records may have been written; run the command again to complete the load", err=True
        )
        raise click.exceptions.Exit(INTERRUPTED) from None
    for name, count in loader.counts.items():
        note = " (checked only: the job reads them from scoring.reference)" if name == "block_list.jsonl" else ""
        click.echo(f"{count:>12,}  {name}{note}")
    for error in loader.errors:
        click.echo(error, err=True)
    if loader.invalid:
        more = loader.invalid - len(loader.errors)
        shown = f"; {more:,} more are not shown" if more else ""
        click.echo(f"{loader.invalid:,} invalid rows were skipped{shown}", err=True)
        raise click.exceptions.Exit(1)


class _Loader:
    """Loads reference files and counts their records; keeps at most ERRORS_SHOWN error messages."""

    def __init__(self, directory: Path, total_bytes: int) -> None:
        self.counts: dict[str, int] = {}
        self.errors: list[str] = []
        self.invalid = 0
        self._directory = directory
        self._total_bytes = total_bytes
        self._done_bytes = 0

    def load(self, file: object, store: StoreWriter | None, progress: Callable[[int, int], None]) -> None:
        from udfs.stores.reference_rows import ReferenceFile, rows_of

        assert isinstance(file, ReferenceFile)
        self.counts[file.name] = 0
        batch: dict[str, StoredRecord] = {}
        for row in rows_of(self._directory, file):
            self._done_bytes += row.size_bytes
            if row.error is not None:
                self.invalid += 1
                if len(self.errors) < ERRORS_SHOWN:
                    self.errors.append(row.error)
                continue
            self.counts[file.name] += 1
            if row.key is not None and row.record is not None:
                batch[row.key] = row.record
            if self.counts[file.name] % BATCH_SIZE == 0:
                self._write(batch, store)
                progress(self._done_bytes, self._total_bytes)
        self._write(batch, store)
        progress(self._done_bytes, self._total_bytes)

    def _write(self, batch: dict[str, StoredRecord], store: StoreWriter | None) -> None:
        if store is not None:
            store.put_many(batch, None)
        batch.clear()
