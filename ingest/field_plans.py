"""Compiles one field of a mapping file to a plan."""

from __future__ import annotations

from ingest.errors import MappingError, UnreadableValue
from ingest.field_readers import reader_for
from ingest.paths import parse_path
from ingest.plan import NO_DEFAULT, Column, FieldPlan
from ingest.readers.blank import BlankTexts
from ingest.readers.text import Reader
from ingest.schema import FieldSpec, MappingFile, Scalar
from ingest.signed_amount import DebitOrCredit
from ingest.suggestion import listed
from ingest.targets import MOMENT_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldType
from udfs.records.droppable import CHANGES_THE_PAYMENT

SOURCES = ("column", "columns", "debit", "value", "row_number")
_NEVER_DROPPED = CHANGES_THE_PAYMENT | {"expires_at"}  # without it a block is for ever
_COMMON_OPTIONS = frozenset({*SOURCES, "credit", "may_be_missing", "default", "lookup", "join"})
_READING_OPTIONS = frozenset(FieldSpec.model_fields) - _COMMON_OPTIONS


def field_plan(
    name: str, field_type: FieldType, spec: FieldSpec, file: MappingFile, *, required: bool, absent: object
) -> FieldPlan:
    """The plan of one field. Raises MappingError; its message starts with the option."""
    _check_options(spec, field_type)
    read_own = reader_for(name, field_type)
    default = NO_DEFAULT
    if spec.default is not None:
        default = _own_value("default", read_own, spec.default)
    elif "default" in spec.model_fields_set and not required:
        default = absent
    names = spec.columns or ([] if spec.column is None else [spec.column])
    read = reader_for(name, field_type, spec, file)
    combine = None
    if spec.debit is not None and spec.credit is not None:
        names = [spec.debit, spec.credit]
        combine = DebitOrCredit(read, blank_texts(file, field_type))
    return FieldPlan(
        name=name,
        read=read,
        columns=tuple(_column(text, spec.may_be_missing) for text in names),
        join=spec.join,
        constant=None if spec.value is None else _own_value("value", read_own, spec.value),
        is_row_number=spec.row_number,
        required=required,
        absent=absent,
        default=default,
        lookup=_lookup(spec, read_own),
        blank_texts=blank_texts(file, field_type),
        drops=file.unreadable == "drop" and not required and name not in _NEVER_DROPPED,
        combine=combine,
    )


def blank_texts(file: MappingFile, field_type: FieldType | None = None) -> BlankTexts:
    """The texts that count as blank in a field. A mapping's `blank_values` replace the default for attributes, of which the
    job takes any text; elsewhere they are added, since the job has no value of these texts."""
    if file.blank_values is None:
        return BlankTexts(is_country=field_type is FieldType.COUNTRY)
    own = frozenset(file.blank_values)
    return BlankTexts(own, only_own=field_type is FieldType.ATTRIBUTE, is_country=field_type is FieldType.COUNTRY)


def _check_options(spec: FieldSpec, field_type: FieldType) -> None:
    given = [source for source in SOURCES if source in spec.model_fields_set and getattr(spec, source) is not False]
    if len(given) != 1 or getattr(spec, given[0]) is None:
        raise MappingError(f"column: exactly one of {', '.join(SOURCES)} is required")
    source = given[0]
    if (spec.debit is None) != (spec.credit is None) or (spec.debit is not None and field_type is not FieldType.AMOUNT):
        raise MappingError("debit: debit and credit are two columns of one amount: both are required")
    if spec.debit is not None and spec.lookup is not None:
        raise MappingError("lookup: is not allowed with `debit` and `credit`")
    allowed = _options_of(field_type)
    for option in sorted(spec.model_fields_set & _READING_OPTIONS):
        if option not in allowed:
            every = listed(sorted(allowed | _COMMON_OPTIONS))
            raise MappingError(f"{option}: is not allowed for a field of type {field_type.value}; allowed: {every}")
        if source == "value" or spec.lookup is not None:
            other = "value" if source == "value" else "lookup"
            raise MappingError(f"{option}: is not allowed with `{other}`, whose values are not converted")
    if source == "value" and spec.lookup is not None:
        raise MappingError("lookup: is not allowed with `value`")
    if field_type is FieldType.ATTRIBUTE:
        _check_attribute(spec)


def _check_attribute(spec: FieldSpec) -> None:
    """Raises MappingError for options of numbers or texts on an attribute without that `type`."""
    for option, kind in (("scale", "number"), ("remove", "number"), ("prefix", "text")):
        if option in spec.model_fields_set and spec.type != kind:
            raise MappingError(f"{option}: is for attributes of `type: {kind}` only")


def _options_of(field_type: FieldType) -> frozenset[str]:
    if field_type in MOMENT_TYPES:
        return frozenset({"format", "timezone", "start", "year"})
    if field_type in NUMBER_TYPES:
        return frozenset(
            {"scale", "remove"} | ({"negative", "minor_units"} if field_type is FieldType.AMOUNT else set())
        )
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


def _lookup(spec: FieldSpec, read_own: Reader) -> dict[str, object] | None:
    if spec.lookup is None:
        return None
    return {
        code: None if own is None else _own_value(f"lookup.{code}", read_own, own) for code, own in spec.lookup.items()
    }


def _own_value(key: str, read: Reader, value: Scalar) -> object:
    """A value written in the mapping file, checked against the field's type."""
    try:
        return read(value)
    except UnreadableValue as error:
        raise MappingError(f"{key}: {value!r} is not {error.expected}") from None
