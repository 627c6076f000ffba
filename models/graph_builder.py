"""Builds an ONNX graph node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from udfs.scoring.bundle import INPUT

IR_VERSION = 9
OPSET = 18
ML_DOMAIN = "ai.onnx.ml"
ML_OPSET = 3


class Graph:
    """Builder of an ONNX graph over one input of `width` columns; each method returns the name of the added value."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._signed = ""

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Add a float32 array of at least one dimension."""
        array = np.ascontiguousarray(np.asarray(value, np.float32))
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def scalar(self, name: str, value: float) -> str:
        """Add a float32 scalar."""
        self._constants.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def integers(self, name: str, value: npt.NDArray[np.int64], kind: type[np.integer[Any]] = np.int64) -> str:
        """Add an integer array."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def flags(self, name: str, value: npt.NDArray[np.bool_]) -> str:
        """Add a bool array."""
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        self._nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def trees(self, output: str, targets: int, **attributes: Any) -> str:
        """Add a tree ensemble over the columns [x, -x]; see `trees.split_attributes`."""
        if not self._signed:
            negative = self.node("Neg", [INPUT], "negative")
            self._signed = self.node("Concat", [INPUT, negative], "signed", axis=1)
        return self.node("TreeEnsembleRegressor", [self._signed], output, ML_DOMAIN, n_targets=targets, **attributes)

    def serialize(self, output: str, columns: int) -> bytes:
        """Check the graph and return it as bytes; `output` has the shape [N, columns]."""
        graph = helper.make_graph(
            self._nodes,
            "fraud",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", self.width])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", columns])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="fraud")
        checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
