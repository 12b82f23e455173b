"""Parity with the programs whose models are converted: PyPI DeepFace (TensorFlow), dlib, and TensorFlow itself for the
TensorFlow.js nets. Heavy: skipped unless tests/parity/setup made deps/parity."""

import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import pictures
from program import FRIENDS, PROGRAM, SOURCE

PARITY = SOURCE / "tests/parity"
PYTHON = SOURCE / "deps/parity/bin/python"
CROPS = ("square", "tall", "wide", "small")
MODELS = {"VGG-Face": "vgg-face", "ArcFace": "arcface", "Facenet512": "facenet512"}
ETHNICITY = {"middle eastern": "middle_eastern", "latino hispanic": "latino_hispanic"}

sys.path.insert(0, str(SOURCE / "script"))


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, **options)
    if done.returncode:
        raise AssertionError(
            f"{command[0]} ended with {done.returncode}:\n"
            + (done.stdout + done.stderr).decode(errors="replace")[-3000:]
        )
    return done.stdout


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


@unittest.skipUnless(PYTHON.exists(), "there is no deps/parity; tests/parity/setup makes it (1.5 GB)")
class DeepFace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-parity-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        run(PYTHON, PARITY / "deepface_side.py", cls.folder)
        cls.theirs = json.loads((cls.folder / "deepface.json").read_text())
        run(
            SOURCE / "script/models",
            "deepface",
            "--from",
            cls.folder / "home/.deepface/weights",
            "--any-weights",
            "--to",
            cls.folder / "models",
            "vgg-face",
            "deepface-age",
            "deepface-gender",
            "deepface-race",
            "arcface",
            "facenet512",
        )
        shutil.rmtree(cls.folder / "home")

    def ours(self, *arguments):
        path = ":".join(str(p) for p in (SOURCE / "models", SOURCE / "deps/models", self.folder / "models"))
        return json.loads(run(PROGRAM, *arguments, "--json", "--models", path, "--data", self.folder / "data"))

    def test_embeddings_point_the_same_way(self):
        for theirs, ours in MODELS.items():
            lowest = 1
            for crop in CROPS:
                with self.subTest(model=ours, crop=crop):
                    answer = self.ours("represent", "--whole", "--model", ours, self.folder / f"{crop}.png")
                    embedding, wanted = answer["faces"][0]["embedding"], self.theirs[crop][theirs]
                    self.assertEqual(len(embedding), len(wanted))
                    alike = cosine(embedding, wanted)
                    lowest = min(lowest, alike)
                    self.assertGreaterEqual(alike, 0.9999)
            print(f"# {ours}: lowest cosine with DeepFace's {lowest:.7f}", flush=True)

    def test_age_gender_and_race_agree(self):
        furthest = {"age": 0, "gender": 0, "race": 0}
        for crop in CROPS:
            face = self.ours("analyze", "--whole", "--pipeline", "deepface", self.folder / f"{crop}.png")["faces"][0]
            theirs = self.theirs[crop]
            pairs = [("age", face["age"], theirs["age"])]
            pairs += [("gender", face["gender"][k.lower()], v / 100) for k, v in theirs["gender"].items()]
            pairs += [("race", face["ethnicity"][ETHNICITY.get(k, k)], v / 100) for k, v in theirs["race"].items()]
            for what, a, b in pairs:
                furthest[what] = max(furthest[what], abs(a - b))
                with self.subTest(crop=crop, what=what):
                    self.assertLessEqual(abs(a - b), 1e-3)
        print(f"# furthest from DeepFace: {furthest}", flush=True)

    def test_a_gallery_of_4096_numbers_enrols_and_searches(self):
        self.ours("collections", "add", "vgg", "--model", "vgg-face")
        for name in ("obama", "biden"):
            self.ours("enroll", "--collection", "vgg", "--id", name, "--name", name, FRIENDS / f"{name}.jpg")
        best = self.ours("search", "--collection", "vgg", FRIENDS / "obama.jpg")["faces"][0]["candidates"][0]
        self.assertEqual(best["id"], "obama")
        self.assertGreater(best["similarity"], 0.9999)


@unittest.skipUnless(PYTHON.exists(), "there is no deps/parity; tests/parity/setup makes it (1.5 GB)")
class Sources(unittest.TestCase):
    """Compares models that script/setup converted from registry packages with the programs that they come from."""

    @classmethod
    def setUpClass(cls):
        import fetch  # the set-up's own

        cls.fetch = fetch
        fetch.say = lambda message: print(
            f"# {message}", flush=True
        )  # as a comment, so that it is not read as a test's line
        fetch.WORK.mkdir(parents=True, exist_ok=True)
        cls.addClassCleanup(shutil.rmtree, fetch.WORK, ignore_errors=True)

    def sources(self, name):
        manifest = json.loads((SOURCE / f"models/{name}.json").read_text())
        folder = self.fetch.package_folder(manifest["source"], sdist=manifest["source"].get("sdist", False))
        return manifest, folder / manifest["source"]["files"][0]["path"]

    def test_tensorflow_gives_the_numbers_that_test_pixels_compares_with(self):
        written = json.loads((PARITY / "tfjs.json").read_text())
        _, source = self.sources("faceres-deep")  # all of them are in one package
        answer = json.loads(run(PYTHON, PARITY / "tfjs_side.py", source.parent, *written).splitlines()[-1])
        for name, outputs in written.items():
            for output, numbers in outputs.items():
                with self.subTest(model=name, output=output):
                    self.assertLessEqual(max(abs(a - b) for a, b in zip(answer[name][output], numbers)), 1e-5)

    def test_dlib_gives_the_same_numbers(self):
        if subprocess.run([PYTHON, "-c", "import dlib"], capture_output=True, check=False).returncode:
            self.skipTest(
                "dlib is not in deps/parity; its numbers of another day are compared in tests/cli/test_pixels.py"
            )
        _, source = self.sources("dlib-resnet-128")
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, f"{seed}.png") for seed in (3, 4, 5)]
            for seed, path in zip((3, 4, 5), paths):
                path.write_bytes(pictures.png(150, 150, pictures.pattern(seed)))
            furthest = 0
            for path, theirs in zip(paths, json.loads(run(PYTHON, PARITY / "dlib_side.py", source, *paths))):
                answer = json.loads(
                    run(
                        PROGRAM,
                        "represent",
                        "--whole",
                        "--model",
                        "dlib-resnet-128",
                        "--json",
                        "--data",
                        pathlib.Path(folder, "data"),
                        path,
                    )
                )
                length = math.sqrt(sum(x * x for x in theirs))
                furthest = max(
                    [furthest] + [abs(a - b / length) for a, b in zip(answer["faces"][0]["embedding"], theirs)]
                )
        print(f"# dlib-resnet-128: furthest from dlib {furthest:.2g}", flush=True)
        self.assertLessEqual(furthest, 1e-6)
