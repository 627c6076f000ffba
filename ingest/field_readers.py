"""Which reader a field gets, by its type and by the options of its mapping."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, available_timezones

from ingest.errors import MappingError
from ingest.readers.attribute import attribute_reader
from ingest.readers.flag import flag_reader
from ingest.readers.moment import ISO, MILLISECONDS_PER_UNIT, MIN_DATE_MS, MomentReader
from ingest.readers.number import ANY_NUMBER, NumberRange, NumberStyle, number_reader
from ingest.readers.sequence import sequence_reader
from ingest.readers.text import (
    Reader,
    choice_reader,
    code_reader,
    identifier_reader,
    plain_text,
    read_currency,
    read_time_zone,
    text_reader,
)
from ingest.schema import FieldSpec, MappingFile, Scalar
from ingest.suggestion import did_you_mean
from ingest.targets import CHOICES, MOMENT_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldType
from udfs.codec import MAX_AMOUNT_MAJOR

NUMBER_RANGES = {
    FieldType.AMOUNT: NumberRange(0.0, MAX_AMOUNT_MAJOR),
    FieldType.NUMBER: ANY_NUMBER,
    FieldType.NOT_NEGATIVE: NumberRange(0.0),
    FieldType.LATITUDE: NumberRange(-90.0, 90.0),
    FieldType.LONGITUDE: NumberRange(-180.0, 180.0),
    FieldType.PERCENT: NumberRange(0.0, 100.0),
    FieldType.WHOLE: NumberRange(whole=True),
}
SIGNED_AMOUNT = NumberRange(-MAX_AMOUNT_MAJOR, MAX_AMOUNT_MAJOR)
MAX_SCALE_DIGITS = 18
PLAIN_FILE = MappingFile()
PLAIN_FIELD = FieldSpec()


def reader_for(
    name: str, field_type: FieldType, spec: FieldSpec = PLAIN_FIELD, file: MappingFile = PLAIN_FILE
) -> Reader:
    """The reader of a field; without a spec, the one for values that are already in our terms.

    Raises MappingError (the option's name, then what is allowed) for an option that cannot be.
    """
    if field_type in MOMENT_TYPES:
        minimum_ms = 0 if field_type is FieldType.MOMENT else MIN_DATE_MS
        zone = _zone(spec.timezone if spec.timezone is not None else file.timezone)
        return MomentReader(_format(spec.format or ISO), zone, minimum_ms)
    if field_type in NUMBER_TYPES:
        style = NumberStyle(file.decimal, file.thousands, tuple(spec.remove))
        return number_reader(_range(field_type, spec), style, _scale(spec.scale))
    if field_type is FieldType.FLAG:
        return flag_reader(_texts(spec.true_values), _texts(spec.false_values))
    if field_type is FieldType.CHOICE:
        return choice_reader(CHOICES[name])
    if field_type is FieldType.ATTRIBUTE:
        style = NumberStyle(file.decimal, file.thousands, tuple(spec.remove))
        return attribute_reader(spec.type, style, _scale(spec.scale), spec.prefix)
    if field_type is FieldType.CODE:
        return code_reader(name, spec.prefix)
    if field_type in TEXT_TYPES:
        is_id = field_type is FieldType.IDENTIFIER
        return identifier_reader(spec.prefix, spec.encode) if is_id else text_reader(spec.prefix)
    return {
        FieldType.CURRENCY: read_currency,
        FieldType.TIME_ZONE: read_time_zone,
        FieldType.NUMBERS: sequence_reader(number_reader(), "numbers"),
        FieldType.TEXTS: sequence_reader(text_reader(), "texts"),
    }[field_type]


def _range(field_type: FieldType, spec: FieldSpec) -> NumberRange:
    return SIGNED_AMOUNT if spec.negative == "refund" else NUMBER_RANGES[field_type]


def _texts(values: list[Scalar] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(plain_text(value) for value in values)


def _scale(scale: float | int | str | None) -> Decimal | None:
    if scale is None:
        return None
    try:
        factor = Decimal(str(scale))
    except InvalidOperation:
        factor = Decimal(0)
    if factor == 0 or not factor.is_finite() or abs(factor.adjusted()) > MAX_SCALE_DIGITS:
        raise MappingError(f"scale: {scale!r} is not allowed; allowed: the factor to major units, as 0.01 for cents")
    return factor


def _format(name: str) -> str:
    if name == ISO or name in MILLISECONDS_PER_UNIT:
        return name
    try:
        sample = datetime(2001, 2, 3, 4, 5, 6).strftime(name)
        if "%" not in name or datetime.strptime(sample, name).year not in (2001, 1900):
            raise ValueError(name)
    except ValueError:
        allowed = ", ".join((ISO, *MILLISECONDS_PER_UNIT))
        raise MappingError(
            f"format: {name!r} is not allowed; allowed: {allowed} or a pattern as %d.%m.%Y %H:%M:%S"
        ) from None
    return name


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # ZoneInfoNotFoundError is a KeyError
        suggestion = did_you_mean(name, available_timezones())
        raise MappingError(
            f"timezone: {name!r} is not allowed{suggestion}; allowed: IANA names, as Europe/Berlin"
        ) from None
