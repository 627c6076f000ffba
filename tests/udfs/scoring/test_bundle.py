"""A bundle is loaded completely or refused with cause and remedy."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest
from onnx import TensorProto, helper

from models.train import train_bundle
from tests.models.synthetic import FEATURE_SET_VERSION, GROUPS, NAMES, TINY, synthetic_frame
from udfs.records.attributes import Attribute
from udfs.rules.rule_map import RuleMap
from udfs.scoring.bundle import (
    BundleError,
    DecisionModel,
    Manifest,
    content_version,
    encode_manifest,
    load_bundle,
    read_manifest,
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    train_bundle(synthetic_frame(1_500), folder, TINY)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "copy"))


def rewrite(folder: Path, **changes: object) -> Manifest:
    """Rewrites the manifest with these changes and a matching version."""
    changed = msgspec.structs.replace(read_manifest(folder), **changes)
    changed = msgspec.structs.replace(changed, version=content_version(changed))
    (folder / "manifest.json").write_bytes(encode_manifest(changed))
    return changed


def put_graph(folder: Path, name: str, content: bytes) -> None:
    rewrite(folder, files={**read_manifest(folder).files, name: sha256(content).hexdigest()})
    (folder / name).write_bytes(content)


def graph(inputs: int, outputs: int, input_name: str = "x", output_name: str = "out", value: float = 0.5) -> bytes:
    """A linear ONNX graph of the given widths."""
    node = helper.make_node("MatMul", ["known", "w"], [output_name])
    known = helper.make_node("Imputer", [input_name], ["known"], domain="ai.onnx.ml",
                             imputed_value_floats=[1.0], replaced_value_float=float("nan"))  # fmt: skip
    made = helper.make_graph(
        [known, node],
        "linear",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["N", inputs])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["N", outputs])],
        [helper.make_tensor("w", TensorProto.FLOAT, [inputs, outputs], np.full(inputs * outputs, value, np.float32))],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString())


def refusal(folder: Path, names: tuple[str, ...] = NAMES, version: str = FEATURE_SET_VERSION) -> str:
    with pytest.raises(BundleError) as refused:
        load_bundle(folder, names, version)
    return str(refused.value)


def test_a_valid_bundle_loads_with_manifest_and_both_graphs(folder: Path) -> None:
    bundle = load_bundle(str(folder), NAMES, FEATURE_SET_VERSION)
    assert bundle.manifest == read_manifest(folder)
    assert bundle.manifest.version == content_version(bundle.manifest)
    row = np.zeros((1, len(NAMES)), np.float32)
    assert bundle.model(row).shape == (1, 3 + len(NAMES))
    assert bundle.explainer(row).shape == (1, len(NAMES))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert "no such bundle folder" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "explain.onnx"])
def test_a_missing_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name}: missing; the bundle is incomplete" in refusal(folder)


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "explain.onnx"])
def test_a_file_that_cannot_be_read_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert f"{name}: cannot be read" in refusal(folder)


@pytest.mark.parametrize("name", ["model.onnx", "explain.onnx"])
@pytest.mark.parametrize("damage", ["one bit", "cut short", "empty"])
def test_a_damaged_graph_is_refused(folder: Path, name: str, damage: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"one bit": bytes(content), "cut short": bytes(content[:1000]), "empty": b""}[damage]
    (folder / name).write_bytes(damaged)
    assert f"{name}: does not match the hash in manifest.json" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format_version": 2}', b"\xff\xfe", b"[" * 100_000])
def test_an_invalid_manifest_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    assert "not a bundle manifest" in refusal(folder)


def test_an_edited_manifest_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 1', b'"seed": 2'))
    assert "edited or damaged" in refusal(folder)


def test_another_format_version_is_refused_with_both_numbers(folder: Path) -> None:
    for other in (1, 3):
        (folder / "manifest.json").write_bytes(b'{"format_version": %d, "something": "else"}' % other)
        assert f"bundle format {other}, this software reads format 2; train the bundle again" in refusal(folder)


def test_another_feature_set_is_refused_with_versions_and_differences(folder: Path) -> None:
    names = ("amount", "amount_ratio", "count_2h", *NAMES[3:], "extra")
    message = refusal(folder, names, "synthetic-2")
    assert "trained for feature set synthetic-1, this software computes feature set synthetic-2" in message
    assert (
        "position 2: count_1h in the bundle, count_2h here; position 12: nothing in the bundle, extra here" in message
    )
    assert "train the bundle again" in message


def test_many_differences_are_counted_instead_of_listed(folder: Path) -> None:
    message = refusal(folder, tuple(f"f{number}" for number in range(12)))
    assert "position 2: count_1h in the bundle, f2 here; and 9 more" in message


def test_a_changed_formula_is_refused_for_the_same_names(folder: Path) -> None:
    assert "the names agree, so the unit or formula of a feature changed" in refusal(folder, NAMES, "synthetic-2")


def test_features_in_another_order_are_refused_for_the_same_version(folder: Path) -> None:
    assert "position 0: amount in the bundle, sign here" in refusal(folder, NAMES[::-1])


@pytest.mark.parametrize("field", ["error_means", "error_deviations", "importance", "quantiles"])
def test_statistics_of_another_width_are_refused(folder: Path, field: str) -> None:
    rewrite(folder, **{field: ((1.0,) * 7,) if field == "quantiles" else (1.0,)})
    assert f"{field} does not hold one value a feature" in refusal(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantiles": ((1.0, 2.0),) * 12}, "quantiles does not hold one value a level"),
        ({"groups": {"device": (12,)}, "group_known": {"device": 1.0}}, "groups names a feature that there is not"),
        ({"group_known": {"device": 1.0}}, "group_known does not name the groups"),
        ({"decision": DecisionModel(model_weight=0.0)}, "decision.model_weight must be above 0"),
        ({"decision": DecisionModel(rules_weight=-0.1)}, "rules_weight not below"),
        ({"decision": DecisionModel(refer_above=800)}, "thresholds must rise from refer_above to hard_block_above"),
        ({"decision": DecisionModel(hard_block_above=1001)}, "0 to 1000"),
    ],
)
def test_an_inconsistent_manifest_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    rewrite(folder, **changes)
    assert message in refusal(folder)


def test_decision_groups_and_quantiles_survive_a_round_trip(folder: Path) -> None:
    rule_map = RuleMap("bank", 3, "0123456789abcdef", (0, 40), (0.001, 0.2), 900, 12)
    decision = DecisionModel(
        model_weight=0.9, rules_weight=0.4, offset=-0.1, rule_maps=(rule_map,), refer_above=300, unusual_above=4.5,
        coverage_floor=0.4, budget={"chosen_for": {"kind": "fixed"}},
    )  # fmt: skip
    attribute = Attribute("gender", "text", "profile")
    rewrite(folder, decision=decision, attributes=(attribute,), quantiles=((None,) * 7,) * 12)
    manifest = load_bundle(folder, NAMES, FEATURE_SET_VERSION).manifest
    assert (manifest.decision, manifest.attributes) == (decision, (attribute,))
    assert manifest.quantiles[3] == (None,) * 7
    assert manifest.groups == GROUPS
    assert manifest.quantile_levels == (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@pytest.mark.parametrize(
    "wrong",
    [
        graph(12, 14),
        graph(11, 15),
        graph(12, 15, input_name="features"),
        graph(12, 15, output_name="scores"),
        graph(12, 15, value=float("inf")),
    ],
    ids=["narrow output", "narrow input", "input name", "output name", "infinite output"],
)
def test_a_graph_of_another_shape_is_refused_with_the_expected_shape(folder: Path, wrong: bytes) -> None:
    put_graph(folder, "model.onnx", wrong)
    assert "must take float32 'x' [N, 12] and give float32 'out' [N, 15] alone" in refusal(folder)


def test_an_explaining_graph_of_another_shape_is_refused(folder: Path) -> None:
    put_graph(folder, "explain.onnx", graph(12, 15, output_name="contributions"))
    assert "explain.onnx: the graph must take" in refusal(folder)


def test_any_graph_of_the_right_shape_is_accepted(folder: Path) -> None:
    put_graph(folder, "model.onnx", graph(12, 15))
    assert load_bundle(folder, NAMES, FEATURE_SET_VERSION).manifest.name == "tiny"


def test_an_invalid_graph_is_refused_although_its_hash_matches(folder: Path) -> None:
    put_graph(folder, "model.onnx", b"not a graph")
    assert "model.onnx: not a usable ONNX graph" in refusal(folder)
