"""Which files can be added to a case: by the end of the name and by what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

LONGEST_NAME = 120
NO_NAME = "file"


def _begins_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signatures)


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


_ZIP = _begins_with(b"PK\x03\x04")
_OFFICE = "application/vnd.openxmlformats-officedocument."
TYPES: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    ".pdf": ("application/pdf", _begins_with(b"%PDF-")),
    ".png": ("image/png", _begins_with(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", _begins_with(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", _begins_with(b"\xff\xd8\xff")),
    ".webp": ("image/webp", _is_webp),
    ".txt": ("text/plain", _is_text),
    ".csv": ("text/csv", _is_text),
    ".json": ("application/json", _is_text),
    ".eml": ("message/rfc822", _is_text),
    ".docx": (_OFFICE + "wordprocessingml.document", _ZIP),
    ".xlsx": (_OFFICE + "spreadsheetml.sheet", _ZIP),
}
"""End of the name -> content type, and what the content must look like. Nothing that a browser runs is among them."""


def file_name_of(given: str) -> str:
    """A name without folders and without characters that are not shown, of at most LONGEST_NAME characters."""
    last = given.replace("\\", "/").rpartition("/")[2]
    shown = "".join(one if one.isprintable() else "_" for one in last).strip(" .")
    end = PurePosixPath(shown).suffix[:10]
    kept = shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - len(end)] + end
    return kept or NO_NAME


def content_type_of(name: str, content: bytes) -> str | None:
    """The content type of a file; None for one that cannot be added: of another kind, or not what its name says."""
    kind, looks_right = TYPES.get(PurePosixPath(name).suffix.lower(), (None, lambda _: False))
    return kind if looks_right(content) else None
