"""The key of a stream of foreign JSON: the JVM takes it by a JSON path before any of our code sees the record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.errors import MappingError
from ingest.plan import NO_DEFAULT

if TYPE_CHECKING:
    from ingest.mapping import Mapping

_KEY_PATH = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]{1,4}\])+")


def check_key_path(key_path: str) -> None:
    """Raises MappingError for what is no plain JSON path; quotes and the like never reach the SQL of the source."""
    if not _KEY_PATH.fullmatch(key_path):
        raise MappingError(
            f"key_path: {key_path!r} is not allowed; allowed: a path of plain names, as $.user_id or $.card.owner"
        )


def stream_key_path(mapping: Mapping) -> str:
    """The path at which the stream's records carry exactly the mapped user id.

    Raises MappingError where the key in the JVM could differ from the mapped `user_id`: the path leads elsewhere, or
    the id is changed on its way (prefix, encode, lookup, default, constant, several columns): state and key would disagree.
    """
    plan = next((plan for plan in mapping.fields if plan.name == "user_id"), None)
    if plan is None or not mapping.target.is_event:
        raise MappingError(f"key_path: rows of kind {mapping.kind} are not events of a user and cannot be streamed")
    is_made_here = plan.source_name in {nested.into for nested in mapping.nested}
    is_changed = plan.lookup is not None or plan.default is not NO_DEFAULT or plan.read("%") != "%"
    if len(plan.columns) != 1 or is_made_here or is_changed:
        raise MappingError("key_path: a stream is keyed by the source's own user id: give `user_id` one plain column")
    column = plan.columns[0]
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in (column.name, *column.path))
    if mapping.key_path != f"${steps}":
        raise MappingError(
            f"key_path: {mapping.key_path!r} does not lead to the column of user_id; write key_path: ${steps}"
        )
    return mapping.key_path
