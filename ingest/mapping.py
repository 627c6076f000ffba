"""A mapping file, read, checked and ready to use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from ingest.compile import compile_attributes, compile_extras, compile_fields, compile_label
from ingest.compile_nested import compile_nested
from ingest.errors import MappingError
from ingest.nested import NestedPlan
from ingest.plan import Column, FieldPlan, LabelPlan
from ingest.schema import CsvSpec, MappingFile
from ingest.schema_messages import message_of
from ingest.stream_key import check_key_path
from ingest.targets import TARGETS, Target
from ingest.yaml_text import load_yaml


@dataclass(frozen=True)
class Mapping:
    """What each row of a source becomes: `fields` and `attributes` make the record, `label` its outcome, `extras` the
    columns beside it.

    `key_path` is the JSON path at which a stream of the same rows has its user's id.
    """

    target: Target
    fields: tuple[FieldPlan, ...]
    attributes: tuple[FieldPlan, ...]
    label: LabelPlan | None
    nested: tuple[NestedPlan, ...]
    extras: tuple[FieldPlan, ...]
    negative_is_refund: bool
    key_path: str
    csv: CsvSpec

    @property
    def kind(self) -> str:
        return self.target.kind

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.fields)

    @cached_property
    def attribute_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.attributes)

    @cached_property
    def record_plans(self) -> tuple[FieldPlan, ...]:
        """What the record itself is made of: its fields, then its attributes."""
        return self.fields + self.attributes

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.label.plans) if self.label else ()

    @cached_property
    def needs_event_id(self) -> bool:
        """True where the kind has event ids and the source does not."""
        return "event_id" in self.target.field_names and "event_id" not in self.field_names

    @cached_property
    def plans(self) -> tuple[FieldPlan, ...]:
        """Every value that is read from a row, in this order: the record's, the label's, the extra ones."""
        return self.record_plans + (self.label.plans if self.label else ()) + self.extras

    @cached_property
    def source_columns(self) -> dict[str, str]:
        """The columns that the source must have, each with what needs it."""
        made_here = {nested.into for nested in self.nested}
        needed = {nested.column: nested.into for nested in self.nested}
        for plan in self.plans:
            for column in plan.columns:
                if column.name not in made_here:
                    needed.setdefault(column.name, plan.name)
        return needed

    @cached_property
    def required_columns(self) -> frozenset[str]:
        """Those of the source's columns that no row can do without."""
        needed = {column.name for plan in self.plans if plan.required for column in plan.columns}
        return frozenset(needed & set(self.source_columns))

    @cached_property
    def optional_columns(self) -> frozenset[str]:
        """Those of the source's columns that may be missing altogether."""
        by_name: dict[str, list[Column]] = {}
        for column in (column for plan in self.plans for column in plan.columns):
            by_name.setdefault(column.name, []).append(column)
        return frozenset(name for name, uses in by_name.items() if all(use.may_be_missing for use in uses))


def load_mapping(path: str | Path, kind: str | None = None) -> Mapping:
    """The mapping in a YAML file; `kind` takes the place of the file's.

    Raises MappingError, whose message names the file, the key and what is allowed there.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise MappingError(f"cannot read the mapping {path}: {error}") from None
    try:
        return parse_mapping(text, kind)
    except MappingError as error:
        raise MappingError(f"{path}: {error}") from None


def parse_mapping(text: str, kind: str | None = None) -> Mapping:
    """The mapping in a YAML text. Raises MappingError."""
    document = load_yaml(text)
    if not isinstance(document, dict):
        raise MappingError("the file needs keys at its top: kind, fields …")
    try:
        file = MappingFile.model_validate(document)
    except ValidationError as error:
        raise MappingError(message_of(error)) from None
    return _compiled(file, kind or file.kind)


def _compiled(file: MappingFile, kind: str | None) -> Mapping:
    if kind not in TARGETS:
        found = "the key 'kind' is needed" if kind is None else f"kind: {kind!r} is not allowed"
        raise MappingError(f"{found}; allowed: {', '.join(TARGETS)}")
    target = TARGETS[kind]
    nested = compile_nested(file, target)
    check_key_path(file.key_path)
    label = None
    if file.label is not None:
        if kind != "transaction":
            raise MappingError(f"label: only rows of kind transaction have one, not {kind}")
        label = compile_label(file, file.label)
    return Mapping(
        target=target,
        fields=compile_fields(file, target),
        attributes=compile_attributes(file, target),
        label=label,
        nested=nested,
        extras=compile_extras(file),
        negative_is_refund=any(spec.negative == "refund" for spec in file.fields.values()),
        key_path=file.key_path,
        csv=file.csv,
    )
