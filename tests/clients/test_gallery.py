"""The Python package in process: galleries, photos from arrays, DeepFace's functions. Against the library of this
build, or against an installed package if SB_INSTALLED is set."""

import atexit
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

SOURCE = pathlib.Path(os.environ.get("SB_SOURCE", ".")).resolve()
BUILD = pathlib.Path(os.environ.get("SEMBLANCE", "build/semblance")).absolute().parent
FRIENDS = SOURCE / "deps/photos/face_recognition"
OBAMA, OBAMA2, OBAMA3, BIDEN = (FRIENDS / f"{name}.jpg" for name in ("obama", "obama2", "obama3", "biden"))
GROUP = SOURCE / "deps/photos/face-api/sample1.jpg"
INSTALLED = "SB_INSTALLED" in os.environ
# script/setup --tests puts numpy, cffi and pandas there, for the same Python.
sys.path.extend(map(str, (SOURCE / "deps/clients/lib").glob(f"python3.{sys.version_info.minor}/site-packages")))
MODELS = f"{SOURCE / 'models'}:{SOURCE / 'deps/models'}"


def missing():
    """Why this cannot run here; None: it can."""
    for module in ("numpy", "cffi"):
        try:
            __import__(module)
        except ImportError:
            return f"{module} is not installed (script/setup --tests)"
    if INSTALLED:
        return None
    options = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
    if next(o["value"] for o in options if o["name"] == "b_sanitize") != "none":
        return "Python cannot load a library with sanitizers"
    return None


def make_package():
    """A package folder as packaging/wheel makes it, with the library of this build."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-package-"))
    atexit.register(shutil.rmtree, folder, True)
    shutil.copytree(SOURCE / "clients/python/semblance", folder / "semblance")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    declarations = folder / "semblance/_declarations.py"
    command = [sys.executable, SOURCE / "clients/python/declarations.py", SOURCE / "include", declarations]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    os.environ["SEMBLANCE_LIBRARY"] = str(BUILD / "libsemblance.so")
    sys.path.insert(0, str(folder))


REASON = missing()
if not REASON:
    if not INSTALLED:
        make_package()
    os.environ.setdefault("SEMBLANCE_MODELS", MODELS)
    import numpy as np
    import semblance
    from semblance import DeepFace, Gallery, SemblanceError


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if REASON:
            raise unittest.SkipTest(REASON)

    def refused(self, code, call):
        with self.assertRaises(SemblanceError) as caught:
            call()
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        return str(caught.exception)


class InProcess(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="semblance-gallery-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.gallery = Gallery(self.folder)
        self.addCleanup(self.gallery.close)

    def pixels(self, photo=OBAMA2):
        """A photo as an array, by the page's own route: the gallery's reading is not asked."""
        command = ["djpeg", "-ppm", str(photo)]
        raw = subprocess.run(command, check=True, capture_output=True).stdout
        _, size, _, data = raw.split(b"\n", 3)
        width, height = map(int, size.split())
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def test_a_person_from_enrolment_to_deletion(self):
        gallery = self.gallery
        done = gallery.enroll("44", "Barack Obama", OBAMA, OBAMA2.read_bytes(), consent="agreed", attributes=True)
        self.assertEqual((done.faces_added, done.person.consent, len(done.faces)), (2, "agreed", 2))
        found = gallery.search(OBAMA3, k=1)
        self.assertEqual((found.faces[0].best.id, found.faces[0].best.match, found.gallery_size), ("44", True, 1))
        self.assertIsNone(gallery.search(BIDEN).faces[0].best)
        gallery.enroll("46", "Joe Biden", BIDEN)
        self.assertEqual([p.id for p in gallery.people(sort="name")], ["44", "46"])
        self.assertEqual([p.id for p in gallery.people("bid")], ["46"])
        self.assertEqual(gallery.change("44", name="B. Obama", new_id="0044").name, "B. Obama")
        self.assertEqual(gallery.enroll("45", "Again", OBAMA3).duplicates[0].id, "0044")
        self.assertEqual(gallery.merge("0044", "45"), 1)
        self.assertEqual(gallery.person("0044").faces, 3)
        self.assertEqual(gallery.delete("0044"), 3)
        self.refused("not_found", lambda: gallery.person("0044"))

    def test_more_people_than_a_page_has_are_all_listed(self):
        from semblance import gallery as module

        self.addCleanup(setattr, module, "PAGE", module.PAGE)
        module.PAGE = 2
        for i in range(5):
            self.gallery.enroll(str(i), f"Name {5 - i}", OBAMA)
        for sort in ("oldest", "newest", "name"):
            self.assertEqual({p.id for p in self.gallery.people(sort=sort)}, set("01234"), sort)

    def test_an_array_is_the_same_photo_as_its_file(self):
        pixels = self.pixels()
        from_file, from_array = (self.gallery.represent(p).faces[0] for p in (OBAMA2, pixels))
        self.assertGreater(float(from_file.embedding @ from_array.embedding), 0.999)
        for mine, theirs in zip(from_array.box, from_file.box):
            self.assertAlmostEqual(mine, theirs, delta=2)
        opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        self.assertEqual(self.gallery.detect(opaque).faces[0].box, self.gallery.detect(pixels).faces[0].box)
        self.assertEqual(len(self.gallery.detect(pixels.mean(axis=2).astype(np.uint8)).faces), 1)

    def test_boxes_of_an_array_that_is_larger_than_the_limit_are_of_the_whole_array(self):
        pixels = self.pixels()
        by = 4  # 626 x 1200 becomes 36 MB
        large = pixels.repeat(by, axis=0).repeat(by, axis=1)
        found, small = self.gallery.detect(large), self.gallery.detect(pixels)
        self.assertEqual((found.width, found.height), (large.shape[1], large.shape[0]))
        for mine, theirs in zip(found.faces[0].box, small.faces[0].box):
            self.assertAlmostEqual(mine, theirs * by, delta=4 * by)

    def test_embeddings_are_arrays_of_unit_length_and_outlive_the_gallery(self):
        found = self.gallery.represent(OBAMA)
        self.gallery.close()
        embedding = found.faces[0].embedding
        self.assertEqual((embedding.dtype, embedding.shape), (np.float32, (512,)))
        self.assertAlmostEqual(float(np.linalg.norm(embedding)), 1, places=5)
        self.assertEqual(found.model, "mobilefacenet-512")

    def test_analysis_and_comparison(self):
        face = self.gallery.analyze(OBAMA).faces[0]
        self.assertGreater(face.attributes.gender["man"], 0.9)
        self.assertAlmostEqual(sum(face.expression.values()), 1, places=3)
        self.assertLess(abs(face.pose["roll"]), 10)
        same, other = self.gallery.verify(OBAMA, OBAMA2), self.gallery.verify(OBAMA, BIDEN, fmr=1e-6)
        self.assertTrue(same.match)
        self.assertEqual((other.match, other.verdict), (False, "none"))
        self.assertGreater(other.threshold, same.threshold)

    def test_collections_hold_different_people(self):
        self.gallery.create_collection("visitors")
        with Gallery(self.folder, collection="visitors") as visitors:
            visitors.enroll("1", "Joe", BIDEN)
            self.assertEqual([c.name for c in visitors.collections() if c.people], ["visitors"])
        self.assertEqual(list(self.gallery.people()), [])
        self.gallery.delete_collection("visitors")
        self.assertEqual([c.name for c in self.gallery.collections() if c.name == "visitors"], [])

    def test_wrong_arguments_are_refused_in_words(self):
        gallery, pixels = self.gallery, np.zeros((40, 40, 3), np.uint8)
        for code, call in (
            ("invalid", lambda: gallery.search(3)),
            ("invalid", lambda: gallery.search(pixels.astype(float))),
            ("invalid", lambda: gallery.search(pixels[:, :, :2])),
            ("invalid", lambda: gallery.search(np.zeros((0, 5, 3), np.uint8))),
            ("invalid", lambda: gallery.search(pixels, k=0)),
            ("invalid", lambda: gallery.search(pixels, k=2**80)),
            ("invalid", lambda: gallery.search(pixels, threshold="high")),
            ("invalid", lambda: gallery.search(pixels, fmr=0.001, fpir=0.01)),
            ("invalid", lambda: gallery.enroll("44", "Obama")),
            ("invalid", lambda: gallery.enroll("a\0b", "Obama", OBAMA)),
            ("invalid", lambda: gallery.enroll(44, "Obama", OBAMA)),
            ("invalid", lambda: gallery.enroll("44", "Obama", OBAMA, quality="fine")),
            ("invalid", lambda: gallery.people(sort="shoe size").__next__()),
            ("invalid", lambda: Gallery(self.folder, workers="many")),
            ("invalid", lambda: Gallery(self.folder, liveness="strict")),
            ("invalid", lambda: Gallery(self.folder, device="GPU:0")),
            ("model", lambda: Gallery(self.folder, device="GPU.99").search(OBAMA)),
            ("not_found", lambda: gallery.search("/no/such/photo.jpg")),
            ("not_found", lambda: Gallery(self.folder, models="/no/such/folder")),
            ("not_found", lambda: Gallery(self.folder, collection="nobodys").search(OBAMA)),
            ("bad_image", lambda: gallery.search(b"")),
            ("unsupported_image", lambda: gallery.search(b"a text")),
            ("no_face", lambda: gallery.enroll("44", "Obama", pixels + 90)),
            ("several_faces", lambda: gallery.enroll("44", "Obama", GROUP)),
        ):
            self.assertTrue(self.refused(code, call))
        self.assertEqual(list(gallery.people()), [])

    def test_a_duplicate_can_be_refused(self):
        self.gallery.enroll("44", "Obama", OBAMA)
        self.refused("duplicate", lambda: self.gallery.enroll("45", "Again", OBAMA2, on_duplicate="refuse"))
        self.assertEqual([p.id for p in self.gallery.people()], ["44"])

    def test_threads_work_side_by_side_and_closing_waits_for_them(self):
        self.gallery.enroll("44", "Obama", OBAMA)
        found, refused, started = [], [], threading.Barrier(5)

        def work():
            started.wait()
            try:
                for _ in range(200):
                    found.append(self.gallery.search(OBAMA2).faces[0].best.id)
            except SemblanceError as error:
                refused.append(error.code)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        started.wait()
        while len(found) < 4 and any(thread.is_alive() for thread in threads):
            threads[0].join(0.01)
        self.gallery.close()
        for thread in threads:
            thread.join()
        self.assertEqual((set(found), set(refused)), ({"44"}, {"misuse"}))

    def test_python_runs_while_the_library_works(self):
        self.gallery.detect(GROUP)
        counted, done = [0], threading.Event()

        def count():
            while not done.is_set():
                counted[0] += 1

        thread = threading.Thread(target=count)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(done.set)
        before = counted[0]
        self.gallery.detect(GROUP)
        self.assertGreater(counted[0], before)


class AsDeepFace(Case):
    AREA = {"x", "y", "w", "h", "left_eye", "right_eye"}

    def pixels(self):
        return InProcess.pixels(self, OBAMA)

    def test_verify_has_the_fields_of_deepface(self):
        same, other = DeepFace.verify(OBAMA, str(OBAMA2)), DeepFace.verify(img1_path=OBAMA, img2_path=BIDEN)
        self.assertEqual(
            set(same),
            {"verified", "distance", "threshold", "confidence", "model", "detector_backend", "similarity_metric"}
            | {"facial_areas", "time"},
        )
        self.assertEqual((same["verified"], other["verified"]), (True, False))
        self.assertLess(same["distance"], same["threshold"])
        self.assertGreater(same["confidence"], 50)
        self.assertLess(other["confidence"], 50)
        self.assertEqual(set(same["facial_areas"]["img1"]), self.AREA)
        self.assertFalse(DeepFace.verify(OBAMA, OBAMA2, threshold=0.01)["verified"])
        for metric in ("euclidean", "euclidean_l2", "angular"):
            self.assertTrue(DeepFace.verify(OBAMA, OBAMA2, distance_metric=metric)["verified"], metric)
            self.assertFalse(DeepFace.verify(OBAMA, BIDEN, distance_metric=metric)["verified"], metric)

    def test_represent_takes_paths_arrays_data_urls_and_open_files(self):
        url = "data:image/jpeg;base64," + base64.b64encode(OBAMA.read_bytes()).decode()
        (wanted,) = DeepFace.represent(OBAMA)
        self.assertEqual(set(wanted), {"embedding", "facial_area", "face_confidence"})
        self.assertEqual(len(wanted["embedding"]), 512)
        with OBAMA.open("rb") as file:
            for photo in (str(OBAMA), url, file):
                self.assertEqual(DeepFace.represent(photo)[0]["embedding"], wanted["embedding"])
        (bgr,) = DeepFace.represent(self.pixels()[:, :, ::-1])
        self.assertGreater(float(np.dot(bgr["embedding"], wanted["embedding"])), 0.999)
        several = DeepFace.represent([OBAMA, GROUP], max_faces=2)
        self.assertEqual([len(faces) for faces in several], [1, 2])
        nobody = np.zeros((100, 80, 3), np.uint8)
        (face,) = DeepFace.represent(nobody, enforce_detection=False)
        self.assertEqual((face["face_confidence"], face["facial_area"]["w"]), (0, 80))

    def test_analyze_gives_percent_under_the_words_of_deepface(self):
        (face,) = DeepFace.analyze(OBAMA)
        self.assertEqual(face["dominant_gender"], "Man")
        self.assertAlmostEqual(sum(face["gender"].values()), 100, places=2)
        self.assertIsInstance(face["age"], int)
        self.assertLessEqual({"happy", "surprise", "fear", "disgust", "angry", "sad", "neutral"}, set(face["emotion"]))
        self.assertIn("dominant_race", face)
        (only,) = DeepFace.analyze(OBAMA, actions="age")
        self.assertEqual(set(only), {"age", "region", "face_confidence"})

    def test_find_returns_a_frame_for_each_face_and_sees_changes_of_the_folder(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("pandas is not installed")
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        folder = pathlib.Path(made.name)
        for name in ("obama", "biden"):
            (folder / name).mkdir()
            shutil.copy(FRIENDS / f"{name}.jpg", folder / name)
        (frame,) = DeepFace.find(OBAMA2, str(folder))
        self.assertIsInstance(frame, pandas.DataFrame)
        columns = ["identity", "hash", "target_x", "target_y", "target_w", "target_h"]
        columns += ["source_x", "source_y", "source_w", "source_h", "threshold", "distance", "confidence"]
        self.assertEqual(list(frame.columns), columns)
        self.assertEqual(list(frame["identity"]), [str(folder / "obama/obama.jpg")])
        shutil.copy(OBAMA3, folder / "obama")
        (frame,) = DeepFace.find(OBAMA2, str(folder))
        self.assertEqual(len(frame), 2)
        self.assertTrue(frame["distance"].is_monotonic_increasing)
        (folder / "obama/obama.jpg").unlink()
        (hits,) = DeepFace.find(OBAMA2, str(folder), batched=True)
        self.assertEqual([hit["identity"] for hit in hits], [str(folder / "obama/obama3.jpg")])
        (folder / "broken.jpg").write_bytes(b"no photo")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.assertEqual(len(DeepFace.find(OBAMA2, str(folder))[0]), 1)
        self.assertIn("broken.jpg is passed over", str(said[0].message))
        self.assertEqual(sorted(p.name for p in folder.iterdir()), ["biden", "broken.jpg", "obama"])

    def test_extract_faces_cuts_out_what_the_photo_shows(self):
        pixels = self.pixels()
        (face,) = DeepFace.extract_faces(pixels[:, :, ::-1], align=False)
        area = face["facial_area"]
        self.assertEqual(face["face"].shape, (area["h"], area["w"], 3))
        wanted = pixels[area["y"] : area["y"] + area["h"], area["x"] : area["x"] + area["w"]] / 255
        self.assertLess(np.abs(face["face"] - wanted).mean(), 0.05)
        (bgr,) = DeepFace.extract_faces(pixels[:, :, ::-1], align=False, color_face="bgr", normalize_face=False)
        self.assertLess(np.abs(bgr["face"][:, :, ::-1] / 255 - face["face"]).mean(), 0.01)
        (wide,) = DeepFace.extract_faces(pixels[:, :, ::-1], expand_percentage=50)
        self.assertAlmostEqual(wide["face"].shape[0], 1.5 * area["h"], delta=2)

    def test_what_would_have_no_effect_and_what_is_wrong_is_refused(self):
        for call in (
            lambda: DeepFace.represent(OBAMA, model_name="VGG-Face"),
            lambda: DeepFace.represent(OBAMA, model_name=""),
            lambda: DeepFace.represent(OBAMA, detector_backend="eagle"),
            lambda: DeepFace.represent(OBAMA, align=False),
            lambda: DeepFace.represent(OBAMA, expand_percentage=10),
            lambda: DeepFace.represent(OBAMA, normalization="Facenet"),
            lambda: DeepFace.represent(OBAMA, anti_spoofing=True),
            lambda: DeepFace.represent(OBAMA, max_faces=0),
            lambda: DeepFace.represent(np.zeros((90, 90, 3), np.uint8)),
            lambda: DeepFace.represent("https://example.org/a.jpg"),
            lambda: DeepFace.represent("data:image/png;base64,?"),
            lambda: DeepFace.represent("/no/such/file.jpg"),
            lambda: DeepFace.represent(7),
            lambda: DeepFace.verify(OBAMA, OBAMA2, distance_metric="taxi"),
            lambda: DeepFace.analyze(OBAMA, actions=["wit"]),
            lambda: DeepFace.analyze(OBAMA, actions=[]),
            lambda: DeepFace.find(OBAMA, "/no/such/folder"),
            lambda: DeepFace.extract_faces(OBAMA, color_face="cmyk"),
        ):
            with self.assertRaises(ValueError) as caught:
                call()
            self.assertGreater(len(str(caught.exception)), 20)
        with self.assertRaises(TypeError):
            DeepFace.verify(OBAMA, OBAMA2, enforced=True)
        with self.assertRaisesRegex(NotImplementedError, "semblance serve"):
            DeepFace.stream("people")


class Package(Case):
    def test_every_public_name_can_be_imported(self):
        for name in semblance.__all__:
            self.assertIsNotNone(getattr(semblance, name))
        with self.assertRaises(AttributeError):
            semblance.nothing  # noqa: B018

    def test_the_library_has_the_version_of_the_project(self):
        text = (SOURCE / "meson.build").read_text()
        self.assertIn(f"version: '{semblance.version()}'", text)


if __name__ == "__main__":
    unittest.main()
