"""Semblance computes the same from a picture as DeepFace, TensorFlow and dlib: compared with numbers that these
produced (tests/parity), so that they are not needed here."""

import hashlib
import json
import math
import unittest

import onnx_graph
import pictures
from program import SOURCE, ProgramCase

PARITY = SOURCE / "tests/parity"
NORMALISATIONS = {
    "base": {"mean": 0, "std": 255},
    "raw": {"mean": 0, "std": 1},
    "Facenet": {"standardise": True},
    "Facenet2018": {"mean": 127.5, "std": 127.5},
    "VGGFace": {"mean": [93.594, 104.7624, 129.1863], "std": 1},
    "VGGFace2": {"mean": [91.4953, 103.8827, 131.0912], "std": 1},
    "ArcFace": {"mean": 127.5, "std": 128},
}
SHIFT = 500  # an age is never below 0


class Pixels(ProgramCase):
    def install(self, kind):
        """An attribute model whose age is the probe's number, and a pipeline of it."""
        graph = onnx_graph.probe()
        (self.folder / "probe.onnx").write_bytes(graph)
        manifest = {
            "name": f"probe-{kind.lower()}",
            "task": "attributes",
            "file": "probe.onnx",
            "licence": "CC0",
            "origin": "a test",
            "sha256": hashlib.sha256(graph).hexdigest(),
            "input": {"layout": "NCHW", "width": 112, "height": 112, "channels": "BGR", **NORMALISATIONS[kind]},
            "outputs": {"age": {"output": "number", "meaning": "regression", "first": SHIFT, "step": 1}},
            "alignment": {"kind": "box", "fit": "pad", "scale": 1.0, "upright": True},
        }
        path = self.folder / f"{manifest['name']}.json"
        path.write_text(json.dumps(manifest))
        self.json_of("models", "add", path)
        pipeline = json.loads((SOURCE / "models/pipelines/default.json").read_text())
        pipeline.update(name="probe", attributes=[manifest["name"]])
        (self.data / "models/pipelines").mkdir()
        (self.data / "models/pipelines/probe.json").write_text(json.dumps(pipeline))

    def test_every_normalisation_of_deepface(self):
        cases = json.loads((PARITY / "pixels.json").read_text())
        for kind in NORMALISATIONS:
            self.install(kind)
            for case in (c for c in cases if c["kind"] == kind):
                with self.subTest(**case):
                    photo = pictures.png(case["width"], case["height"], pictures.pattern(case["seed"]))
                    face = self.json_of("analyze", "--whole", "--pipeline", "probe", "-", stdin=photo)["faces"][0]
                    self.assertIsNone(face["gender"])
                    self.assertIsNone(face["ethnicity"])
                    # The pixels are the same; the answer has three digits behind the point.
                    self.assertAlmostEqual(face["age"] - SHIFT, case["number"], delta=0.0006)
            self.json_of("models", "remove", f"probe-{kind.lower()}")
            (self.data / "models/pipelines/probe.json").unlink()
            (self.data / "models/pipelines").rmdir()


class TensorFlow(ProgramCase):
    """The attribute nets, converted from TensorFlow.js, on a picture of each net's own size."""

    def setUp(self):
        super().setUp()
        self.theirs = json.loads((PARITY / "tfjs.json").read_text())

    def answer(self, name):
        side = json.loads((SOURCE / f"models/{name}.json").read_text())["input"]["width"]
        photo = pictures.png(side, side, pictures.waves(side))
        return self.json_of("analyze", "--whole", "-", stdin=photo)["faces"][0]

    def classes_agree(self, name, output, found):
        """Probabilities, rounded to four digits: 1e-4 apart would show."""
        classes = json.loads((SOURCE / f"models/{name}.json").read_text())["outputs"][found]["classes"]
        answer = self.answer(name)[found]
        for label, number in zip(classes, self.theirs[name][output], strict=True):
            self.assertAlmostEqual(answer[label], number, delta=1e-4, msg=f"{name} {label}")

    def test_age_and_gender(self):
        answer = self.answer("faceres-deep")
        self.assertAlmostEqual(answer["gender"]["man"], self.theirs["faceres-deep"]["gender"][0], delta=1e-4)
        years = sum(i * p for i, p in enumerate(self.theirs["faceres-deep"]["age"]))
        self.assertAlmostEqual(answer["age"], years, delta=1e-3)  # three digits behind the point

    def test_ethnicity(self):
        self.classes_agree("gear-ethnicity", "race", "ethnicity")

    def test_expression(self):
        self.classes_agree("emotion", "expression", "expression")


class Dlib(ProgramCase):
    def test_the_converted_network_gives_dlib_s_own_numbers(self):
        if not self.json_of("models", "info", "dlib-resnet-128")["present"]:
            raise unittest.SkipTest("the optional model dlib-resnet-128 was not fetched")
        for seed, theirs in enumerate(json.loads((PARITY / "dlib.json").read_text())["descriptors"]):
            photo = pictures.png(150, 150, pictures.pattern(seed))
            ours = self.json_of("represent", "--whole", "--model", "dlib-resnet-128", "-", stdin=photo)["faces"][0][
                "embedding"
            ]
            length = math.sqrt(sum(x * x for x in theirs))
            self.assertLessEqual(max(abs(a - b / length) for a, b in zip(ours, theirs)), 1e-6)
