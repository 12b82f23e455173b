"""Builds an ONNX graph node by node and writes its file; used by the converters."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Collects nodes and constants and gives them names."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, values):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind, inputs, output=None, **attributes):
        output = output or f"between_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def save(self, name, target, inputs, outputs):
        """Writes the model. `inputs`, `outputs`: {name: shape}, all float32."""

        def described(values):
            return [helper.make_tensor_value_info(value, TensorProto.FLOAT, shape) for value, shape in values.items()]

        body = helper.make_graph(self.nodes, name, described(inputs), described(outputs), self.constants)
        opset = helper.make_opsetid("", 13)
        model = helper.make_model(body, opset_imports=[opset], ir_version=8, producer_name="semblance")
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, target)
