"""Opens text files, plain or compressed, and tracks how much of them has been read."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from ingest.errors import InputError
from ingest.suggestion import listed

COMPRESSED = (".gz", ".zip", ".bz2", ".xz")
# Raised for damaged files and wrong suffixes.
READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, zipfile.BadZipFile, lzma.LZMAError)


class CountedFile:
    """A binary file, decompressed where its suffix is one of COMPRESSED, with the share that has been read."""

    def __init__(self, path: Path) -> None:
        try:
            self._raw = path.open("rb")
            self._size = path.stat().st_size
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None
        try:
            self.binary: BinaryIO = _decompressed(self._raw, path)
        except READ_ERRORS as error:
            raise InputError(f"{path} cannot be read: {error}") from None

    def text(self, encoding: str) -> io.TextIOWrapper:
        """The file as text, line ends unchanged; invalid UTF-8 becomes surrogates, which readers reject.

        A file that begins with the byte-order mark of UTF-16 is read as UTF-16.
        """
        is_utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")
        if is_utf8 and self.is_utf_16():
            return io.TextIOWrapper(self.binary, "utf-16", newline="")
        errors = "surrogateescape" if is_utf8 else "strict"
        return io.TextIOWrapper(self.binary, "utf-8-sig" if is_utf8 else encoding, errors, newline="")

    def is_utf_16(self) -> bool:
        """Whether the file begins with a byte-order mark of UTF-16."""
        start: bytes = cast(Any, self.binary).peek(2)[:2]
        return start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

    @property
    def fraction_done(self) -> float:
        """0 to 1; 0 where the size is unknown (a pipe)."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 0.0

    def close(self) -> None:
        self.binary.close()
        self._raw.close()


def zip_member(path: Path) -> str:
    """The name of the one file in a zip archive. Raises InputError where there are none or several."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if _is_content(name)]
    except READ_ERRORS as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if len(names) != 1:
        raise InputError(
            f"{path} holds {len(names)} files ({listed(names)}): unpack it, and give the folder or one of them"
        )
    return names[0]


def _is_content(name: str) -> bool:
    *folders, file = name.split("/")
    return bool(file) and not file.startswith(".") and "__MACOSX" not in folders


def _decompressed(raw: BinaryIO, path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if path.suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if path.suffix == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if path.suffix == ".zip":
        return cast(BinaryIO, zipfile.ZipFile(raw).open(zip_member(path)))
    return raw
