"""What a profile is made by: names of tables and columns, when a device is inactive, and the conditions."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import msgspec
import yaml

from customers.errors import SettingsError
from customers.schema import TABLES
from udfs.rules.errors import one_line

DEFAULT_SETTINGS = "conditions.yaml"
MAX_FILE_BYTES = 1_000_000


class TableNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table under another name, in another schema of the database, or with other names of columns (ours: theirs)."""

    name: str | None = None
    schema: str | None = None
    columns: dict[str, str] = {}


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer that meets one is flagged. `when`: in the rule language (docs/rules.md), over the profile's numbers."""

    id: str
    when: str
    reason: str | None = None


class ProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`inactive_after_days`: a device that was not used for so long is inactive."""

    conditions: tuple[Condition, ...]
    inactive_after_days: float = 90
    tables: dict[str, TableNames] = {}


def load_settings(path: Path | None = None) -> ProfileSettings:
    """Read a settings file; the shipped one without a path. Raises SettingsError."""
    source = str(path or DEFAULT_SETTINGS)
    try:
        content = (path or files("customers").joinpath(DEFAULT_SETTINGS)).read_bytes()
    except OSError as error:
        raise SettingsError(f"{source}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError(f"{source}: larger than {MAX_FILE_BYTES} bytes")
    try:
        settings = msgspec.convert(yaml.safe_load(content), ProfileSettings)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{source}: {one_line(error)}") from None
    _check(settings, source)
    return settings


def _check(settings: ProfileSettings, source: str) -> None:
    if not settings.inactive_after_days > 0:
        raise SettingsError(f"{source}: inactive_after_days must be above 0")
    known = {table.name: {column.name for column in table.columns} for table in TABLES}
    known["transactions"].add("account_id")
    for table, names in settings.tables.items():
        if table not in known:
            raise SettingsError(f"{source}: unknown table {table!r}: expected one of {', '.join(known)}")
        for column in names.columns:
            if column not in known[table]:
                expected = ", ".join(sorted(known[table]))
                raise SettingsError(f"{source}: unknown column {table}.{column}: expected one of {expected}")
