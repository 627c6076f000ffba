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
from typing import Any, BinaryIO, Final, cast

from ingest.errors import InputError
from ingest.suggestion import listed

COMPRESSED = (".gz", ".zip", ".bz2", ".xz")
# Raised for damaged files and wrong suffixes.
READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, zipfile.BadZipFile, lzma.LZMAError)
_BY_ZERO_BYTES: Final[dict[tuple[bool, ...], str]] = {
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
}
_MAGIC = {
    ".gz": b"\x1f\x8b",
    ".zip": b"PK\x03\x04",
    ".bz2": b"BZh91AY&SY",
    ".xz": b"\xfd7zXZ\0",
    ".zst": b"\x28\xb5\x2f\xfd",
    ".7z": b"7z\xbc\xaf\x27\x1c",
}
_ENCRYPTED = 0x1


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
            packed = next((name for name, magic in _MAGIC.items() if self._start(len(magic)) == magic), None)
        except READ_ERRORS as error:
            raise InputError(f"{path} cannot be read: {error}") from None
        if packed is not None:
            raise InputError(f"{path} holds a file packed with {packed}: unpack it, or end its name in that suffix")

    def text(self, encoding: str) -> io.TextIOWrapper:
        """The file as text, line ends unchanged; invalid UTF-8 becomes surrogates, which readers reject.

        A file that begins with the byte-order mark of UTF-16 or UTF-32 is read as that.
        """
        is_utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")
        marked = self.marked_encoding() if is_utf8 else None
        if marked is not None:
            return io.TextIOWrapper(self.binary, marked, newline="")
        errors = "surrogateescape" if is_utf8 else "strict"
        return io.TextIOWrapper(self.binary, "utf-8-sig" if is_utf8 else encoding, errors, newline="")

    def marked_encoding(self) -> str | None:
        """The encoding of which the file begins with the byte-order mark, other than UTF-8."""
        start = self._start(4)
        if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):  # before UTF-16, whose mark is the beginning of one
            return "utf-32"
        return "utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else None

    def json_encoding(self) -> str | None:
        """The encoding of a JSON file other than UTF-8: by its mark, or by where its first characters, which are ASCII, have
        their zero bytes."""
        zeros = tuple(byte == 0 for byte in self._start(4))
        return self.marked_encoding() or _BY_ZERO_BYTES.get(zeros)

    def _start(self, length: int) -> bytes:
        start: bytes = cast(Any, self.binary).peek(length)[:length]
        return start

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
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if suffix == ".zip":
        return _unzipped(raw, path)
    return raw


def _unzipped(raw: BinaryIO, path: Path) -> BinaryIO:
    archive, name = zipfile.ZipFile(raw), zip_member(path)
    if archive.getinfo(name).flag_bits & _ENCRYPTED:
        raise InputError(f"{path} is encrypted: unpack it with its password, and give the file inside")
    try:
        return cast(BinaryIO, archive.open(name))
    except NotImplementedError:
        raise InputError(
            f"{path} is packed by a method that is not supported, as Deflate64: unpack it, and give the file inside"
        ) from None
