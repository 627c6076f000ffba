"""The fields and the label of a mapping file as plans, or a MappingError that names the key."""

from __future__ import annotations

from ingest.errors import MappingError
from ingest.field_plans import field_plan
from ingest.plan import Column, FieldPlan, LabelPlan
from ingest.schema import FieldSpec, LabelSpec, MappingFile
from ingest.suggestion import did_you_mean, listed
from ingest.targets import FIELD_TYPES, TARGETS, FieldType, Target
from udfs.attribute_values import MAX_ATTRIBUTES, is_attribute_name

EXTRA_PREFIX = "extra."
MILLISECONDS_A_DAY = 86_400_000
_LABEL_TYPES = {**FIELD_TYPES, "pattern": FieldType.TEXT}


def compile_fields(file: MappingFile, target: Target) -> tuple[FieldPlan, ...]:
    """The plans of the record's fields, those that are filled by `nested` included. Raises MappingError."""
    for name in file.fields:
        if name not in target.field_names:
            suggestion = did_you_mean(name, target.field_names)
            allowed = listed(target.field_names)
            raise MappingError(f"fields: unknown field {name!r} of {target.kind}{suggestion}; allowed: {allowed}")
    filled_by_nested = {nested.into for nested in file.nested} & set(target.field_names) - set(file.fields)
    specs = {**file.fields, **{name: FieldSpec(column=name) for name in sorted(filled_by_nested)}}
    missing = sorted(target.required - set(specs))
    if missing:
        raise MappingError(f"fields: {target.kind} needs {listed(missing)} too")
    return tuple(_field(name, spec, target, file) for name, spec in specs.items())


def _field(name: str, spec: FieldSpec, target: Target, file: MappingFile) -> FieldPlan:
    absent = target.absent_value(name)
    try:
        return field_plan(name, FIELD_TYPES[name], spec, file, required=name in target.required, absent=absent)
    except MappingError as error:
        raise MappingError(f"fields.{name}.{error}") from None


def compile_attributes(file: MappingFile, target: Target) -> tuple[FieldPlan, ...]:
    """The plans of the attributes, by their names. Raises MappingError."""
    if file.attributes and not target.has_attributes:
        allowed = listed([kind for kind, other in TARGETS.items() if other.has_attributes])
        raise MappingError(f"attributes: only rows of kind {allowed} have some, not {target.kind}")
    if len(file.attributes) > MAX_ATTRIBUTES:
        raise MappingError(f"attributes: {len(file.attributes)} of them, at most {MAX_ATTRIBUTES} are allowed")
    plans = []
    for name, spec in file.attributes.items():
        if not is_attribute_name(name):
            raise MappingError(f"attributes: {name!r} is no name; allowed: a-z, then up to 31 of a-z, 0-9 and _")
        try:
            plans.append(field_plan(name, FieldType.ATTRIBUTE, spec, file, required=False, absent=None))
        except MappingError as error:
            raise MappingError(f"attributes.{name}.{error}") from None
    return tuple(plans)


def compile_extras(file: MappingFile) -> tuple[FieldPlan, ...]:
    """The plans of the columns that go into the extra file, as their nested section typed them."""
    return tuple(
        FieldPlan(nested.into.removeprefix(EXTRA_PREFIX), read=lambda value: value, columns=(Column(nested.into),))
        for nested in file.nested
        if nested.into.startswith(EXTRA_PREFIX)
    )


def compile_label(file: MappingFile, spec: LabelSpec) -> LabelPlan:
    """The plan of the label section. Raises MappingError."""
    if (spec.delay_days is None) == (spec.known_at is None):
        raise MappingError("label: exactly one of delay_days and known_at is needed")
    plans: dict[str, FieldPlan] = {}
    for name, field_spec in label_fields(spec).items():
        try:
            plans[name] = field_plan(name, _LABEL_TYPES[name], field_spec, file, required=False, absent=None)
        except MappingError as error:
            raise MappingError(f"label.{name}.{error}") from None
    return LabelPlan(
        is_fraud=plans["is_fraud"],
        delay_ms=round((spec.delay_days or 0) * MILLISECONDS_A_DAY),
        known_at=plans.get("known_at"),
        pattern=plans.get("pattern"),
        resolution_code=plans.get("resolution_code"),
    )


def label_fields(spec: LabelSpec) -> dict[str, FieldSpec]:
    """The fields of a label section that are given."""
    every = {
        "is_fraud": spec.is_fraud,
        "known_at": spec.known_at,
        "pattern": spec.pattern,
        "resolution_code": spec.resolution_code,
    }
    return {name: field_spec for name, field_spec in every.items() if field_spec is not None}
