"""Writes a simulation to a folder: all files or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from simulator.currencies import CURRENCIES
from simulator.generate import Simulation

EVENTS, TRUTH, MANIFEST, FX_RATES = "events.jsonl", "truth.jsonl", "manifest.json", "fx_rates.csv"
REFERENCE_FOLDER = "reference"
REFERENCE_FILES = ("users", "merchants", "devices", "ip_feed", "domain_feed", "block_list")
PARTIAL = ".partial"
_LINES_PER_WRITE = 16_384


def write(simulation: Simulation, directory: Path | str, progress: Callable[[int, int], None] | None = None) -> None:
    """Writes events.jsonl, truth.jsonl, reference/*.jsonl and manifest.json; with multi_currency also fx_rates.csv.

    Files are written under temporary names and renamed at the end, so an interruption (Ctrl-C, a full disk) leaves the
    folder unchanged. `progress` is called with (lines written, total lines) of the events. Raises OSError.
    """
    folder = Path(directory)
    created = [path for path in (folder / REFERENCE_FOLDER, folder) if not path.exists()]
    (folder / REFERENCE_FOLDER).mkdir(parents=True, exist_ok=True)
    partials: list[Path] = []
    try:
        _write_partials(simulation, folder, partials, progress)
    except BaseException:  # includes KeyboardInterrupt: no partial file may remain
        for path in partials:
            path.unlink(missing_ok=True)
        for path in created:
            with suppress(OSError):  # another process has written to the folder
                path.rmdir()
        raise
    for path in partials:
        path.rename(path.with_name(path.name.removesuffix(PARTIAL)))
    if not simulation.config.multi_currency:
        (folder / FX_RATES).unlink(missing_ok=True)


def _write_partials(
    simulation: Simulation, folder: Path, partials: list[Path], progress: Callable[[int, int], None] | None
) -> None:
    def begin(name: str) -> Path:
        path = folder / (name + PARTIAL)
        partials.append(path)
        return path

    total = len(simulation.events)
    written = 0
    with begin(EVENTS).open("wb") as file:
        for lines in simulation.events.chunks():
            file.write(b"\n".join(lines) + b"\n")
            written += len(lines)
            if progress is not None:
                progress(written, total)
    _write_lines(begin(TRUTH), simulation.truth)
    for name in REFERENCE_FILES:
        _write_lines(begin(f"{REFERENCE_FOLDER}/{name}.jsonl"), getattr(simulation.reference, name))
    if simulation.config.multi_currency:
        start = datetime.fromtimestamp(simulation.config.start_ms / 1000, UTC).isoformat()
        rates = "".join(f"{entry.code},{start},{entry.rate}\n" for entry in CURRENCIES)
        begin(FX_RATES).write_text(f"currency,valid_from,rate\n{rates}")
    begin(MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(simulation.manifest), indent=2) + b"\n")


def _write_lines(path: Path, records: Iterable[object]) -> None:
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        lines: list[bytes] = []
        for record in records:
            lines.append(encode(record))
            if len(lines) == _LINES_PER_WRITE:
                file.write(b"\n".join(lines) + b"\n")
                lines.clear()
        if lines:
            file.write(b"\n".join(lines) + b"\n")
