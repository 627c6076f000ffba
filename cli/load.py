"""`fraud load`: fills a store from a reference folder."""

from __future__ import annotations

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

RECORDS_AT_ONCE = 1_000
ERRORS_SHOWN = 20
INTERRUPTED = 130


@click.command(name="load")
@click.argument("directory", type=click.Path(path_type=Path))
@store_options
@click.option("--dry-run", is_flag=True, help="Only check the files; nothing is written and no store is asked.")
def command(directory: Path, config: Path | None, address: str | None, dry_run: bool) -> None:
    """Write the users, merchants, devices, feeds and merchants' histories of DIRECTORY to the job's store.

    \b
    fraud load out/history/reference --store redis://127.0.0.1:6379
    fraud load out/history/reference --config deploy/conf/redis.yaml --dry-run

    Values are absolute: loading twice changes nothing, and a running job sees them once its cached ones are a minute
    old. Rows that are no records are told with file and line and left out; the exit code is then 1. Block lists are
    checked only: the job keeps them in its own memory (scoring.reference), where they hold even if the store is down.
    """
    from udfs.stores.reference_rows import REFERENCE_FILES

    files = [file for file in REFERENCE_FILES if (directory / file.name).is_file()]
    if not files:
        names = ", ".join(file.name for file in REFERENCE_FILES)
        raise UserError(f"{directory}: none of the reference files is there ({names})")
    loading = _Loading(directory, sum((directory / file.name).stat().st_size for file in files))
    target = nullcontext() if dry_run else opened(chosen_store(config, address))
    try:
        with target as store, progress_bar("checking" if dry_run else "loading") as progress:
            for file in files:
                loading.load(file, store, progress)
    except KeyboardInterrupt:
        click.echo("interrupted: some records may be written; loading again completes it", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    for name, count in loading.counts.items():
        note = " (checked: the job reads them by scoring.reference)" if name == "block_list.jsonl" else ""
        click.echo(f"{count:>12,}  {name}{note}")
    for error in loading.errors:
        click.echo(error, err=True)
    if loading.wrong:
        more = loading.wrong - len(loading.errors)
        shown = f"; {more:,} more are not shown" if more else ""
        click.echo(f"{loading.wrong:,} rows are no records and were left out{shown}", err=True)
        raise click.exceptions.Exit(1)


class _Loading:
    """Counts of one run."""

    def __init__(self, directory: Path, total_bytes: int) -> None:
        self.counts: dict[str, int] = {}
        self.errors: list[str] = []
        self.wrong = 0
        self._directory = directory
        self._total_bytes = total_bytes
        self._done_bytes = 0

    def load(self, file: object, store: StoreWriter | None, progress: Callable[[int, int], None]) -> None:
        from udfs.stores.reference_rows import ReferenceFile, rows_of

        assert isinstance(file, ReferenceFile)
        self.counts[file.name] = 0
        waiting: dict[str, StoredRecord] = {}
        for row in rows_of(self._directory, file):
            self._done_bytes += row.size_bytes
            if row.error is not None:
                self.wrong += 1
                if len(self.errors) < ERRORS_SHOWN:
                    self.errors.append(row.error)
                continue
            self.counts[file.name] += 1
            if row.key is not None and row.record is not None:
                waiting[row.key] = row.record
            if self.counts[file.name] % RECORDS_AT_ONCE == 0:
                self._write(waiting, store)
                progress(self._done_bytes, self._total_bytes)
        self._write(waiting, store)
        progress(self._done_bytes, self._total_bytes)

    def _write(self, waiting: dict[str, StoredRecord], store: StoreWriter | None) -> None:
        if store is not None:
            store.put_many(waiting, None)
        waiting.clear()
