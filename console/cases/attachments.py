"""Files of cases: kept in the store as they came, with their hash. Nothing looks into them."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from console.cases.file_types import TYPES, content_type_of, file_name_of
from console.cases.journal import add_entry
from console.cases.rows import CaseError, NoSuchCase
from console.store.tables import case_files, cases

MEGABYTE = 1024 * 1024
LARGEST_BYTES = 10 * MEGABYTE
LARGEST_CASE_BYTES = 50 * MEGABYTE
MOST_FILES = 20


class FileRefused(CaseError):
    """The file cannot be added; the message says why."""


class WrongFileType(FileRefused):
    """Files of this kind cannot be added."""


class FileTooLarge(FileRefused):
    """The file, or all of the case together, is too large."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a case, without its content. `sha256`: of the content, in hex."""

    file_id: int
    case_id: int
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    who: str
    added_ms: int


class Download(NamedTuple):
    file: Attachment
    content: bytes


_COLUMNS = [case_files.c[name] for name in Attachment.__struct_fields__]


def add(connection: Connection, case_id: int, given_name: str, content: bytes, who: str, now_ms: int) -> Attachment:
    """Add a file to a case. Raises FileRefused and NoSuchCase."""
    if connection.execute(select(cases.c.case_id).where(cases.c.case_id == case_id).with_for_update()).first() is None:
        raise NoSuchCase(f"there is no case {case_id}")
    name = file_name_of(given_name)
    kind = content_type_of(name, content)
    if kind is None:
        kinds = ", ".join(end.removeprefix(".") for end in TYPES)
        raise WrongFileType(f"{name}: files of these kinds can be added, with that kind's content: {kinds}")
    columns = case_files.c
    count, total = connection.execute(
        select(func.count(), func.coalesce(func.sum(columns.size_bytes), 0)).where(columns.case_id == case_id)
    ).one()
    if not content or len(content) > LARGEST_BYTES:
        raise FileTooLarge(f"{name}: give a file of 1 byte to {LARGEST_BYTES // MEGABYTE} MB")
    if count >= MOST_FILES or int(total) + len(content) > LARGEST_CASE_BYTES:
        raise FileTooLarge(
            f"{name}: a case has at most {MOST_FILES} files, {LARGEST_CASE_BYTES // MEGABYTE} MB together; remove one first"
        )
    digest = sha256(content).hexdigest()
    known = select(columns.name).where(columns.case_id == case_id, columns.sha256 == digest)
    if (same := connection.execute(known).scalar()) is not None:
        raise FileRefused(f"{name}: the case has this file already, as {same}")
    values = {
        "case_id": case_id, "name": name, "content_type": kind, "size_bytes": len(content), "sha256": digest, "who": who,
        "added_ms": now_ms,
    }  # fmt: skip
    number = connection.execute(
        insert(case_files).values(**values, content=content).returning(columns.file_id)
    ).scalar_one()
    made = Attachment(file_id=int(number), **values)  # type: ignore[arg-type]
    add_entry(connection, case_id, now_ms, who, "file_added", words_of(made))
    return made


def remove(connection: Connection, case_id: int, file_id: int, who: str, now_ms: int) -> Attachment:
    """Remove a file of a case; its name and hash stay in the journal. Raises NoSuchCase."""
    gone = _attachment(connection, case_id, file_id)
    connection.execute(delete(case_files).where(case_files.c.file_id == file_id))
    add_entry(connection, case_id, now_ms, who, "file_removed", words_of(gone))
    return gone


def of_case(connection: Connection, case_id: int) -> list[Attachment]:
    """The files of a case, oldest first."""
    rows = connection.execute(
        select(*_COLUMNS).where(case_files.c.case_id == case_id).order_by(case_files.c.file_id)
    ).mappings()
    return [Attachment(**row) for row in rows]


def download(connection: Connection, case_id: int, file_id: int) -> Download:
    """A file of this case. Raises NoSuchCase, also for one of another case."""
    found = _attachment(connection, case_id, file_id)
    content = connection.execute(select(case_files.c.content).where(case_files.c.file_id == file_id)).scalar_one()
    return Download(found, bytes(content))


def words_of(file: Attachment) -> str:
    """Name, size and hash, for the journal."""
    return f"{file.name}, {file.size_bytes:,} bytes, SHA-256 {file.sha256}"


def _attachment(connection: Connection, case_id: int, file_id: int) -> Attachment:
    row = connection.execute(
        select(*_COLUMNS).where(case_files.c.case_id == case_id, case_files.c.file_id == file_id)
    ).mappings().first()  # fmt: skip
    if row is None:
        raise NoSuchCase(f"this case has no file {file_id}")
    return Attachment(**row)
