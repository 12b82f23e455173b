"""Converts dlib's face recognition ResNet (serialised network, .dat) to ONNX, without dlib.

usage: convert_dlib.py SOURCE.dat TARGET.onnx

Input: 1 x 3 x 150 x 150 RGB in 0..255 (mean and scale are inside); output: 128 numbers, not normalised. dlib writes its
layers from the input on, each behind a tag with its length; integers as a byte with sign and count, then little-endian
bytes; real numbers as mantissa and exponent, both such integers; tensors as four sizes and plain float32.
"""

import pathlib
import sys

import numpy as np
from graph import Graph

CONVOLUTION, AFFINE, DENSE = b"\x01\x05con_4", b"\x01\x07affine_", b"\x01\x04fc_2"
INPUT = b"\x01\x15input_rgb_image_sized"
SIDE = 150
# Residual stages: number of filters, whether the first block halves the size, number of blocks.
STAGES = ((32, False, 3), (64, True, 4), (128, True, 3), (256, True, 3), (256, True, 1))


class Reader:
    """Reads the layers in the order of the file."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def integer(self):
        control = self.data[self.at]
        count = control & 15
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + count], "little")
        self.at += 1 + count
        return -value if control & 0x80 else value

    def integers(self, count):
        return [self.integer() for _ in range(count)]

    def real(self):
        mantissa, exponent = self.integers(2)
        return mantissa * 2.0**exponent

    def tensor(self):
        version, *sizes = self.integers(5)
        if version != 2:
            raise ValueError(f"a tensor of version {version}, but only version 2 is supported")
        count = int(np.prod(sizes))
        if self.at + 4 * count > len(self.data):
            raise ValueError("the file is truncated")
        values = np.frombuffer(self.data, "<f4", count, self.at).copy()
        self.at += 4 * count
        return values

    def part_sizes(self):
        """The sizes of a part of the preceding tensor: where filters end and biases begin."""
        version, *sizes = self.integers(5)
        if version != 1:
            raise ValueError(f"a part of version {version}, but only version 1 is supported")
        return sizes

    def next_layer(self):
        """Returns (tag, contents) of the next layer, or None. Bytes between layers are skipped; tensors are not
        searched for tags."""
        places = [(self.data.find(tag, self.at), tag) for tag in (CONVOLUTION, AFFINE, DENSE, INPUT)]
        places = [place for place in places if place[0] >= 0]
        if not places:
            return None
        start, tag = min(places)
        self.at = start + len(tag)
        return tag, {CONVOLUTION: self.convolution, AFFINE: self.affine, DENSE: self.dense, INPUT: self.input}[tag]()

    def convolution(self):
        values = self.tensor()
        filters, rows, columns, stride_y, stride_x, pad_y, pad_x = self.integers(7)
        sizes, _ = self.part_sizes(), self.part_sizes()
        count = int(np.prod(sizes))
        return {
            "weights": values[:count].reshape(sizes),
            "bias": values[count:],
            "filters": filters,
            "kernel_shape": [rows, columns],
            "strides": [stride_y, stride_x],
            "pads": [pad_y, pad_x, pad_y, pad_x],
        }

    def affine(self):
        values = self.tensor()
        count = int(np.prod(self.part_sizes()))
        self.part_sizes()
        return values[:count], values[count:]

    def dense(self):
        outputs, inputs = self.integers(2)
        return self.tensor().reshape(inputs, outputs)

    def input(self):
        return [self.real() for _ in range(3)]


class DlibGraph(Graph):
    """Converts dlib's layers in order; sizes are tracked, because dlib pads the smaller operand of an addition."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def take(self, tag):
        found, contents = next(self.layers)
        if found != tag:
            raise ValueError(f"found a layer {found} instead of {tag}")
        return contents

    def convolve(self, value):
        """Merges a convolution with the affine layer after it (a frozen batch normalisation). Returns filters, too."""
        layer, (gain, shift) = self.take(CONVOLUTION), self.take(AFFINE)
        weights = layer["weights"] * gain[:, None, None, None]
        value = self.add(
            "Conv",
            [value, self.constant(weights), self.constant(layer["bias"] * gain + shift)],
            kernel_shape=layer["kernel_shape"],
            strides=layer["strides"],
            pads=layer["pads"],
        )
        return value, layer["filters"]

    def padded(self, value, channels, side):
        """Appends zeros, so that `value` (channels, side) gets the larger size."""
        if not (channels or side):
            return value
        return self.add("Pad", [value, self.constant(np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))])

    def block(self, value, channels, side, filters, halve):
        inner, _ = self.convolve(value)
        inner, found = self.convolve(self.add("Relu", [inner]))
        if found != filters:
            raise ValueError(f"found {found} filters instead of {filters}")
        if halve:
            inner_side, shortcut_side = (side - 3) // 2 + 1, side // 2
            side = max(inner_side, shortcut_side)
            shortcut = self.add("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
            value = self.padded(shortcut, filters - channels, side - shortcut_side)
            inner = self.padded(inner, 0, side - inner_side)
        return self.add("Relu", [self.add("Add", [inner, value])]), side


def build(layers):
    graph = DlibGraph(iter(layers))
    mean = np.array(graph.take(INPUT), np.float32).reshape(1, 3, 1, 1)
    value = graph.add("Mul", [graph.add("Sub", ["input", graph.constant(mean)]), graph.constant(np.float32(1 / 256))])
    value, channels = graph.convolve(value)
    value = graph.add("MaxPool", [graph.add("Relu", [value])], kernel_shape=[3, 3], strides=[2, 2])
    side = ((SIDE - 7) // 2 + 1 - 3) // 2 + 1
    for filters, halve, blocks in STAGES:
        for block in range(blocks):
            value, side = graph.block(value, channels, side, filters, halve and block == 0)
            channels = filters
    value = graph.add("ReduceMean", [value], axes=[2, 3], keepdims=0)
    graph.add("MatMul", [value, graph.constant(graph.take(DENSE))], "embedding")
    return graph


def convert(source, target):
    reader = Reader(pathlib.Path(source).read_bytes())
    layers = list(iter(reader.next_layer, None))
    layers.sort(key=lambda layer: layer[0] != INPUT)  # the input is written last, but needed first
    graph = build(layers)
    graph.save("dlib_resnet", target, {"input": [1, 3, SIDE, SIDE]}, {"embedding": [1, 128]})


if __name__ == "__main__":
    convert(sys.argv[1], sys.argv[2])
