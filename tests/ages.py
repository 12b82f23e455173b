"""A made-up age model, so that the tests of the child rule need no photos of children.

It "estimates" an age that depends on the mean brightness of a face only; the manifest decides which ages two photos
get."""

import hashlib
import json
import subprocess

import onnx_graph
from program import PROGRAM, SOURCE

SIDE = 64
GRAPH = onnx_graph.model(
    [
        onnx_graph.node("ReduceMean", ["input"], "bright", axes=[1, 2, 3], keepdims=0),
        onnx_graph.node("Neg", ["bright"], "dark"),
    ],
    [],
    {"input": [1, 3, SIDE, SIDE]},
    {"bright": [1], "dark": [1]},
)


class Ages:
    """A folder of models whose pipeline `default` is the shipped one with the made-up age model as its only attribute
    model."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "pipelines").mkdir(parents=True)
        self.attributes("made-up-age")
        self.model = folder / "made-up-age.onnx"
        self.model.write_bytes(GRAPH)
        self.all(40)

    @property
    def path(self):
        """For --models and SEMBLANCE_MODELS."""
        return f"{self.folder}:{SOURCE / 'models'}:{SOURCE / 'deps/models'}"

    def attributes(self, *models):
        """The attribute models of the pipeline."""
        pipeline = json.loads((SOURCE / "models/pipelines/default.json").read_text())
        pipeline["attributes"] = models
        (self.folder / "pipelines/default.json").write_text(json.dumps(pipeline))

    def describe(self, first, step, output="bright"):
        manifest = {
            "name": "made-up-age",
            "task": "attributes",
            "file": self.model.name,
            "sha256": hashlib.sha256(GRAPH).hexdigest(),
            "licence": "CC0",
            "origin": "made up for a test",
            "input": {"layout": "NCHW", "width": SIDE, "height": SIDE, "channels": "RGB", "mean": 0, "std": 1},
            "outputs": {"age": {"output": output, "meaning": "regression", "first": first, "step": step}},
            "alignment": {"kind": "box", "fit": "square", "scale": 1.0, "border": "edge"},
        }
        (self.folder / "made-up-age.json").write_text(json.dumps(manifest))

    def all(self, age):
        """Every face looks this old."""
        self.describe(age, 1e-6)

    def two(self, photo, age, other, other_age):
        """The faces of two photos look this old."""
        self.describe(0, 1)
        means = [self.estimate(p) for p in (photo, other)]
        step = (other_age - age) / (means[1] - means[0])
        self.describe(age - step * means[0], abs(step), "bright" if step > 0 else "dark")

    def estimate(self, photo):
        command = [PROGRAM, "analyze", str(photo), "--json", "--models", self.path]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["faces"][0]["age"]
