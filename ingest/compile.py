"""Compiles the fields, attributes and label of a mapping file to plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ingest.errors import MappingError
from ingest.field_plans import field_plan
from ingest.plan import Column, FieldPlan, LabelPlan
from ingest.schema import FieldSpec, LabelSpec, MappingFile
from ingest.suggestion import did_you_mean, listed
from ingest.targets import ATTRIBUTES, FIELD_TYPES, TARGETS, FieldType, Target
from udfs.records.attribute_values import MAX_ATTRIBUTES, is_attribute_name

EXTRA_PREFIX = "extra."
MS_PER_DAY = 86_400_000
_LABEL_TYPES = {**FIELD_TYPES, "pattern": FieldType.TEXT}


def compile_fields(file: MappingFile, target: Target) -> tuple[FieldPlan, ...]:
    """Plans of the record's fields, including those that `nested` fills. Raises MappingError."""
    for name in file.fields:
        if name not in target.field_names:
            suggestion = did_you_mean(name, target.field_names)
            allowed = listed(target.field_names)
            raise MappingError(f"fields: unknown field {name!r} of {target.kind}{suggestion}; allowed: {allowed}")
    filled_by_nested = {nested.into for nested in file.nested} & set(target.field_names) - set(file.fields)
    specs = {**file.fields, **{name: FieldSpec(column=name) for name in sorted(filled_by_nested)}}
    _check_minor_units(file, specs)
    required = _required(target, file, set(specs))
    missing = sorted(required - set(specs))
    if missing:
        raise MappingError(f"fields: {target.kind} requires {listed(missing)}")
    return tuple(_field(name, spec, target, file, name in required) for name, spec in specs.items())


def _required(target: Target, file: MappingFile, mapped: set[str]) -> set[str]:
    """The fields that the mapping has to fill. A label without user and time is joined with its transaction."""
    required = set(target.required)
    if target.kind == "label" and not mapped & {"user_id", "timestamp"}:
        required -= {"user_id", "timestamp"}
        if file.delay_days is not None:
            required.discard("known_at")
    return required


def _check_minor_units(file: MappingFile, specs: Mapping[str, FieldSpec]) -> None:
    """Raises MappingError for `minor_units` without a currency to take them from."""
    for name, spec in specs.items():
        if spec.minor_units and "currency" not in specs:
            raise MappingError(f"fields.{name}.minor_units: needs the field currency, whose minor unit it is")
        if spec.minor_units and spec.scale is not None:
            raise MappingError(f"fields.{name}.minor_units: is not allowed with `scale`")


def _field(name: str, spec: FieldSpec, target: Target, file: MappingFile, required: bool) -> FieldPlan:
    absent = target.absent_value(name)
    try:
        return field_plan(name, FIELD_TYPES[name], spec, file, required=required, absent=absent)
    except MappingError as error:
        raise MappingError(f"fields.{name}.{error}") from None


def compile_attributes(file: MappingFile, target: Target) -> tuple[FieldPlan, ...]:
    """Plans of the attributes, in the order of the file. Raises MappingError."""
    if file.attributes and not target.has_attributes:
        allowed = listed([kind for kind, other in TARGETS.items() if other.has_attributes])
        raise MappingError(f"attributes: allowed for kinds {allowed} only, not {target.kind}")
    if len(file.attributes) > MAX_ATTRIBUTES:
        raise MappingError(f"attributes: {len(file.attributes)} given, at most {MAX_ATTRIBUTES} are allowed")
    plans = []
    for name, spec in file.attributes.items():
        if not is_attribute_name(name):
            raise MappingError(f"attributes: {name!r} is not a valid name; allowed: a-z, then up to 31 of a-z, 0-9, _")
        try:
            plan = field_plan(name, FieldType.ATTRIBUTE, spec, file, required=False, absent=None)
            plans.append(replace(plan, section=ATTRIBUTES))
        except MappingError as error:
            raise MappingError(f"attributes.{name}.{error}") from None
    return tuple(plans)


def compile_extras(file: MappingFile) -> tuple[FieldPlan, ...]:
    """Plans of the columns of extra.jsonl; `nested` has converted their values already."""
    return tuple(
        FieldPlan(
            nested.into.removeprefix(EXTRA_PREFIX),
            read=lambda value: value,
            columns=(Column(nested.into),),
            drops=file.unreadable == "drop",
        )
        for nested in file.nested
        if nested.into.startswith(EXTRA_PREFIX)
    )


def compile_label(file: MappingFile, spec: LabelSpec) -> LabelPlan:
    """Plan of the label section. Raises MappingError."""
    if spec.delay_days is None and spec.known_at is None:
        raise MappingError("label: delay_days or known_at is required")
    plans: dict[str, FieldPlan] = {}
    for name, field_spec in label_fields(spec).items():
        try:
            plan = field_plan(name, _LABEL_TYPES[name], field_spec, file, required=False, absent=None)
            plans[name] = replace(plan, section="label")
        except MappingError as error:
            raise MappingError(f"label.{name}.{error}") from None
    return LabelPlan(
        is_fraud=plans["is_fraud"],
        delay_ms=None if spec.delay_days is None else round(spec.delay_days * MS_PER_DAY),
        known_at=plans.get("known_at"),
        pattern=plans.get("pattern"),
        resolution_code=plans.get("resolution_code"),
    )


def label_fields(spec: LabelSpec) -> dict[str, FieldSpec]:
    """The fields that a label section sets, by name."""
    fields = {
        "is_fraud": spec.is_fraud,
        "known_at": spec.known_at,
        "pattern": spec.pattern,
        "resolution_code": spec.resolution_code,
    }
    return {name: field_spec for name, field_spec in fields.items() if field_spec is not None}
