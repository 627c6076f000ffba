"""The key of a stream of foreign JSON: the JVM extracts it by a JSON path before the record reaches Python."""

from __future__ import annotations

from ingest.errors import MappingError
from ingest.mapping import Mapping
from ingest.plan import NO_DEFAULT


def stream_key_path(mapping: Mapping) -> str:
    """The JSON path at which the stream's records hold the mapped user id, unchanged.

    Raises MappingError where the key computed in the JVM could differ from the mapped `user_id`, because state is
    partitioned by that key: `key_path` points to another column, or the mapping transforms the id (prefix, encode,
    lookup, default, constant, several columns).
    """
    plan = next((plan for plan in mapping.fields if plan.name == "user_id"), None)
    if plan is None or not mapping.target.is_event:
        raise MappingError(f"key_path: rows of kind {mapping.kind} are not events of a user and cannot be streamed")
    is_nested = plan.source_name in {nested.into for nested in mapping.nested}
    is_transformed = plan.lookup is not None or plan.default is not NO_DEFAULT or plan.read("%") != "%"
    if len(plan.columns) != 1 or is_nested or is_transformed:
        raise MappingError("key_path: a stream is keyed by the source's user id: map `user_id` to one plain column")
    column = plan.columns[0]
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in (column.name, *column.path))
    if mapping.key_path != f"${steps}":
        raise MappingError(
            f"key_path: {mapping.key_path!r} is not the path of the column mapped to user_id; set key_path: ${steps}"
        )
    return mapping.key_path
