"""Converts the RFB-320 face detector to the same network without built-in priors, usable at any input size.

usage: convert_rfb.py SOURCE.onnx TARGET.onnx

The published graph decodes its boxes with priors that are constants for 320x240. The converted network outputs the raw
regressions as `locations`; decoding, which depends on the size of the input, is done by Semblance (detector.c). Two
changes save a tenth of the time: the input is interleaved (NHWC), as the convolutions need it, and the softmax of two
classes is replaced by the equal sigmoid of their difference, which the last convolutions compute directly.
"""

import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

LOCATIONS = "462"  # the concatenation of the four heads' regressions, before priors and variances


def reachable(nodes, outputs):
    """Returns the nodes that the outputs depend on, in order."""
    wanted, kept = set(outputs), []
    for node in reversed(list(nodes)):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def margins_for_pairs(nodes, weights):
    """Replaces the softmax by the sigmoid `probabilities`. The heads then return one number for each prior: face minus
    background."""
    by_output = {name: node for node in nodes for name in node.output}
    softmax = by_output["scores"]
    for joined in by_output[softmax.input[0]].input:
        reshape = by_output[joined]
        head = by_output[by_output[reshape.input[0]].input[0]]
        for name in head.input[1:]:
            pairs = numpy_helper.to_array(weights[name])
            pairs = pairs.reshape(-1, 2, *pairs.shape[1:])
            weights[name] = numpy_helper.from_array(numpy.ascontiguousarray(pairs[:, 1] - pairs[:, 0]), name)
        reshape.input[1] = "one_column"
    weights["one_column"] = numpy_helper.from_array(numpy.array([1, -1, 1], numpy.int64), "one_column")
    softmax.CopyFrom(helper.make_node("Sigmoid", [softmax.input[0]], ["probabilities"], name="probabilities"))


def pixels_for_planes(nodes):
    """Returns the nodes with an input of the shape [1, height, width, 3]."""
    for node in nodes:
        node.input[:] = ["planes" if name == "input" else name for name in node.input]
    return [helper.make_node("Transpose", ["input"], ["planes"], perm=[0, 3, 1, 2], name="planes"), *nodes]


def convert(source, target):
    model = onnx.load(source)
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["locations" if name == LOCATIONS else name for name in node.output]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = reachable(graph.node, ["scores", "locations"])
    margins_for_pairs(nodes, weights)
    nodes = pixels_for_planes(reachable(nodes, ["probabilities", "locations"]))
    used = {name for node in nodes for name in node.input}
    slim = helper.make_graph(
        nodes,
        "rfb",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 240, 320, 3])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, None, 1]),
            helper.make_tensor_value_info("locations", TensorProto.FLOAT, [1, None, 4]),
        ],
        [tensor for name, tensor in weights.items() if name in used],
    )
    result = helper.make_model(
        slim, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name="semblance"
    )
    onnx.checker.check_model(result)
    onnx.save(result, target)


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2])
