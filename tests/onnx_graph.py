"""Small ONNX graphs written byte by byte, so that the tests of models need no packages."""

import struct


def varint(value):
    out = b""
    value &= (1 << 64) - 1
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A protobuf field: int as a varint, str and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, dims, values, external=None):
    """A float32 constant; `external`: the file that claims to hold its numbers."""
    head = b"".join(field(1, d) for d in dims) + field(2, 1) + field(8, name)
    if external:
        return head + field(13, field(1, "location") + field(2, external)) + field(14, 1)
    return head + field(9, struct.pack(f"<{len(values)}f", *values))


def integers(name, values):
    return field(1, len(values)) + field(2, 7) + field(8, name) + field(9, struct.pack(f"<{len(values)}q", *values))


def node(kind, inputs, output, **attributes):
    body = b"".join(field(1, i) for i in inputs) + field(2, output) + field(4, kind)
    for name, value in attributes.items():
        if isinstance(value, list):
            body += field(5, field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7))
        else:
            body += field(5, field(1, name) + field(3, value) + field(20, 2))
    return body


def value(name, dims):
    shape = b"".join(field(1, field(1, d)) if d else field(1, b"") for d in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def model(nodes, constants, inputs, outputs, opset=13):
    """`inputs`, `outputs`: {name: dimensions}; 0 is a dimension that is not fixed."""
    graph = b"".join(field(1, n) for n in nodes) + field(2, "test") + b"".join(field(5, c) for c in constants)
    graph += b"".join(field(11, value(n, d)) for n, d in inputs.items())
    graph += b"".join(field(12, value(n, d)) for n, d in outputs.items())
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


def numbers(count):
    """Made-up numbers between -1 and 1, the same on every machine."""
    seed, found = 1, []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        found.append(seed / 0x3FFFFFFF - 1)
    return found


def embedder(dim, side=112, cells=7, opset=13, weights=None, external=None, free=False, entry="input", out="embedding"):
    """Means over cells x cells squares of the picture, minus their mean, times a matrix of made-up numbers."""
    step, inner = side // cells, 3 * cells * cells
    weights = numbers(inner * dim) if weights is None else weights
    nodes = [
        node("AveragePool", [entry], "pooled", kernel_shape=[step, step], strides=[step, step]),
        node("Flatten", ["pooled"], "flat"),
        node("ReduceMean", ["flat"], "mean", axes=[1]),
        node("Sub", ["flat", "mean"], "centred"),
        node("MatMul", ["centred", "weights"], out),
    ]
    return model(
        nodes,
        [tensor("weights", [inner, dim], weights, external)],
        {entry: [0, 3, 0, 0] if free else [1, 3, side, side]},
        {out: [1, dim]},
        opset,
    )


def probe(side=112, cells=7):
    """One number that depends on every pixel: the mean of (means over cells x cells squares times made-up numbers)."""
    step, inner = side // cells, 3 * cells * cells
    nodes = [
        node("AveragePool", ["input"], "pooled", kernel_shape=[step, step], strides=[step, step]),
        node("Flatten", ["pooled"], "flat"),
        node("MatMul", ["flat", "weights"], "number"),
    ]
    return model(
        nodes,
        [tensor("weights", [inner, 1], [w / inner for w in numbers(inner)])],
        {"input": [1, 3, side, side]},
        {"number": [1, 1]},
    )


def constants(side, outputs):
    """Returns the same numbers for every picture: {name: (dimensions, numbers)}."""
    nodes = [
        node("ReduceMean", ["input"], "mean", axes=[1, 2, 3], keepdims=0),
        node("Mul", ["mean", "zero"], "nothing"),
    ]
    nodes += [node("Add", [f"{name}_numbers", "nothing"], name) for name in outputs]
    numbers = [tensor("zero", [1], [0.0])] + [
        tensor(f"{name}_numbers", dims, values) for name, (dims, values) in outputs.items()
    ]
    return model(nodes, numbers, {"input": [1, 3, side, side]}, {name: dims for name, (dims, _) in outputs.items()})


def scrfd(cell):
    """A detector with SCRFD's nine outputs for 640x640 pixels: one face, at a cell of stride 32, whose box and points
    are sums of means over 16x16 squares of the picture times made-up numbers. Returns (model, weights): those of the
    four sides and then those of the ten coordinates, a list for each square and channel."""
    inner, rows = 3 * 16 * 16, {8: 12800, 16: 3200, 32: 800}
    made = numbers(inner * 14)
    weights = [[0.02 * w for w in made[14 * i : 14 * (i + 1)]] for i in range(inner)]
    hot = [1.0 if i == 2 * cell else 0.0 for i in range(rows[32])]
    nodes = [
        node("AveragePool", ["input"], "pooled", kernel_shape=[40, 40], strides=[40, 40]),
        node("Flatten", ["pooled"], "flat"),
        node("ReduceMean", ["flat"], "mean", axes=[1]),
        node("Mul", ["mean", "zero"], "nothing"),
    ]
    tensors, outputs = [tensor("zero", [1], [0.0]), tensor("hot", [rows[32], 1], hot)], {}
    for role, columns, first in (("score", 1, None), ("bbox", 4, 0), ("kps", 10, 4)):
        for stride, count in rows.items():
            name = f"{role}{stride}"
            outputs[name] = [count, columns]
            if stride == 32 and first is not None:
                chosen = [w for row in weights for w in row[first : first + columns]]
                tensors.append(tensor(f"{role}_weights", [inner, columns], chosen))
                tensors.append(tensor(f"{role}_offset", [1, columns], [3.0 if role == "bbox" else 0.5] * columns))
                nodes.append(node("MatMul", ["flat", f"{role}_weights"], f"{role}_sum"))
                nodes.append(node("Add", [f"{role}_sum", f"{role}_offset"], f"{role}_one"))
                nodes.append(node("MatMul", ["hot", f"{role}_one"], name))
                continue
            values = [0.9 * h for h in hot] if stride == 32 else [0.0] * (count * columns)
            tensors.append(tensor(f"{name}_numbers", [count, columns], values))
            nodes.append(node("Add", [f"{name}_numbers", "nothing"], name))
    return model(nodes, tensors, {"input": [1, 3, 640, 640]}, outputs), weights
