"""Validated types of configuration values: paths, JSON paths, time zones, timestamps, …

Relative paths are resolved against the working directory, since operators may run in another process. Paths with a
scheme (`s3://…`) are passed on to Flink unchecked.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator

from jobs.config.checkpoints import newest_checkpoint
from udfs.records.codec import time_ms
from udfs.records.outputs import DESTINATIONS
from udfs.rules.combined import SEPARATOR, parts_of
from udfs.rules.pack_files import pack_names
from udfs.values.local_time import is_timezone

NO_STATE = "none"
NEWEST = ("newest", "newest-or-none")
RESTORE_WORDS = (NO_STATE, *NEWEST)
"""Values of `state.restore_from` that are no path; jobs.runtime.restoring resolves them at the start."""

_KEY_PATH = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]*|\['[^'\\\x00-\x1f]+'\])+")


def is_remote(path: str) -> bool:
    """Whether the path is not on the local file system."""
    return "://" in path and not path.startswith("file://")


def _absolute(path: str) -> str:
    if not path:
        raise ValueError("is empty")
    return path if is_remote(path) else os.path.abspath(os.path.expanduser(path.removeprefix("file://")))


def _existing(path: str) -> str:
    path = _absolute(path)
    if not is_remote(path) and not os.path.exists(path):
        raise ValueError(f"{path} does not exist")
    return path


def _existing_file(path: str) -> str:
    path = _absolute(path)
    if not is_remote(path):
        if os.path.isdir(path):
            raise ValueError(f"{path} is a directory, not a file")
        if not os.path.isfile(path):
            raise ValueError(f"file {path} does not exist")
        if not os.access(path, os.R_OK):
            raise ValueError(f"no permission to read {path}")
    return path


def _existing_directory(path: str) -> str:
    path = _absolute(path)
    if not is_remote(path) and not os.path.isdir(path):
        raise ValueError(
            f"{path} is a file, not a directory" if os.path.exists(path) else f"directory {path} does not exist"
        )
    return path


def _directory(path: str) -> str:
    path = _absolute(path)
    if is_remote(path):
        return path
    if os.path.exists(path) and not os.path.isdir(path):
        raise ValueError(f"{path} is a file, not a directory")
    existing = Path(path)
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ValueError(f"no permission to write in {existing}")
    return path


def _new_file(path: str) -> str:
    path = _absolute(path)
    if os.path.isdir(path):
        raise ValueError(f"{path} is a directory, not a file")
    _directory(os.path.dirname(path))
    return path


def _restore_point(path: str) -> str:
    if path in RESTORE_WORDS:
        return path
    path = _absolute(path)
    if is_remote(path):
        return path
    _existing_directory(path)
    found = newest_checkpoint(path)
    if found is None:
        raise ValueError(f"{path} holds no complete checkpoint or savepoint (no _metadata file)")
    return found


def _rules_text(value: object) -> object:
    """A list of packs and paths as one text."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return SEPARATOR.join(value)
    return value


def _rules(value: str) -> str:
    parts = parts_of(value)
    if len(parts) < 2:
        return _one_rule_set(value)
    if any(is_remote(part) for part in parts):
        raise ValueError("several rule sets together must be packs or files of this machine")
    return SEPARATOR.join(map(_one_rule_set, parts))


def _one_rule_set(value: str) -> str:
    if value in pack_names():
        return value
    if os.sep in value or value.endswith((".yaml", ".yml", ".json")):
        return _existing_file(value)
    raise ValueError(
        f"rule pack {value!r} does not exist: give one of {', '.join(pack_names())}, or the path of a file"
    )


def _key_path(value: str) -> str:
    if not _KEY_PATH.fullmatch(value):
        raise ValueError(f"{value!r} is not a JSON path like $.user_id or $.payload['user id']")
    return value


def _currency(value: str) -> str:
    if not (len(value) == 3 and value.isascii() and value.isupper()):
        raise ValueError(f"{value!r} is not an ISO 4217 code of three capital letters")
    return value


def _timezone(value: str) -> str:
    if not is_timezone(value):
        raise ValueError(f"{value!r} is not a time zone of the IANA database, like Europe/Zurich")
    return value


def _timestamp(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither epoch milliseconds nor ISO 8601 with an offset") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no offset: append +00:00 or Z for UTC")
    if isinstance(value, bool) or not isinstance(value, int | datetime):
        raise ValueError(f"{str(value)!r} is neither epoch milliseconds nor ISO 8601 with an offset")
    return time_ms(value)


def _option_text(value: object) -> object:
    """YAML parses numbers and booleans; Flink's options are strings."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _log_features(value: object) -> object:
    """Earlier versions of the configuration have a boolean here."""
    if isinstance(value, bool):
        return "names" if value else "none"
    return value


def shipped_bundle() -> str:
    """Directory of the shipped bundle."""
    models = find_spec("models")  # located without importing the training code
    folders = list(models.submodule_search_locations or ()) if models else []
    return os.path.join(folders[0] if folders else "models", "bundles", "default")


def require_no_earlier_run(directory: str) -> None:
    """Raises ValueError if the directory already holds outputs of an earlier run.

    Files that it had not finished do not count: their names start with a dot, and no reader takes them for outputs. A job
    that ends before its first checkpoint leaves no others, and may be started again.
    """
    if is_remote(directory):
        return
    for destination in DESTINATIONS:
        folder = Path(directory, destination)
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise ValueError(
                f"sinks: {folder} already holds files of an earlier run: choose another directory, remove it, "
                "or continue from that run's state with state.restore_from"
            )


class Takes(NamedTuple):
    """Name of a type in the documentation."""

    words: str


_PATH = Takes("path")

ExistingPath = Annotated[str, AfterValidator(_existing), _PATH]
ExistingFile = Annotated[str, AfterValidator(_existing_file), _PATH]
ExistingDirectory = Annotated[str, AfterValidator(_existing_directory), _PATH]
Directory = Annotated[str, AfterValidator(_directory), _PATH]
NewFile = Annotated[str, AfterValidator(_new_file), _PATH]
RestorePoint = Annotated[str, AfterValidator(_restore_point), Takes("path, newest, newest-or-none or none")]
RulesPath = Annotated[
    str, BeforeValidator(_rules_text), AfterValidator(_rules), Takes("path or name, or a list of them")
]
KeyPath = Annotated[str, AfterValidator(_key_path), Takes("JSON path")]
CurrencyCode = Annotated[str, AfterValidator(_currency), Takes("currency code")]
TimezoneName = Annotated[str, AfterValidator(_timezone), Takes("IANA time zone")]
Timestamp = Annotated[int, BeforeValidator(_timestamp), Takes("epoch milliseconds, or ISO 8601 with offset")]
OptionText = Annotated[str, BeforeValidator(_option_text)]
LogFeatures = Annotated[Literal["auto", "names", "packed", "none"], BeforeValidator(_log_features)]
