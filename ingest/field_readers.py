"""Creates the reader of a field from its type and the options of its mapping."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, available_timezones

from ingest.errors import MappingError, UnreadableValue
from ingest.readers.attribute import attribute_reader
from ingest.readers.code import choice_reader, code_reader, country_reader, read_currency, read_domain
from ingest.readers.epoch import EPOCH_UNITS
from ingest.readers.flag import flag_reader
from ingest.readers.moment import ISO, MIN_DATE_MS, SINCE_UNITS, MomentReader
from ingest.readers.number import ANY_NUMBER, NumberRange, NumberStyle, number_reader
from ingest.readers.sequence import sequence_reader
from ingest.readers.text import (
    Reader,
    identifier_reader,
    plain_text,
    read_note,
    read_time_zone,
    text_reader,
)
from ingest.readers.time_pattern import TimePattern
from ingest.schema import FieldSpec, MappingFile, Scalar
from ingest.suggestion import did_you_mean
from ingest.targets import CHOICES, MOMENT_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldType
from udfs.records.codec import FIRST_EVENT_MS, MAX_AMOUNT_MAJOR, MAX_TIMESTAMP_MS

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
YEAR_MS = 366 * 86_400_000
_FUTURE_FIELDS = frozenset({"expires_at", "timestamp", "known_at"})
PLAIN_FILE = MappingFile()
PLAIN_FIELD = FieldSpec()


def reader_for(
    name: str, field_type: FieldType, spec: FieldSpec = PLAIN_FIELD, file: MappingFile = PLAIN_FILE
) -> Reader:
    """The reader of a field; without a spec, the reader of values in our own format.

    Raises MappingError (option name, then allowed values) for an invalid option.
    """
    if field_type in MOMENT_TYPES:
        return _moment_reader(name, field_type, spec, file)
    if field_type in NUMBER_TYPES:
        style = NumberStyle(file.decimal, file.thousands, tuple(spec.remove))
        return number_reader(_range(field_type, spec), style, _scale(spec.scale))
    if field_type is FieldType.FLAG:
        return flag_reader(_texts(spec.true_values), _texts(spec.false_values))
    if field_type is FieldType.CHOICE:
        return choice_reader(name, CHOICES[name])
    if field_type is FieldType.ATTRIBUTE:
        style = NumberStyle(file.decimal, file.thousands, tuple(spec.remove))
        return attribute_reader(spec.type, style, _scale(spec.scale), spec.prefix)
    if field_type is FieldType.CODE:
        return code_reader(name, spec.prefix)
    if field_type is FieldType.COUNTRY:
        return country_reader(spec.prefix)
    if field_type in TEXT_TYPES:
        is_id = field_type is FieldType.IDENTIFIER
        return identifier_reader(spec.prefix, spec.encode) if is_id else text_reader(spec.prefix)
    return {
        FieldType.CURRENCY: read_currency,
        FieldType.DOMAIN: read_domain,
        FieldType.NOTE: read_note,
        FieldType.TIME_ZONE: read_time_zone,
        FieldType.NUMBERS: sequence_reader(number_reader(), "numbers"),
        FieldType.TEXTS: sequence_reader(text_reader(), "texts"),
    }[field_type]


def _range(field_type: FieldType, spec: FieldSpec) -> NumberRange:
    is_signed = spec.negative == "refund" or spec.credit is not None
    return SIGNED_AMOUNT if is_signed else NUMBER_RANGES[field_type]


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


def _moment_reader(field: str, field_type: FieldType, spec: FieldSpec, file: MappingFile) -> MomentReader:
    minimum_ms = FIRST_EVENT_MS if field_type is FieldType.MOMENT else MIN_DATE_MS
    zone = _zone(spec.timezone if spec.timezone is not None else file.timezone)
    name = _format(spec.format or ISO, spec.year)
    if name not in SINCE_UNITS:
        if spec.start is not None:
            raise MappingError(f"start: is for the formats {', '.join(SINCE_UNITS)} only")
        pattern = TimePattern(name) if "%" in name else None
        return MomentReader(name, zone, minimum_ms, 0, spec.year, pattern, _latest_ms(field))
    if spec.start is None:
        raise MappingError(f"start: the format {name} counts from a moment; set it, as `start: 2024-01-01`")
    try:
        start_ms = MomentReader(ISO, zone, MIN_DATE_MS)(spec.start)
    except UnreadableValue as error:
        raise MappingError(f"start: {spec.start!r} is not {error.expected}") from None
    return MomentReader(name, zone, minimum_ms, start_ms)


def _latest_ms(field: str) -> int:
    """The latest time that a year of two digits may mean in a field: no birth is in the future, other times by little."""
    if field in _FUTURE_FIELDS:
        return MAX_TIMESTAMP_MS
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return now_ms if field == "date_of_birth" else now_ms + YEAR_MS


def _format(name: str, year: int | None) -> str:
    """A valid format. Raises MappingError."""
    allowed = ", ".join((ISO, *EPOCH_UNITS, *SINCE_UNITS))
    if name == ISO or name in EPOCH_UNITS or name in SINCE_UNITS:
        if year is not None:
            raise MappingError("year: is for patterns without a year only")
        return name
    pattern = TimePattern(name)
    try:
        sample = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(name)
        if "%" not in name or pattern.parse(sample, ZoneInfo("UTC"), year).year not in (2001, 1900, year):
            raise ValueError(name)
    except ValueError:
        raise MappingError(
            f"format: {name!r} is not allowed; allowed: {allowed} or a pattern as %d.%m.%Y %H:%M:%S"
        ) from None
    if year is not None and not pattern.has_day:
        raise MappingError(f"format: {name!r} has no month and day")
    if not pattern.has_year and year is None:
        raise MappingError(f"format: {name!r} has no year: set it, as `year: 2024`")
    if pattern.has_year and year is not None:
        raise MappingError(f"year: the format {name!r} has a year of its own")
    return name


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # ZoneInfoNotFoundError is a KeyError
        suggestion = did_you_mean(name, available_timezones())
        raise MappingError(
            f"timezone: {name!r} is not allowed{suggestion}; allowed: IANA names, as Europe/Berlin"
        ) from None
