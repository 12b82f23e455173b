"""Converts weight files of DeepFace's Keras models (.h5) to ONNX, without TensorFlow.

usage: convert_deepface.py SOURCE.h5 TARGET.onnx vgg-face|age|gender|race|arcface|facenet512

Keras files contain weights only, so the architectures are defined here: VGG-Face (Parkhi et al. 2015; its last hidden
layer of 4096 is the descriptor; age, gender and race are further layers on it), ArcFace's ResNet-34 and
Inception-ResNet-v1 (FaceNet). Inputs are NCHW; Semblance normalises the resulting vector to unit length, as DeepFace
does.
"""

import sys

import h5py
import numpy as np
from graph import Graph


class Weights:
    """The layers of a weight file: name -> {"kernel": array, ...}, and the names in the file's order."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            if "layer_names" not in root.attrs:
                raise ValueError("this is not a weight file written by Keras")
            self.layers = {}
            for layer in self.names(root.attrs["layer_names"]):
                parts = {
                    name.split("/")[-1].split(":")[0]: np.asarray(root[layer][name], np.float32)
                    for name in self.names(root[layer].attrs["weight_names"])
                }
                if parts:
                    self.layers[layer] = parts
        self.used = set()

    @staticmethod
    def names(attribute):
        return [name.decode() if isinstance(name, bytes) else str(name) for name in attribute]

    def take(self, name):
        if name not in self.layers:
            raise ValueError(f"the weight file has no layer {name}")
        self.used.add(name)
        return self.layers[name]

    def next(self, part, dimensions):
        """The first unused layer that has a part with this many dimensions: for layers that Keras numbered."""
        for name, parts in self.layers.items():
            if name not in self.used and part in parts and parts[part].ndim == dimensions:
                return self.take(name)
        raise ValueError(f"the weight file has too few layers with a {part} of {dimensions} dimensions")

    def find(self, test):
        return next(name for name in self.layers if test(name))


class KerasGraph(Graph):
    """Keras's layers."""

    def convolution(self, value, layer, stride=1, same=False):
        """Keras stores rows, columns, inputs, outputs. `same`: only with stride 1, which pads both ends equally."""
        kernel = layer["kernel"].transpose(3, 2, 0, 1)
        rows, columns = kernel.shape[2:]
        pads = [rows // 2, columns // 2, rows // 2, columns // 2] if same else [0, 0, 0, 0]
        inputs = [value, self.constant(kernel)] + ([self.constant(layer["bias"])] if "bias" in layer else [])
        return self.add("Conv", inputs, kernel_shape=[rows, columns], strides=[stride, stride], pads=pads)

    def normalisation(self, value, layer, epsilon):
        gamma = layer.get("gamma", np.ones_like(layer["beta"]))
        parts = (gamma, layer["beta"], layer["moving_mean"], layer["moving_variance"])
        return self.add("BatchNormalization", [value, *map(self.constant, parts)], epsilon=epsilon)

    def pool(self, value, kernel, stride):
        return self.add("MaxPool", [value], kernel_shape=[kernel, kernel], strides=[stride, stride])

    def flat(self, value):
        """In the order that Keras flattens: rows, columns, channels."""
        return self.add("Flatten", [self.add("Transpose", [value], perm=[0, 2, 3, 1])])

    def dense(self, value, layer):
        value = self.add("MatMul", [value, self.constant(layer["kernel"])])
        return self.add("Add", [value, self.constant(layer["bias"])]) if "bias" in layer else value


def vgg_trunk(graph, weights):
    value = "input"
    for convolutions in (2, 2, 3, 3, 3):
        for _ in range(convolutions):
            value = graph.add("Relu", [graph.convolution(value, weights.next("kernel", 4), same=True)])
        value = graph.pool(value, 2, 2)
    for _ in range(2):  # 7x7x512 -> 4096 -> 4096
        value = graph.add("Relu", [graph.convolution(value, weights.next("kernel", 4))])
    return value


def vgg_face(graph, weights):
    value = vgg_trunk(graph, weights)
    weights.next("kernel", 4)  # the classifier of 2,622 people, which is not needed
    return graph.flat(value), 224, 4096


def vgg_attribute(classes):
    def build(graph, weights):
        value = graph.convolution(vgg_trunk(graph, weights), weights.next("kernel", 4))
        return graph.add("Softmax", [graph.flat(value)], axis=1), 224, classes

    return build


def arcface(graph, weights):
    epsilon = 2e-5

    def prelu(value, name):
        return graph.add("PRelu", [value, graph.constant(weights.take(name)["alpha"].reshape(-1, 1, 1))])

    def convolution(value, name, stride=1, same=True):
        return graph.convolution(value, weights.take(f"{name}_conv"), stride, same and stride == 1)

    def normalisation(value, name):
        return graph.normalisation(value, weights.take(f"{name}_bn"), epsilon)

    value = prelu(normalisation(convolution("input", "conv1"), "conv1"), "conv1_prelu")
    for stage, blocks in ((2, 3), (3, 4), (4, 6), (5, 3)):
        for block in range(1, blocks + 1):
            name, stride = f"conv{stage}_block{block}", 2 if block == 1 else 1
            shortcut = value
            if block == 1:
                shortcut = normalisation(convolution(value, f"{name}_0", stride, False), f"{name}_0")
            inner = convolution(normalisation(value, f"{name}_1"), f"{name}_1")
            inner = prelu(normalisation(inner, f"{name}_2"), f"{name}_1_prelu")
            if stride == 2:  # padded by one on every side, then convolved without padding
                inner = graph.add("Pad", [inner, graph.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))])
            inner = normalisation(convolution(inner, f"{name}_2", stride), f"{name}_3")
            value = graph.add("Add", [shortcut, inner])
    head = weights.take("embedding")
    value = graph.flat(graph.normalisation(value, weights.next("moving_mean", 1), epsilon))
    return graph.normalisation(graph.dense(value, weights.next("kernel", 2)), head, epsilon), 112, 512


def facenet512(graph, weights):
    def unit(value, name, stride=1, same=True):
        value = graph.convolution(value, weights.take(name), stride, same)
        return graph.add("Relu", [graph.normalisation(value, weights.take(f"{name}_BatchNorm"), 1e-3)])

    def chain(value, names, **options):
        for name in names:
            value = unit(value, name, **options)
        return value

    def join(branches):
        return graph.add("Concat", branches, axis=1)

    def residual(value, block, branches, scale, last=False):
        mixed = join([chain(value, names) for names in branches])
        up = graph.convolution(mixed, weights.take(f"{block}_Conv2d_1x1"))
        value = graph.add("Add", [value, graph.add("Mul", [up, graph.constant(np.float32(scale))])])
        return value if last else graph.add("Relu", [value])

    def second(block, *parts):
        """Names of the layers of the second branch, whose number in the files is not always 1."""
        first = weights.find(lambda name: name.startswith(f"{block}_Branch_") and name.endswith("_Conv2d_0a_1x1"))
        stem = first[: -len("0a_1x1")]
        return [stem + part for part in ("0a_1x1", *parts)]

    value = unit("input", "Conv2d_1a_3x3", stride=2, same=False)
    value = graph.pool(unit(unit(value, "Conv2d_2a_3x3", same=False), "Conv2d_2b_3x3"), 3, 2)
    value = unit(unit(value, "Conv2d_3b_1x1"), "Conv2d_4a_3x3", same=False)
    value = unit(value, "Conv2d_4b_3x3", stride=2, same=False)
    for i in range(1, 6):
        b = f"Block35_{i}"
        value = residual(
            value,
            b,
            [
                [f"{b}_Branch_0_Conv2d_1x1"],
                [f"{b}_Branch_1_Conv2d_0a_1x1", f"{b}_Branch_1_Conv2d_0b_3x3"],
                [f"{b}_Branch_2_Conv2d_{part}" for part in ("0a_1x1", "0b_3x3", "0c_3x3")],
            ],
            0.17,
        )
    b = "Mixed_6a"
    inner = chain(value, [f"{b}_Branch_1_Conv2d_0a_1x1", f"{b}_Branch_1_Conv2d_0b_3x3"])
    value = join(
        [
            unit(value, f"{b}_Branch_0_Conv2d_1a_3x3", stride=2, same=False),
            unit(inner, f"{b}_Branch_1_Conv2d_1a_3x3", stride=2, same=False),
            graph.pool(value, 3, 2),
        ]
    )
    for i in range(1, 11):
        b = f"Block17_{i}"
        value = residual(value, b, [[f"{b}_Branch_0_Conv2d_1x1"], second(b, "0b_1x7", "0c_7x1")], 0.1)
    b = "Mixed_7a"
    heads = [
        chain(value, [f"{b}_Branch_0_Conv2d_0a_1x1"]),
        chain(value, [f"{b}_Branch_1_Conv2d_0a_1x1"]),
        chain(value, [f"{b}_Branch_2_Conv2d_0a_1x1", f"{b}_Branch_2_Conv2d_0b_3x3"]),
    ]
    value = join(
        [unit(head, f"{b}_Branch_{i}_Conv2d_1a_3x3", stride=2, same=False) for i, head in enumerate(heads)]
        + [graph.pool(value, 3, 2)]
    )
    for i in range(1, 7):
        b = f"Block8_{i}"
        branches = [[f"{b}_Branch_0_Conv2d_1x1"], second(b, "0b_1x3", "0c_3x1")]
        value = residual(value, b, branches, 1 if i == 6 else 0.2, i == 6)
    value = graph.add("ReduceMean", [value], axes=[2, 3], keepdims=0)
    value = graph.dense(value, weights.take("Bottleneck"))
    return graph.normalisation(value, weights.take("Bottleneck_BatchNorm"), 1e-3), 160, 512


ARCHITECTURES = {
    "vgg-face": vgg_face,
    "age": vgg_attribute(101),
    "gender": vgg_attribute(2),
    "race": vgg_attribute(6),
    "arcface": arcface,
    "facenet512": facenet512,
}


def convert(source, target, architecture):
    graph, weights = KerasGraph(), Weights(source)
    value, side, outputs = ARCHITECTURES[architecture](graph, weights)
    left = set(weights.layers) - weights.used
    if left:
        unexpected = ", ".join(sorted(left)[:5])
        raise ValueError(f"the weight file belongs to another model; it has unexpected layers: {unexpected}")
    graph.add("Identity", [value], "output")
    graph.save(architecture, target, {"input": [1, 3, side, side]}, {"output": [1, outputs]})


if __name__ == "__main__":
    try:
        convert(*sys.argv[1:4])
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"convert_deepface: {sys.argv[1]}: {error}")
