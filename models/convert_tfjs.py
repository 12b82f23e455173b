"""Converts a TensorFlow.js graph model (.json and .bin) to ONNX, for the operations of the models used here.

usage: convert_tfjs.py SOURCE.json TARGET.onnx OUTPUT=NAME...

Each OUTPUT=NAME keeps the output OUTPUT under NAME; nodes that no kept output needs are dropped. The model's inputs and
outputs stay NHWC, as in the source. Between them images are NCHW, as ONNX's convolutions need them, so that an image is
transposed once, where it comes in: the runtime does not remove transpositions around each layer, and they took up to
two fifths of the time.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ELEMENTWISE = {
    "Relu": "Relu",
    "Sigmoid": "Sigmoid",
    "Identity": "Identity",
    "Add": "Add",
    "AddV2": "Add",
    "Sub": "Sub",
    "Mul": "Mul",
    "Maximum": "Max",
    "Minimum": "Min",
}


def read_weights(path, manifest):
    """Name -> array; quantised weights are expanded to float32."""
    weights = {}
    for group in manifest:
        data = b"".join((path.parent / part).read_bytes() for part in group["paths"])
        offset = 0
        for entry in group["weights"]:
            quantisation = entry.get("quantization")
            kind = np.dtype(quantisation["dtype"] if quantisation else entry["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(data, kind, count, offset).reshape(entry["shape"])
            offset += count * kind.itemsize
            if quantisation and quantisation["dtype"] != "float16":
                values = values.astype(np.float32) * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
            weights[entry["name"]] = values.astype(entry["dtype"])
        if offset != len(data):
            raise ValueError(f"{path}: {len(data)} bytes of weights, but {offset} are described")
    return weights


def integers(attribute):
    return [int(value) for value in attribute["list"].get("i", [])]


def text(attribute):
    return base64.b64decode(attribute["s"]).decode()


def plain(name):
    return name.split(":")[0].lstrip("^")


class Converter:
    """Walks the source's nodes in order and collects ONNX nodes, constants and inputs.

    `planes` has the NCHW version of each value that is an image behind a convolution or pool; such a value is written
    as NHWC only where something needs it."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.inputs, self.count = weights, [], {}, [], 0
        self.planes = {}

    def add(self, kind, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"between_{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name, values):
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def as_planes(self, value):
        """The NCHW version of a value."""
        if value not in self.planes:
            self.planes[value] = self.add("Transpose", [value], f"{value}/planes", perm=[0, 3, 1, 2])
        return self.planes[value]

    def interleaved(self, value):
        """The NHWC version of a value."""
        if value in self.planes and not any(value in node.output for node in self.nodes):
            self.add("Transpose", [self.planes[value]], value, perm=[0, 2, 3, 1])
        return value

    def image(self, kind, inputs, name, **attributes):
        """A node whose output is an image: the NCHW version of the value `name`."""
        self.planes[name] = self.add(kind, inputs, f"{name}/planes", **attributes)

    def constant_for_planes(self, name):
        """A constant with one number, or one a channel, in a shape that is broadcast to NCHW."""
        values = self.weights[name]
        if values.size != max(values.shape[-1:], default=1):
            raise NotImplementedError(f"{name} has the shape {values.shape}")
        return self.constant(f"{name}/planes", values.reshape(1, -1, 1, 1))

    def elementwise(self, kind, inputs, name):
        images = [value for value in inputs if value in self.planes]
        if not images or not all(value in self.planes or value in self.weights for value in inputs):
            self.add(kind, [self.interleaved(value) for value in inputs], name)
            return
        self.image(kind, [self.planes.get(v) or self.constant_for_planes(v) for v in inputs], name)

    def reduction(self, node, inputs, attributes):
        kind, name = f"Reduce{node['op']}", node["name"]
        axes = [int(axis) for axis in np.atleast_1d(self.weights[inputs[1]])]
        kept = int(bool(attributes.get("keep_dims", {}).get("b")))
        if inputs[0] not in self.planes or axes != [1, 2]:
            self.add(kind, [self.interleaved(inputs[0])], name, axes=axes, keepdims=kept)
        elif kept:
            self.image(kind, [self.planes[inputs[0]]], name, axes=[2, 3], keepdims=1)
        else:
            self.add(kind, [self.planes[inputs[0]]], name, axes=[2, 3], keepdims=0)

    def window(self, attributes):
        """Returns strides and padding. TensorFlow's SAME pads more at the end, which is ONNX's SAME_UPPER."""
        padding = text(attributes["padding"])
        if padding not in ("SAME", "VALID"):
            raise NotImplementedError(f"padding {padding}")
        return {
            "strides": integers(attributes["strides"])[1:3],
            "auto_pad": "SAME_UPPER" if padding == "SAME" else "VALID",
        }

    def convolution(self, node, inputs, fused, attributes):
        kernel = self.weights[inputs[1]]
        depthwise = "Depthwise" in node["op"]
        if depthwise:
            kernel_oihw = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
        else:
            kernel_oihw = kernel.transpose(3, 2, 0, 1)
        extra = [self.constant(f"{inputs[1]}/oihw", kernel_oihw)]
        if fused[:1] == ["BiasAdd"]:
            extra.append(self.constant(inputs[2], self.weights[inputs[2]].reshape(-1)))
            fused = fused[1:]
        if fused and fused != ["Relu"]:
            raise NotImplementedError(f"fused {fused}")
        self.image(
            "Conv",
            [self.as_planes(inputs[0]), *extra],
            node["name"],
            group=kernel.shape[2] if depthwise else 1,
            kernel_shape=list(kernel_oihw.shape[2:]),
            **self.window(attributes),
        )
        if fused:
            self.planes[node["name"]] = self.add("Relu", [self.planes[node["name"]]])

    def activation(self, value, fused, output):
        if fused and fused != ["Relu"]:
            raise NotImplementedError(f"fused {fused}")
        if fused:
            self.add("Relu", [value], output)

    def product(self, node, inputs, fused):
        value = self.add("MatMul", [self.interleaved(inputs[0]), inputs[1]])
        if fused[:1] == ["BiasAdd"]:
            value = self.add("Add", [value, inputs[2]], None if fused[1:] else node["name"])
            fused = fused[1:]
        self.activation(value, fused, node["name"])

    def placeholder(self, node, attributes):
        shape = [int(size.get("size", -1)) for size in attributes["shape"]["shape"]["dim"]]
        fixed = [1 if s < 0 else s for s in shape]
        self.inputs.append(helper.make_tensor_value_info(node["name"], TensorProto.FLOAT, fixed))

    def node(self, node):
        kind, attributes = node["op"], node.get("attr", {})
        inputs = [plain(name) for name in node.get("input", []) if not name.startswith("^")]
        names = attributes.get("fused_ops", {}).get("list", {}).get("s", [])
        fused = [base64.b64decode(name).decode() for name in names]
        for name in inputs:
            if name in self.weights and self.weights[name].dtype == np.float32:
                self.constant(name, self.weights[name])
        if kind == "Const":
            return
        if kind == "Placeholder":
            self.placeholder(node, attributes)
        elif "Conv2" in kind:
            self.convolution(node, inputs, fused, attributes)
        elif kind == "_FusedMatMul":
            self.product(node, inputs, fused)
        elif kind == "Softmax":
            self.add("Softmax", [self.interleaved(inputs[0])], node["name"], axis=-1)
        elif kind == "MaxPool":
            self.image(
                "MaxPool",
                [self.as_planes(inputs[0])],
                node["name"],
                kernel_shape=integers(attributes["ksize"])[1:3],
                **self.window(attributes),
            )
        elif kind in ("Mean", "Max"):
            self.reduction(node, inputs, attributes)
        elif kind in ELEMENTWISE:
            self.elementwise(ELEMENTWISE[kind], inputs, node["name"])
        else:
            raise NotImplementedError(kind)


def reachable(nodes, outputs):
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def convert(source, target, outputs):
    source = pathlib.Path(source)
    description = json.loads(source.read_text())
    converter = Converter(read_weights(source, description["weightsManifest"]))
    for node in description["modelTopology"]["node"]:
        converter.node(node)
    signature = description.get("signature") or description["userDefinedMetadata"]["signature"]
    names = {plain(signature["outputs"][output]["name"]): name for output, name in outputs.items()}
    for name in names:
        converter.interleaved(name)
    for node in converter.nodes:
        node.output[:] = [names.get(name, name) for name in node.output]
    nodes = reachable(converter.nodes, outputs.values())
    used = {name for node in nodes for name in node.input}
    kept = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.values()]
    graph = helper.make_graph(
        nodes,
        source.stem,
        converter.inputs,
        kept,
        [values for name, values in converter.constants.items() if name in used],
    )
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="semblance")
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    onnx.save(model, target)


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2], dict(pair.split("=", 1) for pair in sys.argv[3:]))
