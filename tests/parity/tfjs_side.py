"""TensorFlow's own run of the TensorFlow.js graphs that models/convert_tfjs.py converts, beside the converted ones by ONNX
Runtime. usage: tfjs_side.py SOURCE.json MODEL.onnx MEAN STD OUTPUT=NAME... ; prints {NAME: largest difference} as JSON."""
import json
import os
import pathlib
import sys

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")

import numpy as np
import onnxruntime
import tensorflow as tf
from google.protobuf import json_format


def weights(path, manifest):
    found = {}
    for group in manifest:
        data = b"".join((path.parent / part).read_bytes() for part in group["paths"])
        at = 0
        for entry in group["weights"]:
            kept = entry.get("quantization")
            kind = np.dtype(kept["dtype"] if kept else entry["dtype"])
            values = np.frombuffer(data, kind, int(np.prod(entry["shape"])), at).reshape(entry["shape"])
            at += values.nbytes
            if kept and kept["dtype"] != "float16":
                values = values.astype(np.float32) * np.float32(kept["scale"]) + np.float32(kept["min"])
            found[entry["name"]] = values.astype(entry["dtype"])
    return found


def main():
    source, converted, mean, deviation = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    names = dict(pair.split("=", 1) for pair in sys.argv[5:])
    description = json.loads(source.read_text())
    graph = json_format.ParseDict(description["modelTopology"], tf.compat.v1.GraphDef(), ignore_unknown_fields=True)
    values = weights(source, description["weightsManifest"])
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values[node.name]))
        if node.op == "_FusedConv2D" and "TArgs" not in node.attr:  # newer TensorFlow wants it told
            node.attr["TArgs"].list.type.extend([tf.float32.as_datatype_enum] * node.attr["num_args"].i)
    signature = description.get("signature") or description["userDefinedMetadata"]["signature"]
    session = onnxruntime.InferenceSession(converted)
    entry = session.get_inputs()[0]
    y, x, c = np.indices(entry.shape[1:])  # smooth waves: noise would drive the nets into their corners
    waves = 128 + 60 * np.sin((2 + c) * x * 3.1 / entry.shape[2]) * np.cos(y * 4.7 / entry.shape[1])
    picture = ((waves[None] - mean) / deviation).astype(np.float32)
    tf.compat.v1.disable_eager_execution()
    with tf.compat.v1.Session() as run:
        tf.import_graph_def(graph, name="")
        wanted = [signature["outputs"][output]["name"] for output in names]
        wanted = [name if ":" in name else f"{name}:0" for name in wanted]
        theirs = run.run(wanted, {f"{entry.name}:0": picture})
    ours = session.run(list(names.values()), {entry.name: picture})
    print(json.dumps({name: float(np.abs(a - b).max()) for name, a, b in zip(names.values(), theirs, ours)}))


if __name__ == "__main__":
    main()
