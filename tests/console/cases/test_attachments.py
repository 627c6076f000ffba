"""Files of cases: kinds, limits, hashes, traces, erasure and the move to PostgreSQL, on both databases."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from console.cases import attachments
from console.cases.attachments import LARGEST_BYTES, MOST_FILES, FileRefused, FileTooLarge, WrongFileType
from console.cases.case_store import CaseStore
from console.cases.file_types import LONGEST_NAME, content_type_of, file_name_of
from console.cases.queue import QueueFilters, QueueOrder
from console.cases.rows import NoSuchCase
from console.store.backup import backup
from console.store.move import move
from console.store.store import DecisionStore
from console.store.tables import case_files
from tests.console.cases.test_case_changes import NOW_MS, Clock, cases, clock, store  # noqa: F401
from tests.console.store.conftest import MakeUrl, new_url  # noqa: F401

PDF = b"%PDF-1.7 \x00\xff evidence"


def some_cases(cases: CaseStore) -> list[int]:  # noqa: F811
    return [one.case_id for one in cases.page(QueueFilters(user_id="U3"), QueueOrder(by="time"))]


def test_a_file_comes_back_as_it_was_and_leaves_a_trace(cases: CaseStore) -> None:  # noqa: F811
    first, second = some_cases(cases)[:2]
    made = cases.add_file(first, "../../etc/Ausweis Müller.PDF", PDF, "anna")
    assert (made.name, made.content_type, made.size_bytes) == ("Ausweis Müller.PDF", "application/pdf", len(PDF))
    assert made.sha256 == sha256(PDF).hexdigest()
    assert cases.download(first, made.file_id) == (made, PDF)
    assert (cases.files(first), cases.files(second)) == ([made], [])
    for wrong in ((second, made.file_id), (first, made.file_id + 1)):
        with pytest.raises(NoSuchCase):
            cases.download(*wrong)
        with pytest.raises(NoSuchCase):
            cases.remove_file(*wrong, "ben")
    with pytest.raises(FileRefused, match="already, as Ausweis"):
        cases.add_file(first, "other.pdf", PDF, "ben")
    with pytest.raises(NoSuchCase):
        cases.add_file(10**9, "other.pdf", PDF, "ben")
    cases.remove_file(first, made.file_id, "ben")
    assert cases.files(first) == []
    told = f"Ausweis Müller.PDF, {len(PDF)} bytes, SHA-256 {made.sha256}"
    journal = [(one.who, one.what, one.body) for one in cases.journal(first)]
    assert journal == [("anna", "file_added", told), ("ben", "file_removed", told)]


def test_sizes_and_numbers_have_limits(cases: CaseStore, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    (number, *_) = some_cases(cases)
    for content in (b"", b"x" * (LARGEST_BYTES + 1)):
        with pytest.raises(FileTooLarge, match="1 byte to 10 MB"):
            cases.add_file(number, "a.txt", content, "anna")
    monkeypatch.setattr(attachments, "LARGEST_CASE_BYTES", 100)
    cases.add_file(number, "a.txt", b"x" * 60, "anna")
    with pytest.raises(FileTooLarge, match="together"):
        cases.add_file(number, "b.txt", b"y" * 41, "anna")
    cases.add_file(number, "b.txt", b"y" * 40, "anna")
    monkeypatch.undo()
    for one in range(MOST_FILES - 2):
        cases.add_file(number, "c.txt", b"%d" % one, "anna")
    with pytest.raises(FileTooLarge, match="at most 20 files"):
        cases.add_file(number, "d.txt", b"z", "anna")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"), ("page.htm", b"x"), ("picture.svg", b"<svg onload='alert(1)'/>"),
        ("page.xhtml", b"x"), ("run.js", b"alert(1)"), ("run.exe", b"MZ"), ("none", b"x"), (".pdf", b"x"),
        ("photo.png", b"<html>"), ("photo.jpg", b"GIF89a"), ("photo.webp", b"RIFFxxxxWAVE"), ("doc.pdf", b"<html>%PDF-"),
        ("doc.docx", b"MZ"), ("text.txt", b"\xff\xfe"), ("text.csv", b"a\0b"), ("photo.png.html", b"\x89PNG\r\n\x1a\n"),
    ],
)  # fmt: skip
def test_other_kinds_and_other_contents_are_refused(cases: CaseStore, name: str, content: bytes) -> None:  # noqa: F811
    with pytest.raises(WrongFileType, match="kinds can be added"):
        cases.add_file(some_cases(cases)[0], name, content, "anna")


@given(st.text(max_size=300))
def test_names_have_no_folders_and_nothing_that_is_not_shown(given_name: str) -> None:
    name = file_name_of(given_name)
    assert 1 <= len(name) <= LONGEST_NAME
    assert name.isprintable()
    assert not {"/", "\\"} & set(name)
    assert name.strip(" .") == name
    assert file_name_of(name) == name


def test_names_that_would_mislead() -> None:
    assert file_name_of("C:\\Users\\x\\report.pdf") == "report.pdf"
    assert file_name_of("photo\u202egnp.exe") == "photo_gnp.exe"
    assert file_name_of("..") == file_name_of("/") == file_name_of("a/") == "file"
    assert file_name_of("x" * 500 + ".pdf") == "x" * 116 + ".pdf"
    assert content_type_of("A.JPEG", b"\xff\xd8\xff\xe0") == "image/jpeg"


def test_files_go_with_their_user(store: DecisionStore, cases: CaseStore) -> None:  # noqa: F811
    cases.add_file(some_cases(cases)[0], "a.pdf", PDF, "anna")
    other = cases.page(QueueFilters(user_id="U0"), QueueOrder())[0].case_id
    kept = cases.add_file(other, "b.pdf", PDF, "anna")
    assert store.erase_user("U3", NOW_MS + 1).counts["case_files"] == 1
    with store.database.read() as connection:
        assert connection.execute(select(case_files.c.file_id)).scalars().all() == [kept.file_id]
        assert connection.execute(select(func.count()).select_from(case_files)).scalar_one() == 1


def test_files_are_moved_and_backed_up(new_url: MakeUrl, tmp_path: Path) -> None:  # noqa: F811
    from tests.console.web.seeding import fill

    old, new = DecisionStore.open(new_url("sqlite")), DecisionStore.open(new_url("postgresql"))
    fill(old, NOW_MS)
    before = CaseStore(old.database, Clock())
    (number, *_) = some_cases(before)
    made = [before.add_file(number, f"{one}.pdf", PDF + bytes([one] * 1_000), "anna") for one in range(5)]
    backup(old.database, tmp_path / "copy.sqlite")
    copy = DecisionStore.open(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    move(old, new)
    for one_store in (copy, new):
        after = CaseStore(one_store.database, Clock())
        assert after.files(number) == made
        assert [after.download(number, one.file_id).content for one in made] == [
            PDF + bytes([one] * 1_000) for one in range(5)
        ]
    assert CaseStore(new.database, Clock()).add_file(number, "n.txt", b"n", "ben").file_id == made[-1].file_id + 1
    for one_store in (old, new, copy):
        one_store.close()
