"""TensorFlow's own run of the TensorFlow.js graphs that models/convert_tfjs.py converts, on a picture of waves.

usage: tfjs_side.py FOLDER NAME...    FOLDER has the package's model files
It prints {NAME: {output: numbers}} as JSON; tests/parity/tfjs.json keeps it for tests that run without TensorFlow."""

import json
import os
import pathlib
import sys

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import numpy as np
import pictures
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


def picture_of(entry):
    """The network's input for a manifest's `input`: luma as OpenCV makes it, in fixed point."""
    wave = pictures.waves(entry["width"])
    rgb = np.array([[wave(x, y) for x in range(entry["width"])] for y in range(entry["height"])])
    shown = {"RGB": rgb, "BGR": rgb[..., ::-1], "GREY": (rgb @ [4899, 9617, 1868] + 8192 >> 14)[..., None]}[
        entry["channels"]
    ]
    return ((shown[None] - np.array(entry["mean"])) / np.array(entry["std"])).astype(np.float32)


def numbers(path, manifest):
    names = dict(pair.split("=", 1) for pair in manifest["converter"][1:])
    description = json.loads(path.read_text())
    graph = json_format.ParseDict(description["modelTopology"], tf.compat.v1.GraphDef(), ignore_unknown_fields=True)
    values = weights(path, description["weightsManifest"])
    for node in graph.node:
        if node.op == "Const":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values[node.name]))
        if node.op == "_FusedConv2D" and "TArgs" not in node.attr:  # newer TensorFlow needs it
            node.attr["TArgs"].list.type.extend([tf.float32.as_datatype_enum] * node.attr["num_args"].i)
    signature = description.get("signature") or description["userDefinedMetadata"]["signature"]
    entry = next(node.name for node in graph.node if node.op == "Placeholder")
    wanted = [signature["outputs"][output]["name"] for output in names]
    with tf.Graph().as_default(), tf.compat.v1.Session() as run:
        tf.import_graph_def(graph, name="")
        found = run.run(
            [name if ":" in name else f"{name}:0" for name in wanted], {f"{entry}:0": picture_of(manifest["input"])}
        )
    return {name: [round(float(number), 8) for number in values.ravel()] for name, values in zip(names.values(), found)}


def main():
    answer = {}
    for name in sys.argv[2:]:
        manifest = json.loads((ROOT / f"models/{name}.json").read_text())
        answer[name] = numbers(
            pathlib.Path(sys.argv[1]) / pathlib.Path(manifest["source"]["files"][0]["path"]).name, manifest
        )
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
