"""Compiles the nested section of a mapping file to plans."""

from __future__ import annotations

import re

from ingest.compile import EXTRA_PREFIX, label_fields
from ingest.errors import MappingError
from ingest.field_plans import blank_texts
from ingest.nested import NestedPlan
from ingest.paths import parse_path
from ingest.schema import MappingFile, NestedSpec
from ingest.suggestion import did_you_mean, listed
from ingest.targets import FIELD_TYPES, LIST_TYPES, Target

_EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def compile_nested(file: MappingFile, target: Target) -> tuple[NestedPlan, ...]:
    """Plans of the nested section, in the order of the file. Raises MappingError."""
    used = _columns_in_use(file)
    plans: dict[str, NestedPlan] = {}
    for index, spec in enumerate(file.nested):
        where = f"nested.{index}"
        if spec.into not in used:
            _check_into(where, spec, file, target)
        if spec.into in plans:
            raise MappingError(f"{where}.into: {spec.into!r} is already filled by another entry of nested")
        try:
            path = parse_path(spec.path)
        except MappingError as error:
            raise MappingError(f"{where}.path: {error}") from None
        plans[spec.into] = NestedPlan(spec.column, spec.into, path, spec.type, blank_texts(file))
    return tuple(plans.values())


def _columns_in_use(file: MappingFile) -> set[str]:
    labels = label_fields(file.label).values() if file.label else ()
    specs = [*file.fields.values(), *file.attributes.values(), *labels]
    return {name for spec in specs for name in (spec.column, *(spec.columns or ())) if name is not None}


def _check_into(where: str, spec: NestedSpec, file: MappingFile, target: Target) -> None:
    into = spec.into
    if into.startswith(EXTRA_PREFIX) and _EXTRA_NAME.fullmatch(into.removeprefix(EXTRA_PREFIX)):
        return
    if into not in target.field_names:
        suggestion = did_you_mean(into, target.field_names)
        allowed = f"a field of {target.kind} ({listed(target.field_names)}), a column that `fields` uses, or extra.NAME"
        raise MappingError(f"{where}.into: {into!r} is not allowed{suggestion}; allowed: {allowed}")
    if into in file.fields:
        raise MappingError(f"{where}.into: {into!r} is already mapped in fields")
    list_type = LIST_TYPES.get(FIELD_TYPES[into])
    allowed = list_type or "float, int, text"
    if spec.type != list_type and (list_type is not None or spec.type.startswith("list")):
        raise MappingError(f"{where}.type: {spec.type!r} is not allowed for {into}; allowed: {allowed}")
