"""models and collections: a manifest adds any model; a bad one is refused, with the reason, when it is added."""

import copy
import hashlib
import json

import onnx_graph
import pictures
from program import FRIENDS, SOURCE, ProgramCase

MANIFEST = {
    "name": "tiny",
    "task": "embed",
    "file": "tiny.onnx",
    "sha256": "",
    "licence": "CC0",
    "origin": "made up for a test",
    "input": {"layout": "NCHW", "width": 112, "height": 112, "channels": "RGB", "mean": 127.5, "std": 128},
    "outputs": {"embedding": "embedding"},
    "dimension": 64,
    "metric": "cosine",
    "alignment": {"kind": "box", "fit": "square", "scale": 1.0, "border": "edge"},
    "thresholds": {"same": 0.9, "unsure": 0.8},
}


class ModelCase(ProgramCase):
    def manifest(self, graph=None, **changes):
        """Writes a manifest and its model file; gives the manifest's path."""
        folder = self.folder / "given"
        folder.mkdir(exist_ok=True)
        described = {**copy.deepcopy(MANIFEST), **changes}
        described = {key: value for key, value in described.items() if value is not None}
        graph = onnx_graph.embedder(64) if graph is None else graph
        (folder / MANIFEST["file"]).write_bytes(graph)
        if described.get("sha256") == "":
            described["sha256"] = hashlib.sha256(graph).hexdigest()
        path = folder / f"{described.get('name', 'tiny')}.json"
        path.write_text(json.dumps(described))
        return path

    def add(self, *arguments, **changes):
        return self.json_of("models", "add", self.manifest(*arguments, **changes))

    def refused_to_add(self, word, *arguments, **changes):
        message = self.refused("models", "add", self.manifest(*arguments, **changes), code=3, word=word)
        self.assertFalse((self.data / "models").exists() and list((self.data / "models").iterdir()))
        return message


class Listing(ModelCase):
    def test_shows_licence_and_origin_of_every_model(self):
        models = self.json_of("models", "list")["models"]
        self.assertLessEqual(
            {
                "mobilefacenet-512",
                "rfb-320",
                "mtcnn-onet",
                "landmarks-68",
                "faceres-deep",
                "gear-ethnicity",
                "dlib-resnet-128",
            },
            {m["name"] for m in models},
        )
        for model in models:
            self.assertNotIn("problem", model)
            self.assertTrue(model["licence"] and model["origin"], model)
        words = self.run_program("models", "list").stdout.decode()
        self.assertIn("does not tell who trained the weights", words)

    def test_opens_no_gallery(self):
        self.json_of("models", "list")
        self.assertFalse(self.data.exists())

    def test_info_shows_one_and_an_unknown_name_is_an_answer(self):
        self.assertEqual(self.json_of("models", "info", "mobilefacenet-512")["dim"], 512)
        self.refused("models", "info", "nobody", code=1, word="models list")
        self.refused("models", "info", "../rfb-320", code=1, word="no model")

    def test_the_shipped_models_pass_the_check(self):
        for model in self.json_of("models", "check")["models"]:
            self.assertTrue(model["ok"], model)

    def test_bench_reports_times(self):
        model = self.json_of("models", "bench", "landmarks-68", "--rounds", "3")["models"][0]
        self.assertGreater(model["run_ms"], 0)
        self.assertGreater(model["load_ms"], 0)

    def test_usage(self):
        for words in (
            ["models"],
            ["models", "sing"],
            ["models", "add"],
            ["models", "list", "x"],
            ["collections", "add"],
        ):
            self.refused(*words, code=2, word="usage")


class Adding(ModelCase):
    def test_a_model_that_was_added_embeds_and_can_be_removed(self):
        added = self.add()
        self.assertTrue(added["added"])
        self.assertFalse(added["calibrated"])
        answer = self.json_of("represent", "--model", "tiny", FRIENDS / "obama.jpg")
        self.assertEqual((answer["model"], answer["dim"], len(answer["faces"][0]["embedding"])), ("tiny", 64, 64))
        for words in (["doctor", "--model", "tiny"], ["models", "info", "tiny"]):
            self.assertIn(b"as published, not measured here", self.run_program(*words).stdout)
        self.assertEqual(self.json_of("models", "remove", "tiny"), {"removed": "tiny"})
        self.assertEqual(list((self.data / "models").iterdir()), [])
        self.refused("represent", "--model", "tiny", FRIENDS / "obama.jpg", code=1, word="no model 'tiny'")

    def test_a_graph_of_free_size_gets_the_manifest_s(self):
        self.add(onnx_graph.embedder(64, free=True))
        self.assertEqual(self.json_of("represent", "--model", "tiny", FRIENDS / "obama.jpg")["dim"], 64)

    def test_a_name_that_is_taken_is_refused(self):
        self.add()
        self.refused("models", "add", self.manifest(), code=3, word="already")

    def test_what_is_part_of_the_installation_is_not_removed(self):
        self.refused("models", "remove", "rfb-320", code=3, word="installation")
        self.refused("models", "remove", "nobody", code=1, word="no model")

    def test_files_that_are_no_manifest(self):
        for name, text, word in (
            ("tiny.json", "{", "not a JSON object"),
            ("tiny.json", "[]", "not a JSON object"),
            ("tiny.json", '{"name": "tiny", "name": "tiny"}', "duplicate"),
            ("tiny.txt", "{}", "NAME.json"),
            ("Big Name.json", "{}", "a-z"),
        ):
            path = self.folder / name
            path.write_text(text)
            self.refused("models", "add", path, code=3, word=word)
        self.refused("models", "add", self.folder / "absent.json", code=3, word="absent.json")

    def test_a_manifest_that_is_wrong_names_the_key(self):
        cases = [
            ("unknown key 'colour'", {"colour": 1}),
            ("unknown key 'gamma'", {"input": {**MANIFEST["input"], "gamma": 2}}),
            ("unknown key 'width'", {"alignment": {**MANIFEST["alignment"], "width": 5}}),
            ("'dimension'", {"dimension": "64"}),
            ("'dimension'", {"dimension": 0}),
            ("'dimension'", {"dimension": 64.5}),
            ("'dimension'", {"dimension": 5000}),
            ("'dimension'", {"dimension": None}),
            ("'licence'", {"licence": None}),
            ("'origin'", {"origin": ""}),
            ("'task'", {"task": "sing"}),
            ("'metric'", {"metric": "manhattan"}),
            ("'width'", {"input": {**MANIFEST["input"], "width": -1}}),
            ("'mean'", {"input": {**MANIFEST["input"], "mean": [1, 2]}}),
            ("'std'", {"input": {**MANIFEST["input"], "std": 0}}),
            ("'standardise'", {"input": {**MANIFEST["input"], "standardise": True}}),
            ("'layout'", {"input": {**MANIFEST["input"], "layout": "HWC"}}),
            ("'fit'", {"alignment": {"kind": "box", "scale": 1}}),
            ("'template'", {"alignment": {"kind": "points", "template": [[1, 2], [3, 4]]}}),
            ("'calibration'", {"thresholds": None}),
            ("'unsure'", {"thresholds": {"same": 0.5, "unsure": 0.9}}),
            ("'sha256'", {"sha256": "abc"}),
            ("'file'", {"file": "../tiny.onnx"}),
            ("'name'", {"name": None}),
        ]
        for word, change in cases:
            with self.subTest(word=word, change=change):
                self.refused_to_add(word, **change)

    def test_a_file_that_is_missing_empty_cut_short_or_another(self):
        graph = onnx_graph.embedder(64)
        self.refused_to_add("not beside its manifest", file="absent.onnx")
        self.refused_to_add("is empty", b"")
        self.refused_to_add("truncated", graph[: len(graph) // 2], sha256=hashlib.sha256(graph).hexdigest())
        self.refused_to_add("truncated", graph[: len(graph) // 2])
        self.refused_to_add("not an ONNX file", b"\x89PNG\r\n\x1a\n" + bytes(100))
        self.refused_to_add(
            "damaged or has been replaced", graph + b"\xca\x3e\x00", sha256=hashlib.sha256(graph).hexdigest()
        )

    def test_a_graph_that_is_not_what_the_manifest_says(self):
        self.refused_to_add("1x3x224x224", onnx_graph.embedder(64, side=224))
        self.refused_to_add("1x3x112x112", input={**MANIFEST["input"], "layout": "NHWC"})
        self.refused_to_add("has 32 numbers", onnx_graph.embedder(32))
        self.refused_to_add("no output 'feature'", outputs={"embedding": "feature"})
        self.refused_to_add("operator set 99", onnx_graph.embedder(64, opset=99))
        self.refused_to_add("operator set 3", onnx_graph.embedder(64, opset=3))
        self.refused_to_add("could not", onnx_graph.embedder(64).replace(b"AveragePool", b"AveragePoet"))

    def test_numbers_that_are_not_finite_or_always_the_same(self):
        self.refused_to_add("not finite", onnx_graph.embedder(64, weights=[float("nan")] * 147 * 64))
        self.refused_to_add("not finite", onnx_graph.embedder(64, weights=[float("inf")] * 147 * 64))
        self.refused_to_add("the same numbers", onnx_graph.embedder(64, weights=[0.0] * 147 * 64))

    def test_weights_in_another_file_are_refused(self):
        (self.folder / "weights.bin").write_bytes(bytes(4 * 147 * 64))
        for location in ("/etc/passwd", "../weights.bin"):
            self.refused_to_add("outside its folder", onnx_graph.embedder(64, external=location))
        self.refused_to_add("in another file", onnx_graph.embedder(64, external="weights.bin"))


class Collections(ModelCase):
    def test_a_collection_keeps_the_model_it_was_made_with(self):
        self.add(onnx_graph.embedder(4096), dimension=4096)
        self.json_of("collections", "add", "wide", "--model", "tiny")
        wide = ("--collection", "wide")
        for identity, name in (("44", "obama"), ("46", "biden")):
            self.enroll(identity, name, FRIENDS / f"{name}.jpg", flags=wide)
            self.enroll(identity, name, FRIENDS / f"{name}.jpg")
        best = self.json_of("search", *wide, FRIENDS / "biden.jpg")["faces"][0]["candidates"][0]
        self.assertEqual(best["id"], "46")
        self.assertGreater(best["similarity"], 0.999)
        listed = {c["name"]: (c["model"], c["dim"], c["faces"]) for c in self.json_of("collections")["collections"]}
        self.assertEqual(listed, {"wide": ("tiny", 4096, 2), "default": ("mobilefacenet-512", 512, 2)})
        self.refused("models", "remove", "tiny", code=3, word="wide")
        (self.data / "models/tiny.json").unlink()
        self.refused("search", *wide, FRIENDS / "biden.jpg", code=4, word="models add")
        self.assertEqual(self.json_of("search", FRIENDS / "biden.jpg")["faces"][0]["candidates"][0]["id"], "46")

    def test_a_setting_chooses_the_model_of_new_collections(self):
        self.add()
        self.enroll("46", "biden", FRIENDS / "biden.jpg", flags=("--model", "tiny"))
        self.assertEqual(self.json_of("collections")["collections"][0]["model"], "tiny")
        self.refused("collections", "add", "other", "--model", "nobody", code=1, word="no model")


class Alignments(ModelCase):
    def embedding(self, photo="obama", whole=False):
        flags = ["--whole"] if whole else []
        return self.json_of("represent", "--model", "tiny", *flags, FRIENDS / f"{photo}.jpg")["faces"][0]["embedding"]

    def test_every_way_to_cut_out_a_face_gives_other_numbers(self):
        seen = []
        ways = [
            {"kind": "box", "fit": fit, "scale": 1.2, "upright": upright}
            for fit in ("square", "stretch", "pad")
            for upright in (False, True)
        ]
        ways.append({"kind": "points", "template": [[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]]})
        for way in ways:
            self.add(alignment=way)
            embedding = self.embedding()
            self.assertNotIn(embedding, seen, way)
            self.assertEqual(embedding, self.embedding())
            seen.append(embedding)
            self.json_of("models", "remove", "tiny")

    def test_a_whole_photo_is_taken_as_it_is(self):
        self.add()
        self.assertNotEqual(self.embedding(whole=True), self.embedding())


class Pipelines(ModelCase):
    """A detector of one's own that gives five points, in a pipeline without verifier and landmarks."""

    SIDE, STRIDE, CELLS, CELL = 64, 16, 16, 6  # cell 6: row 1, column 2

    def numbers(self, width, values):
        """Zero but for the one cell."""
        rest = [0.0] * width
        return sum((list(values) if cell == self.CELL else rest for cell in range(self.CELLS)), [])

    def detector(self, family):
        points = [0.0, 0.1, 1.0, 0.1, 0.5, 0.6, 0.1, 1.0, 0.9, 1.0]
        boxes = [0.5, 0.5, 0.0, 0.0] if family == "yunet" else [0.0, 0.0, 1.0, 1.0]  # the cell itself, both
        outputs = {
            "box": ([1, 16, 4], self.numbers(4, boxes)),
            "point": ([1, 16, 10], self.numbers(10, points)),
            "score": ([1, 16, 1], self.numbers(1, [0.9])),
        }
        manifest = {
            "task": "detect",
            "family": family,
            "strides": [self.STRIDE],
            "score_threshold": 0.5,
            "merge": {"iou": 0.4, "overlap_smaller": 0.7},
            "outputs": {"scores": ["score"], "locations": ["box"], "points": ["point"]},
            "input": {**MANIFEST["input"], "width": self.SIDE, "height": self.SIDE},
            **dict.fromkeys(("dimension", "metric", "alignment", "thresholds")),
        }
        if family == "yunet":
            manifest["outputs"]["objectness"] = ["score"]
        else:
            manifest["anchors_per_cell"] = 1
        self.add(onnx_graph.constants(self.SIDE, outputs), **manifest)

    def pipeline(self, **changes):
        described = json.loads((SOURCE / "models/pipelines/default.json").read_text())
        described.update(name="own", detect="tiny", attributes=[])
        for part in ("verify_face", "landmarks"):
            del described[part]
        described.update(changes)
        folder = self.data / "models/pipelines"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "own.json").write_text(json.dumps(described))

    def test_yunet_and_scrfd_give_box_and_points(self):
        photo = pictures.png(128, 128, pictures.pattern(1))  # shown to the detector at one half
        for family in ("yunet", "scrfd"):
            with self.subTest(family=family):
                self.detector(family)
                self.pipeline()
                faces = self.json_of("detect", "--pipeline", "own", "-", stdin=photo)["faces"]
                self.assertEqual(
                    [(f["box"], round(f["score"], 2)) for f in faces],
                    [({"x": 64.0, "y": 32.0, "w": 32.0, "h": 32.0}, 0.9)],
                )
                self.assertEqual(faces[0]["landmarks"][0], [64.0, 35.2])
                self.assertEqual(self.json_of("represent", "--pipeline", "own", "-", stdin=photo)["dim"], 512)
                self.json_of("models", "remove", "tiny")

    def test_a_pipeline_that_is_wrong_is_reported(self):
        photo = FRIENDS / "obama.jpg"
        self.refused("detect", "--pipeline", "nobody", photo, code=4, word="nobody")
        self.refused("detect", "--pipeline", "../default", photo, code=4, word="no pipeline")
        for changes, word in (
            ({"detect": "rfb-320"}, "gives no points"),
            ({"detect": "mobilefacenet-512"}, "one with the task detect"),
            ({"detect": "nobody"}, "nobody.json"),
            ({"colour": 1}, "unknown key 'colour'"),
            ({"attributes": ["rfb-320"]}, "one with the task attributes"),
            ({"quality": {}}, "'eye_distance'"),
        ):
            with self.subTest(word=word):
                self.pipeline(**changes)
                if "detect" not in changes:
                    self.pipeline(**{"detect": "rfb-320", "landmarks": "landmarks-68", **changes})
                self.refused("detect", "--pipeline", "own", photo, code=4, word=word)
