"""RFB-320 face detector -> the same graph without its baked priors, usable at any input size.

usage: convert_rfb.py SOURCE.onnx TARGET.onnx

The published graph decodes its boxes with priors that are constants for 320x240. What stays here is the network: softmaxed
`scores` and the raw regressions `locations`; the decoding, which needs the size of the input, is done by the program.
"""
import sys

import onnx
from onnx import TensorProto, helper

LOCATIONS = "462"  # the concatenation of the four heads' regressions, before priors and variances


def reachable(nodes, outputs):
    """The nodes, in order, that the outputs depend on."""
    wanted, kept = set(outputs), []
    for node in reversed(list(nodes)):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def convert(source, target):
    model = onnx.load(source)
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["locations" if name == LOCATIONS else name for name in node.output]
    nodes = reachable(graph.node, ["scores", "locations"])
    used = {name for node in nodes for name in node.input}
    slim = helper.make_graph(
        nodes, "rfb", list(graph.input),
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, None, 2]),
         helper.make_tensor_value_info("locations", TensorProto.FLOAT, [1, None, 4])],
        [tensor for tensor in graph.initializer if tensor.name in used])
    result = helper.make_model(slim, opset_imports=model.opset_import, ir_version=model.ir_version,
                               producer_name="semblance")
    onnx.checker.check_model(result)
    onnx.save(result, target)


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2])
