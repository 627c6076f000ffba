"""One field of a mapping file as a plan, or a MappingError that names the option."""

from __future__ import annotations

from ingest.errors import MappingError, UnreadableValue
from ingest.field_readers import reader_for
from ingest.paths import parse_path
from ingest.plan import NO_DEFAULT, Column, FieldPlan
from ingest.readers.blank import DEFAULT_BLANK_TEXTS
from ingest.readers.text import Reader
from ingest.schema import FieldSpec, MappingFile, Scalar
from ingest.suggestion import listed
from ingest.targets import MOMENT_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldType

SOURCES = ("column", "columns", "value", "row_number")
_COMMON_OPTIONS = frozenset({*SOURCES, "may_be_missing", "default", "lookup", "join"})
_READING_OPTIONS = frozenset(FieldSpec.model_fields) - _COMMON_OPTIONS


def field_plan(
    name: str, field_type: FieldType, spec: FieldSpec, file: MappingFile, *, required: bool, absent: object
) -> FieldPlan:
    """The plan of one field. Raises MappingError: the option, then what is allowed."""
    _check_options(spec, field_type)
    in_our_terms = reader_for(name, field_type)
    default = NO_DEFAULT
    if spec.default is not None:
        default = _in_our_terms("default", in_our_terms, spec.default)
    elif "default" in spec.model_fields_set and not required:
        default = absent
    names = spec.columns or ([] if spec.column is None else [spec.column])
    return FieldPlan(
        name=name,
        read=reader_for(name, field_type, spec, file),
        columns=tuple(_column(text, spec.may_be_missing) for text in names),
        join=spec.join,
        constant=None if spec.value is None else _in_our_terms("value", in_our_terms, spec.value),
        is_row_number=spec.row_number,
        required=required,
        absent=absent,
        default=default,
        lookup=_lookup(spec, in_our_terms),
        blank_texts=blank_texts(file),
    )


def blank_texts(file: MappingFile) -> frozenset[str]:
    """The texts that count as nothing; the empty one always does."""
    return DEFAULT_BLANK_TEXTS if file.blank_values is None else frozenset({"", *file.blank_values})


def _check_options(spec: FieldSpec, field_type: FieldType) -> None:
    given = [source for source in SOURCES if source in spec.model_fields_set and getattr(spec, source) is not False]
    if len(given) != 1 or getattr(spec, given[0]) is None:
        raise MappingError(f"column: exactly one of {', '.join(SOURCES)} is needed")
    source = given[0]
    allowed = _options_of(field_type)
    for option in sorted(spec.model_fields_set & _READING_OPTIONS):
        if option not in allowed:
            every = listed(sorted(allowed | _COMMON_OPTIONS))
            raise MappingError(f"{option}: is not allowed for a field of type {field_type.value}; allowed: {every}")
        if source == "value" or spec.lookup is not None:
            other = "value" if source == "value" else "lookup"
            raise MappingError(f"{option}: is not allowed beside `{other}`, which is in our own terms already")
    if source == "value" and spec.lookup is not None:
        raise MappingError("lookup: is not allowed beside `value`")
    if field_type is FieldType.ATTRIBUTE:
        _check_attribute(spec)


def _check_attribute(spec: FieldSpec) -> None:
    """Options that only numbers or only texts have need the attribute to be one."""
    for option, kind in (("scale", "number"), ("remove", "number"), ("prefix", "text")):
        if option in spec.model_fields_set and spec.type != kind:
            raise MappingError(f"{option}: is for attributes of `type: {kind}` only")


def _options_of(field_type: FieldType) -> frozenset[str]:
    if field_type in MOMENT_TYPES:
        return frozenset({"format", "timezone"})
    if field_type in NUMBER_TYPES:
        return frozenset({"scale", "remove"} | ({"negative"} if field_type is FieldType.AMOUNT else set()))
    if field_type is FieldType.FLAG:
        return frozenset({"true_values", "false_values"})
    if field_type is FieldType.IDENTIFIER:
        return frozenset({"prefix", "encode"})
    if field_type is FieldType.ATTRIBUTE:
        return frozenset({"type", "prefix", "scale", "remove"})
    return frozenset({"prefix"} if field_type in TEXT_TYPES else ())


def _column(text: str, may_be_missing: bool) -> Column:
    if not text.startswith("$."):
        return Column(text, (), may_be_missing)
    try:
        name, *path = parse_path(text)
    except MappingError as error:
        raise MappingError(f"column: {error}") from None
    return Column(str(name), tuple(path), may_be_missing)


def _lookup(spec: FieldSpec, in_our_terms: Reader) -> dict[str, object] | None:
    if spec.lookup is None:
        return None
    return {
        code: None if ours is None else _in_our_terms(f"lookup.{code}", in_our_terms, ours)
        for code, ours in spec.lookup.items()
    }


def _in_our_terms(key: str, read: Reader, value: Scalar) -> object:
    try:
        return read(value)
    except UnreadableValue as error:
        raise MappingError(f"{key}: {value!r} is not {error.expected}") from None
