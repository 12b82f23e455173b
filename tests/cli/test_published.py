"""script/models NAME: licences are asked for, files are checked before they are used, and each model gets the numbers
that its reference program computes from the same photo."""

import copy
import hashlib
import json
import math
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import collage
import onnx_graph
from program import FRIENDS, GROUPS, SOURCE, ProgramCase
from publisher import Publisher

sys.path.insert(0, str(SOURCE / "script"))

import published

REAL = SOURCE / "../shared/data/models"  # the publishers' own small files, where they are at hand
TABLE = json.loads((SOURCE / "models/published/sources.json").read_text())
EMBEDDERS = [name for name in TABLE if name.split("-")[0] in ("arcface", "adaface", "edgeface")]


def template(name):
    return json.loads((SOURCE / f"models/published/{name}.json").read_text())


class Installing(unittest.TestCase):
    """A made-up file takes the place of arcface-mbf's: the table is changed, the rest is the script's own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.target = self.folder / "made"
        self.content = onnx_graph.embedder(512, entry="x", out="516")
        self.publisher = Publisher(self, self.content)
        table = copy.deepcopy(TABLE)
        table["arcface-mbf"]["files"][0]["sha256"] = hashlib.sha256(self.content).hexdigest()
        patches = (
            mock.patch.object(published, "SOURCES", table),
            mock.patch.object(published.fetch, "DEPS", self.folder / "deps"),
            mock.patch.object(published.fetch, "WORK", self.folder / "deps/work"),
            mock.patch.object(published.fetch, "say"),
            mock.patch("time.sleep"),
            mock.patch("builtins.print"),
        )
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)

    def install(self, *arguments, name="arcface-mbf"):
        mirror = self.publisher.address
        words = ["script/models", "--to", str(self.target), "--mirror", mirror, *map(str, arguments), name]
        with mock.patch.object(sys, "argv", words):
            published.main()

    def assert_nothing_was_made(self):
        self.assertEqual([path for path in self.target.rglob("*") if path.is_file()], [])

    def test_a_download_that_breaks_off_is_resumed_and_gets_its_manifest(self):
        self.publisher.breaks = 2
        self.install("--accept-licence")
        self.assertEqual([asked is None for asked in self.publisher.asked], [True, False, False])
        self.assertEqual((self.target / "arcface-mbf.onnx").read_bytes(), self.content)
        made = json.loads((self.target / "arcface-mbf.json").read_text())
        self.assertEqual(made["sha256"], hashlib.sha256(self.content).hexdigest())
        self.assertEqual(made["outputs"], {"embedding": "516"})
        self.assertEqual(made["source"]["url"], TABLE["arcface-mbf"]["files"][0]["url"])
        self.publisher.asked.clear()
        self.install("--accept-licence")
        self.assertEqual(self.publisher.asked, [], "what is there already is not fetched again")

    def test_a_wrong_file_is_deleted_and_never_used(self):
        self.publisher.content = onnx_graph.embedder(512, entry="x", out="evil")
        with self.assertRaisesRegex(SystemExit, "wrong SHA-256"):
            self.install("--accept-licence")
        self.assert_nothing_was_made()
        self.assertEqual([path for path in (self.folder / "deps").rglob("*") if path.is_file()], [])

    def test_a_download_that_stays_cut_short_is_kept_to_be_resumed(self):
        self.publisher.breaks = 100
        with self.assertRaisesRegex(SystemExit, "to resume"):
            self.install("--accept-licence")
        self.assert_nothing_was_made()
        self.publisher.breaks = 0
        self.install("--accept-licence")
        self.assertNotIn(None, self.publisher.asked[1:])
        self.assertEqual((self.target / "arcface-mbf.onnx").read_bytes(), self.content)

    def test_an_endless_file_is_not_stored(self):
        published.SOURCES["arcface-mbf"]["files"][0]["megabytes"] = -8
        self.publisher.content = bytes(2 << 20)
        with self.assertRaisesRegex(SystemExit, "cannot have"):
            self.install("--accept-licence")
        self.assert_nothing_was_made()

    def test_files_at_hand_need_no_network(self):
        (self.folder / "w600k_mbf.onnx").write_bytes(self.content)
        self.install("--accept-licence", "--from", self.folder)
        self.assertEqual(self.publisher.asked, [])
        self.assertTrue((self.target / "arcface-mbf.json").is_file())
        (self.folder / "w600k_mbf.onnx").write_bytes(self.content[:-1])
        shutil.rmtree(self.target)
        with self.assertRaisesRegex(SystemExit, "wrong SHA-256"):
            self.install("--accept-licence", "--from", self.folder)
        self.assert_nothing_was_made()

    def test_without_agreement_nothing_is_fetched(self):
        with open(os.devnull) as nobody, mock.patch.object(sys, "stdin", nobody):
            self.assertRaisesRegex(SystemExit, "--accept-licence", self.install)
        self.assertEqual(self.publisher.asked, [])
        self.assert_nothing_was_made()

    def test_a_detector_gets_a_pipeline(self):
        nine = {f"{n}": ([1, 1], [0.0]) for n in (448, 471, 494, 451, 474, 497, 454, 477, 500)}
        self.publisher.content = onnx_graph.constants(640, nine)
        published.SOURCES["scrfd-10g"]["files"][0]["sha256"] = hashlib.sha256(self.publisher.content).hexdigest()
        self.install("--accept-licence", name="scrfd-10g")
        made = json.loads((self.target / "scrfd-10g.json").read_text())
        wanted = {
            "scores": ["448", "471", "494"],
            "locations": ["451", "474", "497"],
            "points": ["454", "477", "500"],
        }
        self.assertEqual(made["outputs"], wanted)
        pipeline = json.loads((self.target / "pipelines/scrfd-10g.json").read_text())
        self.assertEqual((pipeline["name"], pipeline["detect"]), ("scrfd-10g", "scrfd-10g"))
        self.assertEqual(pipeline["embed"], "mobilefacenet-512")

    def test_a_file_that_is_no_onnx_graph_is_refused(self):
        for content in (b"", b"\xff" * 40, b"\x3a\x7f" + bytes(9), self.content[:200]):
            (self.folder / "file.onnx").write_bytes(content)
            with self.subTest(size=len(content)), self.assertRaises(SystemExit):
                published.fill_outputs(template("arcface-mbf"), self.folder / "file.onnx")


class Asking(unittest.TestCase):
    def answer(self, text):
        """Runs the script at a terminal, whose user types `text`."""
        folder = tempfile.mkdtemp(prefix="semblance-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        ours, theirs = pty.openpty()
        os.write(ours, text)
        words = ["--from", folder, "--to", f"{folder}/made", "yunet"]
        done = subprocess.run(
            [sys.executable, SOURCE / "script/published.py", *words],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        os.close(ours)
        os.close(theirs)
        self.assertEqual(done.returncode, 1)
        self.assertIn("licence: Apache-2.0 / BSD", done.stdout)
        return done.stderr

    def test_only_a_yes_at_the_terminal_goes_on(self):
        self.assertIn("was not installed", self.answer(b"\n"))
        self.assertIn("was not installed", self.answer(b"no\n"))
        self.assertIn("does not contain yunet_n_dynamic.onnx", self.answer(b"yes\n"))


class Table(unittest.TestCase):
    def test_every_model_has_address_digest_licence_and_manifest(self):
        for name, source in TABLE.items():
            for file in source["files"]:
                with self.subTest(model=name):
                    self.assertRegex(file["sha256"], "^[0-9a-f]{64}$")
                    self.assertTrue(file["url"].startswith("https://") and file["url"].endswith("/" + file["path"]))
                    manifest = template(file["manifest"])
                    self.assertEqual((manifest["name"], manifest["licence"]), (file["manifest"], source["licence"]))


def solve(source, target):
    """The similarity transform of least squares: (a, b, tx, ty) with target = [a -b; b a] source + t."""
    mx, my = (sum(p[k] for p in source) / 5 for k in (0, 1))
    nx, ny = (sum(p[k] for p in target) / 5 for k in (0, 1))
    a = b = n = 0
    for p, q in zip(source, target, strict=True):
        x, y, u, v = p[0] - mx, p[1] - my, q[0] - nx, q[1] - ny
        a, b, n = a + x * u + y * v, b + x * v - y * u, n + x * x + y * y
    a, b = a / n, b / n
    return a, b, nx - a * mx + b * my, ny - b * mx - a * my


class Photo:
    """A decoded photo, sampled as OpenCV samples it."""

    def __init__(self, path):
        self.width, self.height, self.rows = collage.read_jpeg(path)

    def at(self, x, y):
        if not (0 <= x < self.width and 0 <= y < self.height):
            return (0, 0, 0)
        return self.rows[y][3 * x : 3 * x + 3]

    def between(self, x, y, at=None):
        at, x0, y0 = at or self.at, math.floor(x), math.floor(y)
        fx, fy = x - x0, y - y0
        corners = (at(x0, y0), at(x0 + 1, y0), at(x0, y0 + 1), at(x0 + 1, y0 + 1))
        weights = ((1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy)
        return [round(sum(w * c[k] for w, c in zip(weights, corners, strict=True))) for k in range(3)]

    def aligned(self, landmarks, points, side=112):
        """cv2.warpAffine with skimage's SimilarityTransform: UniFace's face_alignment, InsightFace's norm_crop."""
        a, b, tx, ty = solve(landmarks, points)
        n = a * a + b * b
        rows = []
        for v in range(side):
            for u in range(side):
                p, q = u - tx, v - ty
                rows.append(self.between((a * p + b * q) / n, (a * q - b * p) / n))
        return rows

    def cut(self, box, scale, side):
        """Minivision's crop: whole pixels, moved into the photo, then cv2.resize."""
        x, y, w, h = box
        scale = min((self.height - 1) / h, (self.width - 1) / w, scale)
        edges = []
        for centre, length, most in ((x + w / 2, w * scale, self.width), (y + h / 2, h * scale, self.height)):
            low, high = centre - length / 2, centre + length / 2
            if low < 0:
                high, low = high - low, 0
            if high > most - 1:
                low, high = low - high + most - 1, most - 1
            edges.append((int(low), int(high) - int(low) + 1))
        (left, width), (top, height) = edges

        def at(u, v):
            return self.at(left + min(max(u, 0), width - 1), top + min(max(v, 0), height - 1))

        return [
            self.between((u + 0.5) * width / side - 0.5, (v + 0.5) * height / side - 0.5, at)
            for v in range(side)
            for u in range(side)
        ]


def planes(pixels, order, mean, std):
    return [[(pixel[c] - mean) / std for pixel in pixels] for c in order]


def pooled(channels, side, cells):
    step = side // cells
    return [
        sum(plane[y * side + x] for y in range(r, r + step) for x in range(c, c + step)) / step**2
        for plane in channels
        for r in range(0, step * cells, step)
        for c in range(0, step * cells, step)
    ]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


class Preprocessing(ProgramCase):
    """Networks made up for the test, with the inputs and outputs of the published ones."""

    CELLS, DIM = 14, 512

    def models(self, *names, graph):
        """Puts manifests whose file is `graph` into a folder of models, and gives the value of --models."""
        folder = self.folder / "models"
        folder.mkdir(exist_ok=True)
        for name in names:
            manifest = template(name)
            manifest.pop("converter", None)
            manifest["sha256"] = hashlib.sha256(graph).hexdigest()
            (folder / manifest["file"]).write_bytes(graph)
            published.fill_outputs(manifest, folder / manifest["file"])
            (folder / f"{name}.json").write_text(json.dumps(manifest))
        return f"{SOURCE}/models:{SOURCE}/deps/models:{folder}"

    def test_embedders_get_what_uniface_and_insightface_compute(self):
        weights = onnx_graph.numbers(3 * self.CELLS**2 * self.DIM)
        graph = onnx_graph.embedder(self.DIM, cells=self.CELLS, weights=weights)
        names = ("arcface-r50", "adaface-ir18")
        path = self.models(*names, graph=graph)
        photo = Photo(FRIENDS / "obama.jpg")
        for name in names:
            answer = self.json_of("represent", "--model", name, "--models", path, FRIENDS / "obama.jpg")["faces"][0]
            pixels = photo.aligned(answer["landmarks"], template(name)["alignment"]["template"])
            order = (0, 1, 2) if name.startswith("arcface") else (2, 1, 0)  # AdaFace was trained on BGR
            cells = pooled(planes(pixels, order, 127.5, 127.5), 112, self.CELLS)
            mean = sum(cells) / len(cells)
            wanted = [sum((c - mean) * w for c, w in zip(cells, weights[i :: self.DIM])) for i in range(self.DIM)]
            self.assertGreaterEqual(cosine(answer["embedding"], wanted), 0.9999, name)

    def test_all_embedders_are_prepared_like_one_of_these(self):
        for name in EMBEDDERS:
            like = template("adaface-ir18" if name.startswith("adaface") else "arcface-r50")
            for key in ("input", "alignment", "dimension", "metric"):
                self.assertEqual(template(name)[key], like[key], name)

    def test_scrfd_gets_what_insightface_computes(self):
        """InsightFace 2.1's SCRFD class gave the same box and points on this graph, measured once (docs/models.md)."""
        graph, weights = onnx_graph.scrfd(cell=212)
        path = self.models("scrfd-10g", graph=graph)
        pipeline = json.loads((SOURCE / "models/pipelines/default.json").read_text())
        for key in ("verify_face", "landmarks", "liveness"):
            del pipeline[key]
        pipeline.update(name="alone", detect="scrfd-10g", attributes=[])
        (self.folder / "models/pipelines").mkdir()
        (self.folder / "models/pipelines/alone.json").write_text(json.dumps(pipeline))
        photo = Photo(FRIENDS / "obama.jpg")
        (face,) = self.json_of("detect", "--pipeline", "alone", "--models", path, FRIENDS / "obama.jpg")["faces"]
        scale = 640 / photo.height
        width = int(photo.width * scale)
        black = (0, 0, 0)
        pixels = [
            photo.between((u + 0.5) * photo.width / width - 0.5, (v + 0.5) / scale - 0.5) if u < width else black
            for v in range(640)
            for u in range(640)
        ]
        cells = pooled(planes(pixels, (0, 1, 2), 127.5, 128), 640, 16)
        sums = [sum(c * w[i] for c, w in zip(cells, weights, strict=True)) for i in range(14)]
        x, y = 212 % 20 * 32, 212 // 20 * 32
        sides = [(3 + s) * 32 for s in sums[:4]]
        left, top, right = x - sides[0], y - sides[1], x + sides[2]
        wanted = [left / scale, top / scale, min((right - left) / scale, photo.width - left / scale)]
        found = [face["box"]["x"], face["box"]["y"], face["box"]["w"]]
        for k in range(5):
            wanted += [(x + (0.5 + sums[4 + 2 * k]) * 32) / scale, (y + (0.5 + sums[5 + 2 * k]) * 32) / scale]
            found += face["landmarks"][k]
        for a, b in zip(found, wanted, strict=True):
            self.assertAlmostEqual(a, b, delta=0.3)

    def test_minifasnet_gets_minivision_s_crop(self):
        """The pair's own manifests with a network whose "probability" is the mean of its input."""
        photo = Photo(FRIENDS / "obama2.jpg")
        for name in ("minifasnet-v2", "minifasnet-v1se"):
            nodes = [
                onnx_graph.node("AveragePool", ["input"], "pooled", kernel_shape=[20, 20], strides=[20, 20]),
                onnx_graph.node("Flatten", ["pooled"], "flat"),
                onnx_graph.node("MatMul", ["flat", "weights"], "probabilities"),
            ]
            weights = [(n + 1) * 1e-4 for n in onnx_graph.numbers(48 * 3)]
            graph = onnx_graph.model(
                nodes,
                [onnx_graph.tensor("weights", [48, 3], weights)],
                {"input": [1, 3, 80, 80]},
                {"probabilities": [1, 3]},
            )
            path = self.models("minifasnet-v2", "minifasnet-v1se", graph=graph)
            folder = self.folder / "models/pipelines"
            folder.mkdir(exist_ok=True)
            pipeline = json.loads((SOURCE / "models/pipelines/default.json").read_text())
            pipeline.update(name="one", liveness=[name])
            (folder / "one.json").write_text(json.dumps(pipeline))
            face = self.json_of("analyze", "--pipeline", "one", "--models", path, FRIENDS / "obama2.jpg")["faces"][0]
            box = [face["box"][k] for k in "xywh"]
            pixels = photo.cut(box, template(name)["alignment"]["scale"], 80)
            cells = pooled(planes(pixels, (2, 1, 0), 0, 1), 80, 4)
            found = [sum(c * w for c, w in zip(cells, weights[i::3])) for i in range(3)]
            self.assertAlmostEqual(face["liveness"], found[1] / sum(found), delta=2e-4)


@unittest.skipUnless((REAL / "yunet_n_dynamic.onnx").is_file(), "the published files of small models are not here")
class Real(ProgramCase):
    """The publishers' own files. What the reference programs answered was measured once and is written here."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="semblance-made-")
        cls.addClassCleanup(shutil.rmtree, cls.made, ignore_errors=True)
        words = ["--accept-licence", "--from", REAL, "--to", cls.made, "minifasnet", "yunet"]
        subprocess.run([sys.executable, SOURCE / "script/published.py", *words], check=True, capture_output=True)
        cls.path = f"{SOURCE}/models:{SOURCE}/deps/models:{cls.made}"

    # The probability of a live face by DeepFace's Fasnet with the same box (onnxruntime 1.32).
    LIVE = {"obama": 0.99988, "biden": 0.99936, "obama2": 0.98956, "obama3": 0.99996}

    def test_minifasnet_decides_as_deepface_does(self):
        for name, live in self.LIVE.items():
            face = self.json_of("analyze", "--models", self.path, FRIENDS / f"{name}.jpg")["faces"][0]
            self.assertAlmostEqual(face["liveness"], live, delta=0.005, msg=name)
            self.assertIs(face["live"], True)

    def test_passive_liveness_refuses_a_face_that_the_models_take_for_a_picture(self):
        screen = self.folder / "screen.png"
        screen.write_bytes(collage.on_telephone(FRIENDS / "biden.jpg"))
        flags = ("--models", self.path, "--liveness", "passive")
        face = self.json_of("analyze", "--models", self.path, screen)["faces"][0]
        self.assertIs(face["live"], False)
        self.refused("enroll", "--id", "b", "--name", "B", screen, *flags, code=3, word="picture or a screen")
        self.enroll("biden", "Joe", FRIENDS / "biden.jpg", flags=flags)

    def test_doctor_says_which_models_decide(self):
        done = self.run_program("doctor", "--models", self.path, "--liveness", "passive")
        self.assertIn(b"decided by minifasnet-v2, minifasnet-v1se", done.stdout)

    def test_yunet_finds_the_faces_of_a_group_where_opencv_finds_them(self):
        """Boxes and scores of cv2.FaceDetectorYN (score .6, overlap .3) on the photo resized to 640 by cv2.resize."""
        theirs = [
            (417.8, 356.7, 179.8, 244.5, 0.932),
            (834.0, 423.8, 198.6, 230.1, 0.912),
            (1467.2, 213.4, 212.9, 223.9, 0.897),
        ]
        faces = self.json_of("detect", "--models", self.path, "--pipeline", "yunet", GROUPS / "sample1.jpg")["faces"]
        ours = sorted((*(face["box"][k] for k in "xywh"), face["score"]) for face in faces)
        self.assertEqual(len(ours), 3)
        for found, wanted in zip(ours, theirs, strict=True):
            for a, b in zip(found[:4], wanted, strict=False):
                self.assertAlmostEqual(a, b, delta=0.5)
            self.assertAlmostEqual(found[4], wanted[4], delta=0.005)


if __name__ == "__main__":
    unittest.main()
