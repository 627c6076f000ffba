"""Model bundles: the folder that training writes and the scorer loads. A bundle with any invalid part is refused."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime as ort

from udfs.records.attributes import Attribute
from udfs.rules.rule_map import RuleMap
from udfs.scoring.evaluation import Evaluate, open_evaluation, open_session, rows_to_compare

FORMAT_VERSION = 2
MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
EXPLAIN_FILE = "explain.onnx"
INPUT = "x"
MODEL_OUTPUT = "out"
EXPLAIN_OUTPUT = "contributions"
SUMMARY_COLUMNS = 3  # probability, margin, anomaly; one squared error a feature follows
QUANTILE_LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

_DIFFERENCES_SHOWN = 3
_VERSION_LENGTH = 16


class BundleError(ValueError):
    """The bundle cannot be used; the message gives cause and remedy."""


class BlendWeights(msgspec.Struct, frozen=True):
    """probability = sigmoid(margin * xgboost margin + log_error * ln(anomaly) + offset)."""

    margin: float
    log_error: float
    offset: float


class DecisionModel(msgspec.Struct, frozen=True, kw_only=True):
    """The blend of model and rules to one probability, and the thresholds of the actions.

    P = sigmoid(model_weight * logit(model's P) + rules_weight * (logit(rate(points)) - logit(rate(0))) + offset), with
    the rates of the rule set's map in `rule_maps`. The defaults give the model's probability. Risk scores above a
    threshold get its action. `budget`: the targets of the thresholds and their results on the calibration slice, as JSON
    values. `unusual_above`: the least `anomaly` of an unusual payment (None: none is). If a transaction's coverage is
    below `coverage_floor`, its score alone gives at most refer_to_analyst.
    """

    model_weight: float = 1.0
    rules_weight: float = 0.0
    offset: float = 0.0
    rule_maps: tuple[RuleMap, ...] = ()
    refer_above: int = 500
    soft_challenge_above: int = 700
    hard_block_above: int = 900
    budget: dict[str, Any] = {}
    unusual_above: float | None = None
    coverage_floor: float = 0.0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Contents and training of a bundle. Reproducible: nothing depends on time or place of the training.

    `version`: hash of all other fields. `files`: SHA-256 of each file. Tuples with one value a feature: `error_means` and
    `error_deviations` of the squared reconstruction error (scaled units), over legitimate training rows where the feature
    was known; `importance`, its share in the trees' contributions (sum 1); `quantiles` at `quantile_levels`, in the
    feature's unit, over the same rows (None if never known). `margin_bias`: the base value of contributions. `groups`:
    positions of the features by input group. `group_known`: share of training rows in which the group was known.
    `attributes`: custom attributes that the features are computed from.
    """

    format_version: int
    name: str
    version: str
    feature_set_version: str
    feature_names: tuple[str, ...]
    error_means: tuple[float, ...]
    error_deviations: tuple[float, ...]
    margin_bias: float
    blend: BlendWeights
    settings: dict[str, Any]
    description: dict[str, Any]
    metrics: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, str]
    attributes: tuple[Attribute, ...] = ()
    groups: dict[str, tuple[int, ...]] = {}
    group_known: dict[str, float] = {}
    importance: tuple[float, ...]
    quantile_levels: tuple[float, ...] = QUANTILE_LEVELS
    quantiles: tuple[tuple[float | None, ...], ...]
    decision: DecisionModel = DecisionModel()


class _FormatProbe(msgspec.Struct):
    format_version: int


_decode_format = msgspec.json.Decoder(_FormatProbe).decode
_decode_manifest = msgspec.json.Decoder(Manifest).decode


@dataclass(frozen=True)
class Bundle:
    """A validated bundle with its two graphs loaded.

    `model` gives the summary and the features' squared errors, `explainer` their contributions.
    """

    manifest: Manifest
    model: Evaluate
    explainer: Evaluate


def content_version(manifest: Manifest) -> str:
    """The first 16 hex digits of the SHA-256 over the manifest without its version (file hashes included)."""
    return sha256(encode_manifest(msgspec.structs.replace(manifest, version=""))).hexdigest()[:_VERSION_LENGTH]


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as indented JSON; deterministic."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)


def read_manifest(directory: str | Path) -> Manifest:
    """The manifest of the bundle in `directory`, checked against its own hash.

    Raises BundleError if folder or manifest is missing, unreadable, of another format version, or was modified.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such bundle folder; train one or give the path of an existing one")
    payload = _read(folder / MANIFEST_FILE)
    try:
        found = _decode_format(payload).format_version
        if found != FORMAT_VERSION:
            raise BundleError(
                f"{folder / MANIFEST_FILE}: bundle format {found}, this software reads format {FORMAT_VERSION}; "
                "train the bundle again or run the software that made it"
            )
        manifest = _decode_manifest(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(
            f"{folder / MANIFEST_FILE}: not a bundle manifest ({error}); copy or train it again"
        ) from None
    if content_version(manifest) != manifest.version:
        raise BundleError(
            f"{folder / MANIFEST_FILE}: its content does not match its version {manifest.version!r}; "
            "it was edited or damaged: copy or train the bundle again"
        )
    return manifest


def load_bundle(directory: str | Path, feature_names: tuple[str, ...], feature_set_version: str) -> Bundle:
    """Load the bundle in `directory` for a scorer that computes `feature_names`, in that order.

    Blocks while the graphs are loaded and run once. Raises BundleError if a file is missing, damaged or of another format
    version, if the bundle was trained for another feature set, or if a graph has other inputs or outputs.
    """
    folder = Path(directory)
    manifest = read_manifest(folder)
    _check_feature_set(folder, manifest, feature_names, feature_set_version)
    width = len(feature_names)
    for field in ("error_means", "error_deviations", "importance", "quantiles"):
        if len(getattr(manifest, field)) != width:
            raise BundleError(f"{folder / MANIFEST_FILE}: {field} does not hold one value a feature; train it again")
    _check_parts(folder / MANIFEST_FILE, manifest)
    model = _load_graph(folder / MODEL_FILE, manifest, MODEL_OUTPUT, width, SUMMARY_COLUMNS + width)
    explainer = _load_graph(folder / EXPLAIN_FILE, manifest, EXPLAIN_OUTPUT, width, width)
    rows = rows_to_compare(manifest.quantiles)
    return Bundle(manifest, open_evaluation(*model, rows), open_evaluation(*explainer, rows))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing; the bundle is incomplete: copy or train it again") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def _check_feature_set(folder: Path, manifest: Manifest, names: tuple[str, ...], version: str) -> None:
    if manifest.feature_set_version == version and manifest.feature_names == names:
        return
    differing = [
        f"position {position}: {theirs or 'nothing'} in the bundle, {ours or 'nothing'} here"
        for position, (theirs, ours) in enumerate(zip_longest(manifest.feature_names, names))
        if theirs != ours
    ]
    shown = "; ".join(differing[:_DIFFERENCES_SHOWN]) or "the names agree, so the unit or formula of a feature changed"
    more = f"; and {len(differing) - _DIFFERENCES_SHOWN} more" if len(differing) > _DIFFERENCES_SHOWN else ""
    raise BundleError(
        f"{folder}: trained for feature set {manifest.feature_set_version}, this software computes feature set "
        f"{version} ({shown}{more}); train the bundle again or run the software that made it"
    )


def _check_parts(path: Path, manifest: Manifest) -> None:
    """Validate the manifest's features, groups and decision. Raises BundleError."""
    width, decision = len(manifest.feature_names), manifest.decision
    if any(len(row) != len(manifest.quantile_levels) for row in manifest.quantiles):
        raise BundleError(f"{path}: quantiles does not hold one value a level; train it again")
    if any(not 0 <= position < width for positions in manifest.groups.values() for position in positions):
        raise BundleError(f"{path}: groups names a feature that there is not; train it again")
    if manifest.groups.keys() != manifest.group_known.keys():
        raise BundleError(f"{path}: group_known does not name the groups; train it again")
    if not (decision.model_weight > 0.0 and decision.rules_weight >= 0.0):
        raise BundleError(f"{path}: decision.model_weight must be above 0 and rules_weight not below; train it again")
    if not 0 <= decision.refer_above <= decision.soft_challenge_above <= decision.hard_block_above <= 1000:
        raise BundleError(f"{path}: decision's thresholds must rise from refer_above to hard_block_above, 0 to 1000")


def _load_graph(
    path: Path, manifest: Manifest, output: str, width: int, columns: int
) -> tuple[bytes, ort.InferenceSession]:
    graph = _read(path)
    if sha256(graph).hexdigest() != manifest.files.get(path.name):
        raise BundleError(
            f"{path}: does not match the hash in {MANIFEST_FILE}; damaged: copy or train the bundle again"
        )
    wrong_shape = BundleError(
        f"{path}: the graph must take float32 {INPUT!r} [N, {width}] and give float32 {output!r} [N, {columns}] alone; "
        "train the bundle again"
    )
    try:
        session = open_session(graph)
        described = [(part.name, part.type, part.shape[1:]) for part in (*session.get_inputs(), *session.get_outputs())]
        if described != [(INPUT, "tensor(float)", [width]), (output, "tensor(float)", [columns])]:
            raise wrong_shape
        result = session.run([output], {INPUT: np.full((2, width), np.nan, np.float32)})[0]
    except BundleError:
        raise
    except Exception as error:  # the runtime's exceptions share no base class below this one
        raise BundleError(f"{path}: not a usable ONNX graph ({error}); train the bundle again") from None
    if result.shape != (2, columns) or not np.isfinite(result).all():
        raise wrong_shape
    return graph, session
