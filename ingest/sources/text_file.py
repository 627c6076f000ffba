"""Opening text files, compressed or not, and knowing how far they are read."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from ingest.errors import InputError

READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError)  # what a damaged or misnamed file raises


class CountedFile:
    """A binary file (decompressed by its name) and the share of it that has been read."""

    def __init__(self, path: Path) -> None:
        try:
            self._raw = path.open("rb")
            self._size = path.stat().st_size
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None
        packed = path.suffix == ".gz"
        self.binary: BinaryIO = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if packed else self._raw

    def text(self, encoding: str) -> io.TextIOWrapper:
        """The file as text, line ends as they are; bytes that are not UTF-8 become surrogates, which readers refuse."""
        is_utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        errors = "surrogateescape" if is_utf8 else "strict"
        return io.TextIOWrapper(self.binary, "utf-8-sig" if is_utf8 else encoding, errors, newline="")

    @property
    def fraction_done(self) -> float:
        """0 to 1; 0 where the size is not known (a pipe)."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 0.0

    def close(self) -> None:
        self.binary.close()
        self._raw.close()
