"""The table of field types agrees with the structs."""

from __future__ import annotations

import typing

import msgspec
import pytest

from ingest.schema import Kind
from ingest.targets import CHOICES, FIELD_TYPES, TARGETS, FieldType, Target
from udfs.records.codes import ALLOWED_CODES
from udfs.records.events import EVENT_TYPES

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@EVERY
def test_every_field_of_a_struct_has_a_type_that_fits_its_annotation(target: Target) -> None:
    hints = typing.get_type_hints(target.struct)
    for name in target.field_names:
        inner = {part for part in (typing.get_args(hints[name]) or (hints[name],)) if part is not type(None)}
        field_type = FIELD_TYPES[name]
        if field_type is FieldType.FLAG:
            assert inner == {bool}, name
        elif field_type is FieldType.WHOLE:
            assert inner == {int}, name
        elif field_type in (FieldType.NUMBERS, FieldType.TEXTS):
            element = {FieldType.NUMBERS: float, FieldType.TEXTS: str}[field_type]
            assert typing.get_args(hints[name]) == (element, ...), name
        elif field_type is FieldType.CHOICE:
            assert set(CHOICES[name]) == set(inner) or (
                inner == {str} and set(CHOICES[name]) == set(ALLOWED_CODES[name])
            )
        elif field_type in (FieldType.MOMENT, FieldType.DATE):
            assert int in inner, name
        elif field_type in (
            FieldType.IDENTIFIER,
            FieldType.TEXT,
            FieldType.CODE,
            FieldType.CURRENCY,
            FieldType.COUNTRY,
            FieldType.DOMAIN,
            FieldType.NOTE,
            FieldType.TIME_ZONE,
        ):
            assert str in inner, name
        else:
            assert float in inner, name


@EVERY
def test_required_fields_are_those_without_a_default(target: Target) -> None:
    without_default = {field.name for field in msgspec.structs.fields(target.struct) if field.required}
    assert target.required == without_default - {"event_id"}
    assert target.key in target.field_names


def test_every_event_has_a_target_and_kinds_are_those_of_the_mapping_file() -> None:
    mapped = {kind: struct for kind, struct in EVENT_TYPES.items() if kind != "erasure"}  # made by this program alone
    assert {kind: target.struct for kind, target in TARGETS.items() if target.is_event} == mapped
    assert set(TARGETS) == set(typing.get_args(Kind))
