"""A mapping file, parsed, validated and compiled to plans."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from ingest.compile import MS_PER_DAY, compile_attributes, compile_extras, compile_fields, compile_label
from ingest.compile_nested import compile_nested
from ingest.errors import MappingError
from ingest.nested import NestedPlan
from ingest.paths import check_key_path
from ingest.plan import Column, FieldPlan, LabelPlan
from ingest.readers.moment import MomentReader
from ingest.schema import CsvSpec, MappingFile
from ingest.schema_messages import validation_message
from ingest.targets import TARGETS, Target
from ingest.yaml_text import load_yaml


@dataclass(frozen=True)
class Mapping:
    """How a source's rows are converted: plans for the record (`fields`, `attributes`), its `label` and extra columns.

    `key_path` is the JSON path of the user id in a stream of the same rows. `delay_ms`: of kind label, the time from a
    transaction to its label where `known_at` is not mapped or blank.
    """

    target: Target
    fields: tuple[FieldPlan, ...]
    attributes: tuple[FieldPlan, ...]
    label: LabelPlan | None
    nested: tuple[NestedPlan, ...]
    extras: tuple[FieldPlan, ...]
    negative_is_refund: bool
    minor_units: bool
    delay_ms: int | None
    key_path: str
    csv: CsvSpec

    @property
    def kind(self) -> str:
        return self.target.kind

    @cached_property
    def is_joined(self) -> bool:
        """True where rows are completed by the transaction with their id in the same run: labels without user and time,
        and features."""
        return self.kind == "features" or (self.kind == "label" and "user_id" not in self.field_names)

    @cached_property
    def has_assumed_year(self) -> bool:
        """True where the times of events have no year of their own but the mapping's `year`."""
        readers = [plan.read for plan in self.fields if plan.name == "timestamp"]
        return any(isinstance(read, MomentReader) and read.year is not None for read in readers)

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.fields)

    @cached_property
    def attribute_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.attributes)

    @cached_property
    def record_plans(self) -> tuple[FieldPlan, ...]:
        """The plans of the record itself: fields, then attributes."""
        return self.fields + self.attributes

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.label.plans) if self.label else ()

    @cached_property
    def needs_event_id(self) -> bool:
        """True where the kind has an `event_id` and the mapping does not fill it."""
        return "event_id" in self.target.field_names and "event_id" not in self.field_names

    @cached_property
    def plans(self) -> tuple[FieldPlan, ...]:
        """All plans, in the order in which a row's values are converted: record, label, extra columns."""
        return self.record_plans + (self.label.plans if self.label else ()) + self.extras

    @cached_property
    def source_columns(self) -> dict[str, str]:
        """The source's columns that the mapping reads, each with the first field that needs it."""
        nested_names = {nested.into for nested in self.nested}
        needed = {nested.column: nested.into for nested in self.nested}
        for plan in self.plans:
            for column in plan.columns:
                if column.name not in nested_names:
                    needed.setdefault(column.name, plan.name)
        return needed

    def drops_nested(self, into: str) -> bool:
        """Whether a nested value that cannot be read leaves its column blank: no field needs it."""
        users = [plan for plan in self.plans if any(column.name == into for column in plan.columns)]
        return all(plan.drops for plan in users)

    @cached_property
    def required_columns(self) -> frozenset[str]:
        """Source columns of required fields."""
        needed = {column.name for plan in self.plans if plan.required for column in plan.columns}
        return frozenset(needed & set(self.source_columns))

    @cached_property
    def optional_columns(self) -> frozenset[str]:
        """Source columns that the mapping allows to be missing (`may_be_missing` on every use)."""
        by_name: dict[str, list[Column]] = {}
        for column in (column for plan in self.plans for column in plan.columns):
            by_name.setdefault(column.name, []).append(column)
        return frozenset(name for name, uses in by_name.items() if all(use.may_be_missing for use in uses))


def load_mapping(path: str | Path, kind: str | None = None, strict: bool = False) -> Mapping:
    """Loads a mapping from a YAML file; `kind` overrides the file's, `strict` its `unreadable`.

    Raises MappingError; its message names the file, the key and the allowed values.
    """
    text = mapping_text(path)
    try:
        return parse_mapping(text, kind, strict)
    except MappingError as error:
        raise MappingError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def mapping_text(path: str | Path) -> str:
    """The text of a mapping file. Raises MappingError where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingError(f"cannot read the mapping {path}: {error.strerror}") from None
    except UnicodeError as error:
        raise MappingError(f"cannot read the mapping {path}: {error}") from None


def parse_mapping(text: str, kind: str | None = None, strict: bool = False) -> Mapping:
    """Parses a mapping from YAML text; `kind` overrides the text's, `strict` its `unreadable`. Raises MappingError."""
    document = load_yaml(text)
    if not isinstance(document, dict):
        raise MappingError("the file must be a YAML mapping with the keys kind, fields …")
    try:
        file = MappingFile.model_validate(document)
    except ValidationError as error:
        raise MappingError(validation_message(error)) from None
    return _compile(file.model_copy(update={"unreadable": "reject"}) if strict else file, kind or file.kind)


def _compile(file: MappingFile, kind: str | None) -> Mapping:
    if kind not in TARGETS:
        found = "the key 'kind' is required" if kind is None else f"kind: {kind!r} is not allowed"
        raise MappingError(f"{found}; allowed: {', '.join(TARGETS)}")
    target = TARGETS[kind]
    nested = compile_nested(file, target)
    check_key_path(file.key_path)
    if file.delay_days is not None and kind != "label":
        raise MappingError("delay_days: allowed for kind label only (of a transaction's own label: label.delay_days)")
    label = None
    if file.label is not None:
        if kind != "transaction":
            raise MappingError(f"label: allowed for kind transaction only, not {kind}")
        label = compile_label(file, file.label)
    return Mapping(
        target=target,
        fields=compile_fields(file, target),
        attributes=compile_attributes(file, target),
        label=label,
        nested=nested,
        extras=compile_extras(file),
        negative_is_refund=any(spec.negative == "refund" or spec.credit is not None for spec in file.fields.values()),
        minor_units=any(spec.minor_units for spec in file.fields.values()),
        delay_ms=None if file.delay_days is None else round(file.delay_days * MS_PER_DAY),
        key_path=file.key_path,
        csv=file.csv,
    )
