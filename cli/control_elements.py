"""Builds the control elements of `fraud control publish`: assigns versions and checks each element."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import msgspec
from pydantic import TypeAdapter, ValidationError

from cli.errors import UserError
from jobs.config.running_job import RunningJobConfig
from jobs.config.value_types import Timestamp
from jobs.control.channel import Published, newest
from jobs.control.checking import check_element
from jobs.control.in_force import InForce, versions_at_start
from udfs.control.elements import (
    BLOCK_LIST,
    BUNDLE,
    CANDIDATE_RULES,
    LIST,
    RULES,
    THRESHOLDS,
    BlockListControl,
    BundleControl,
    CandidateControl,
    ControlElement,
    ControlError,
    RulesControl,
    ThresholdsControl,
    decode_control,
)
from udfs.features.feature_set import feature_set_of
from udfs.records.profiles import BlockType
from udfs.rules.list_files import ListFileError
from udfs.rules.pack_files import RuleFileError, load_rule_set
from udfs.scoring.bundle import BundleError, load_bundle, read_manifest


class Request(NamedTuple):
    """The options of `fraud control publish`, as given."""

    file: Path | None
    rules: Path | None
    thresholds: str | None
    blocked: tuple[str, ...]
    unblocked: tuple[str, ...]
    reason: str | None
    source: str | None
    expires: str | None
    bundle: Path | None
    version: int | None
    author: str | None = None
    note: str | None = None
    candidates: tuple[str, ...] = ()
    removed_candidates: tuple[str, ...] = ()


def start_versions(config: RunningJobConfig) -> dict[str, int]:
    """The versions that the job starts with. Raises UserError for a file of rules or lists that cannot be read."""
    try:
        return versions_at_start(config)
    except (RuleFileError, ListFileError) as error:
        raise UserError(str(error)) from None


def elements_of(
    request: Request, config: RunningJobConfig, published: list[Published], now_ms: int
) -> list[ControlElement]:
    """The elements to publish, each checked as the job checks it. Raises UserError, ControlError."""
    if not (request.blocked or request.unblocked) and (request.reason or request.source or request.expires):
        raise UserError("--reason, --source and --expires belong to --block")
    requested = _requested_elements(request, _Versions(request.version, config, published))
    elements = [_published_by(element, request, now_ms) for element in requested]
    if not elements:
        raise UserError(
            "nothing to publish: give FILE, --rules, --candidate, --remove-candidate, --thresholds, --block, --unblock or "
            "--bundle"
        )
    return checked_elements(elements, config, published, now_ms)


def checked_elements(
    elements: list[ControlElement], config: RunningJobConfig, published: list[Published], now_ms: int
) -> list[ControlElement]:
    """The elements, each checked as the job checks it after those before it. Raises UserError, ControlError."""
    known = {key: record.element.version for key, record in newest(published).items() if record.element is not None}
    starts = start_versions(config)
    in_force = InForce.of(config, published, now_ms)
    for element in elements:
        latest = max(known.get(element.key, 0), starts.get(element.key, 0))
        if element.version <= latest:
            raise UserError(
                f"{element.key} version {element.version} would be ignored: version {latest} is the newest; "
                "omit --version to use the next one"
            )
        known[element.key] = element.version
        _check(element, config, in_force)
        in_force = in_force.after(element)
    return elements


def _published_by(element: ControlElement, request: Request, now_ms: int) -> ControlElement:
    """The element with author, note and time of its publication, unless it has them already."""
    if isinstance(element, BlockListControl) and element.published_at is None:
        element = msgspec.structs.replace(element, published_at=now_ms)
    return msgspec.structs.replace(element, author=element.author or request.author, note=element.note or request.note)


class _Versions:
    """The next version of each kind: one above the highest published version and the start-up version."""

    def __init__(self, given: int | None, config: RunningJobConfig, published: list[Published]) -> None:
        self._given = given
        self._highest = start_versions(config) | {BLOCK_LIST: 0, LIST: 0}
        for record in published:
            if record.element is not None:
                kind = record.element.key.partition("/")[0]
                self._highest[kind] = max(self._highest.get(kind, 0), record.element.version)

    def next(self, kind: str, at_least: int = 1) -> int:
        if self._given is not None:
            return self._given
        self._highest[kind] = version = max(self._highest.get(kind, 0) + 1, at_least)
        return version


def _requested_elements(request: Request, versions: _Versions) -> Iterator[ControlElement]:
    if request.file is not None:
        yield from _elements_of_file(request.file)
    if request.rules is not None:
        try:
            rule_set = load_rule_set(request.rules)
        except RuleFileError as error:
            raise UserError(str(error)) from None
        version = versions.next(RULES, at_least=rule_set.version)
        yield RulesControl(msgspec.structs.replace(rule_set, version=version))
    for named in request.candidates:
        yield _candidate(named, versions.next(CANDIDATE_RULES))
    for name in request.removed_candidates:
        yield CandidateControl(version=versions.next(CANDIDATE_RULES), set=name)
    if request.thresholds is not None:
        yield _thresholds(request.thresholds, versions.next(THRESHOLDS))
    expires_at = _expiry(request.expires)
    for party in request.blocked:
        kind, value = _party(party)
        yield BlockListControl(
            version=versions.next(BLOCK_LIST), type=kind, value=value, reason_code=request.reason,
            source_system=request.source, expires_at=expires_at,
        )  # fmt: skip
    for party in request.unblocked:
        kind, value = _party(party)
        yield BlockListControl(version=versions.next(BLOCK_LIST), type=kind, value=value, blocked=False)
    if request.bundle is not None:
        folder = request.bundle.absolute()
        yield BundleControl(version=versions.next(BUNDLE), path=str(folder), bundle=_bundle_version(folder))


def _elements_of_file(file: Path) -> Iterator[ControlElement]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        try:
            yield decode_control(line)
        except ControlError as error:
            raise UserError(f"{file}, line {number}: {error}") from None


def _candidate(named: str, version: int) -> CandidateControl:
    name, separator, file = named.partition("=")
    if not separator or not name or not file:
        raise UserError(f"--candidate {named!r}: expected NAME=FILE like stricter=my-rules.yaml")
    try:
        rule_set = load_rule_set(Path(file))
    except RuleFileError as error:
        raise UserError(str(error)) from None
    return CandidateControl(version=version, set=name, rule_set=rule_set)


def _thresholds(text: str, version: int) -> ThresholdsControl:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--thresholds {text!r}: expected three whole numbers like 500,700,900")
    refer, challenge, block = (int(part) for part in parts)
    return ThresholdsControl(version=version, refer_to_analyst=refer, soft_challenge=challenge, hard_block=block)


def _party(text: str) -> tuple[BlockType, str]:
    kind, _, value = text.partition(":")
    kinds: tuple[Any, ...] = get_args(BlockType)
    if kind not in kinds or not value:
        raise UserError(f"{text!r}: expected TYPE:VALUE like user:U1, with TYPE one of {', '.join(kinds)}")
    return kind, value  # type: ignore[return-value]  # checked above


def _expiry(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return TypeAdapter(Timestamp).validate_python(text)
    except ValidationError as error:
        raise UserError(f"--expires: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _bundle_version(folder: Path) -> str:
    """The version of a bundle. Raises UserError if this program cannot load it.

    The bundle's attributes are not checked here: they must be those of the running job, which checks them.
    """
    try:
        features = feature_set_of(read_manifest(folder).attributes)
        return load_bundle(folder, features.names, features.version).manifest.version
    except BundleError as error:
        raise UserError(str(error)) from None


def _feature_names(config: RunningJobConfig) -> tuple[str, ...]:
    """Feature names of the job's bundle; without attributes, and with a warning, if the bundle cannot be read from here."""
    try:
        return feature_set_of(read_manifest(config.scoring.bundle).attributes).names
    except BundleError as error:
        click.echo(f"warning: the rules are checked without the attributes of the job's bundle: {error}", err=True)
        return feature_set_of().names


def _check(element: ControlElement, config: RunningJobConfig, in_force: InForce) -> None:
    """Check an element as the job does; a bundle is loaded. Prints warnings on rules."""
    for _, warning in check_element(element, in_force, lambda: _feature_names(config)):
        click.echo(f"warning: {warning}", err=True)
    if isinstance(element, BundleControl) and _bundle_version(Path(element.path)) != element.bundle:
        raise UserError(f"{element.path} does not hold bundle {element.bundle}")
