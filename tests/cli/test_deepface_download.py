"""script/models deepface: an interrupted download is resumed, and a file that is not the pinned one is deleted."""

import hashlib
import math
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

import onnx_graph
import pictures
from program import SOURCE, ProgramCase
from publisher import Publisher

sys.path.insert(0, str(SOURCE / "script"))

import deepface
import download

CONTENT = bytes(range(256)) * 400
PINNED = hashlib.sha256(CONTENT).hexdigest()


class Download(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.target = self.folder / "weights.h5"
        self.publisher = Publisher(self, CONTENT, "/weights.h5")
        for name in ("time.sleep", "deepface.fetch.say"):
            patch = mock.patch(name)
            patch.start()
            self.addCleanup(patch.stop)

    def download(self, sha256=PINNED, name="weights.h5"):
        download.download(f"{self.publisher.address}/{name}", self.target, sha256)

    def test_goes_on_where_it_broke_off(self):
        self.publisher.breaks = 2
        self.download()
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(self.publisher.asked, [None, "bytes=51200-", "bytes=76800-"])

    def test_goes_on_with_what_an_earlier_call_left(self):
        (self.folder / "weights.h5.part").write_bytes(CONTENT[:1000])
        self.download()
        self.assertEqual((self.target.read_bytes(), self.publisher.asked), (CONTENT, ["bytes=1000-"]))
        self.assertEqual(list(self.folder.iterdir()), [self.target])

    def test_starts_again_where_the_publisher_cannot_go_on(self):
        self.publisher.breaks, self.publisher.ranges = 1, False
        self.download()
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_file_with_the_wrong_digest_is_deleted(self):
        with self.assertRaisesRegex(SystemExit, "has the wrong SHA-256"):
            self.download(sha256="0" * 64)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_file_that_is_not_there_is_reported(self):
        with self.assertRaisesRegex(SystemExit, "404"):
            self.download(name="absent.h5")

    def test_gives_up_in_the_end_and_keeps_what_it_has(self):
        self.publisher.breaks = 100
        with self.assertRaisesRegex(SystemExit, "run this again to resume the download"):
            self.download()
        self.assertGreater((self.folder / "weights.h5.part").stat().st_size, len(CONTENT) / 2)


class Templates(unittest.TestCase):
    def test_every_model_of_deepface_pins_its_weight_file(self):
        found = {path.stem: deepface.json.loads(path.read_text()) for path in deepface.TEMPLATES.glob("*.json")}
        self.assertLessEqual(set(deepface.USUAL), set(found))
        del found["pipeline"]
        for name, manifest in found.items():
            with self.subTest(model=name):
                source = manifest["source"]
                self.assertRegex(source["files"][0]["sha256"], "^[0-9a-f]{64}$")
                self.assertTrue(source["url"].endswith("/" + source["files"][0]["path"]))
                self.assertEqual(manifest["name"], name)
                self.assertNotIn("sha256", manifest)


class SFace(ProgramCase):
    def test_a_file_of_sface_s_layout_runs_on_the_numbers_that_it_is_to_see(self):
        """OpenCV's file cannot be had everywhere: another of the same inputs and outputs, whose numbers can be told
        beforehand."""
        given = self.folder / "face_recognition_sface_2021dec.onnx"
        given.write_bytes(onnx_graph.embedder(128, entry="data", out="fc1"))
        made = self.folder / "made"
        made.mkdir()
        deepface.make(deepface.json.loads((deepface.TEMPLATES / "sface.json").read_text()), given, made, False)
        path = ":".join(map(str, (SOURCE / "models", SOURCE / "deps/models", made)))
        pixel = pictures.pattern(2)
        answer = self.json_of(
            "represent", "--whole", "--model", "sface", "--models", path, "-", stdin=pictures.png(112, 112, pixel)
        )
        cells = [
            sum(pixel(x, y)[c] for y in range(row, row + 16) for x in range(column, column + 16)) / 256
            for c in range(3)
            for row in range(0, 112, 16)
            for column in range(0, 112, 16)
        ]  # RGB, 0 to 255
        mean, weights = sum(cells) / 147, onnx_graph.numbers(147 * 128)
        wanted = [sum((cell - mean) * weights[k * 128 + i] for k, cell in enumerate(cells)) for i in range(128)]
        length = math.sqrt(sum(x * x for x in wanted))
        for ours, theirs in zip(answer["faces"][0]["embedding"], wanted, strict=True):
            self.assertAlmostEqual(ours, theirs / length, delta=1e-5)


class Files(unittest.TestCase):
    def test_files_at_hand_that_are_missing_or_another_are_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            manifest = deepface.json.loads((deepface.TEMPLATES / "vgg-face.json").read_text())
            chosen = mock.Mock(folder=pathlib.Path(folder), any_weights=False)
            with self.assertRaisesRegex(SystemExit, "does not contain vgg_face_weights.h5"):
                deepface.weight_file(manifest, chosen, None)
            pathlib.Path(folder, "vgg_face_weights.h5").write_bytes(b"something else")
            with self.assertRaisesRegex(SystemExit, "has the wrong SHA-256"):
                deepface.weight_file(manifest, chosen, None)
            chosen.any_weights = True
            self.assertTrue(deepface.weight_file(manifest, chosen, None).is_file())
