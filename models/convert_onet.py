"""Converts MTCNN's ONet (facenet-pytorch's onet.pt) to ONNX, without PyTorch.

Outputs: the face probability, and five points (x of all, then y of all, in 0..1 of the input). The regression of
the box is omitted.

usage: convert_onet.py SOURCE.pt TARGET.onnx
"""

import sys

import numpy as np
import onnx
import torch_state
from onnx import TensorProto, helper, numpy_helper


def convert(source, target):
    weights = torch_state.read(source)
    nodes, constants = [], []

    def constant(name, values):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weighted(name):
        return [constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    value = "input"
    for layer, (kernel, pool) in enumerate([(3, 3), (3, 3), (3, 2), (2, None)], start=1):
        value = add("Conv", [value, *weighted(f"conv{layer}")], f"conv{layer}", kernel_shape=[kernel, kernel])
        slope = constant(f"prelu{layer}.weight", weights[f"prelu{layer}.weight"].reshape(-1, 1, 1))
        value = add("PRelu", [value, slope], f"prelu{layer}")
        if pool:
            value = add("MaxPool", [value], f"pool{layer}", kernel_shape=[pool, pool], strides=[2, 2], ceil_mode=1)
    value = add("Transpose", [value], "columns_first", perm=[0, 3, 2, 1])
    value = add("Flatten", [value], "flat")
    value = add("Gemm", [value, *weighted("dense5")], "dense5", transB=1)
    value = add("PRelu", [value, constant("prelu5.weight", weights["prelu5.weight"])], "prelu5")
    value = add("Gemm", [value, *weighted("dense6_1")], "dense6_1", transB=1)
    add("Softmax", [value], "probability", axis=1)
    add("Gemm", ["prelu5", *weighted("dense6_3")], "points", transB=1)
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 48, 48])]
    graph = helper.make_graph(
        nodes,
        "onet",
        inputs,
        [
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 2]),
            helper.make_tensor_value_info("points", TensorProto.FLOAT, [1, 10]),
        ],
        constants,
    )
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="semblance")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2])
