"""Converts MiniFASNet V2 and V1SE (Minivision's Silent-Face-Anti-Spoofing, .pth) to ONNX, without PyTorch.

usage: convert_minifasnet.py SOURCE.pth TARGET.onnx

Input: 1 x 3 x 80 x 80 BGR in 0..255; output: the probabilities of three classes, of which the second is a live face.
Widths and squeeze-and-excitation blocks follow from the weights; batch normalisation is merged into the convolutions.
"""

import sys

import numpy as np
import torch_state
from graph import Graph

SIDE, CLASSES = 80, 3
EPSILON = 1e-5  # PyTorch's default of batch normalisation
# The body: (name, stride of its depthwise convolution, number of residual blocks; 0: one block without a shortcut).
STAGES = (("conv_23", 2, 0), ("conv_3", 1, 4), ("conv_34", 2, 0), ("conv_4", 1, 6), ("conv_45", 2, 0), ("conv_5", 1, 2))


class MiniFASNet(Graph):
    def __init__(self, weights):
        super().__init__()
        self.weights = {name.removeprefix("module."): values for name, values in weights.items()}

    def scale_and_shift(self, name):
        gain = self.weights[f"{name}.weight"] / np.sqrt(self.weights[f"{name}.running_var"] + EPSILON)
        return gain, self.weights[f"{name}.bias"] - gain * self.weights[f"{name}.running_mean"]

    def convolve(self, value, convolution, normalisation, stride=1, pad=0):
        kernels = self.weights[f"{convolution}.weight"]
        gain, shift = self.scale_and_shift(normalisation)
        inputs = [value, self.constant(kernels * gain[:, None, None, None]), self.constant(shift)]
        return self.add(
            "Conv",
            inputs,
            kernel_shape=list(kernels.shape[2:]),
            strides=[stride, stride],
            pads=[pad] * 4,
            group=len(kernels) if kernels.shape[1] == 1 else 1,
        )

    def block(self, value, name, stride=1, pad=0):
        value = self.convolve(value, f"{name}.conv", f"{name}.bn", stride, pad)
        return self.add("PRelu", [value, self.constant(self.weights[f"{name}.prelu.weight"].reshape(-1, 1, 1))])

    def bottleneck(self, value, name, stride, shortcut):
        out = self.block(value, f"{name}.conv")
        out = self.block(out, f"{name}.conv_dw", stride, 1)
        out = self.convolve(out, f"{name}.project.conv", f"{name}.project.bn")
        if f"{name}.se_module.fc1.weight" in self.weights:
            out = self.excite(out, f"{name}.se_module")
        return self.add("Add", [value, out]) if shortcut else out

    def excite(self, value, name):
        gate = self.add("GlobalAveragePool", [value])
        gate = self.add("Relu", [self.convolve(gate, f"{name}.fc1", f"{name}.bn1")])
        gate = self.add("Sigmoid", [self.convolve(gate, f"{name}.fc2", f"{name}.bn2")])
        return self.add("Mul", [value, gate])

    def build(self):
        value = self.block("input", "conv1", 2, 1)
        value = self.block(value, "conv2_dw", 1, 1)
        for name, stride, blocks in STAGES:
            for i in range(blocks):
                value = self.bottleneck(value, f"{name}.model.{i}", stride, True)
            if not blocks:
                value = self.bottleneck(value, name, stride, False)
        value = self.block(value, "conv_6_sep")
        value = self.convolve(value, "conv_6_dw.conv", "conv_6_dw.bn")
        value = self.add("Flatten", [value])
        gain, shift = self.scale_and_shift("bn")
        dense = self.constant((self.weights["linear.weight"] * gain[:, None]).T)
        value = self.add("Add", [self.add("MatMul", [value, dense]), self.constant(shift)])
        value = self.add("MatMul", [value, self.constant(self.weights["prob.weight"].T)])
        self.add("Softmax", [value], "probabilities", axis=1)


def convert(source, target):
    graph = MiniFASNet(torch_state.read(source))
    graph.build()
    graph.save("minifasnet", target, {"input": [1, 3, SIDE, SIDE]}, {"probabilities": [1, CLASSES]})


if __name__ == "__main__":
    convert(*sys.argv[1:])
