"""Bad photos, full disks, damaged files, kill -9: a clear message, the right exit code, and no data lost."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest

from collage import grid, on_grey, png, read_jpeg, shrink
from program import FRIENDS, PROGRAM, ProgramCase, of_a_file

OBAMA = FRIENDS / "obama.jpg"
ONE_FACE = [
    FRIENDS / f"{name}.jpg"
    for name in ("obama", "obama2", "obama3", "biden", "obama_partial_face", "obama_partial_face2")
]


class BadPhotos(ProgramCase):
    def refuse(self, content, word, code=3):
        photo = self.folder / "photo.jpg"
        photo.write_bytes(content)
        return self.refused("enroll", "--id", "1", "--name", "A", photo, code=code, word=word)

    def test_an_empty_file(self):
        self.refuse(b"", "empty")

    def test_text_named_jpg(self):
        self.refuse(b"just some words\n" * 50, "text")

    def test_pdf_named_jpg(self):
        self.refuse(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "pdf")

    def test_svg_named_jpg(self):
        self.refuse(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "svg")

    def test_zip_named_jpg(self):
        self.refuse(b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(60), "zip")

    def test_a_truncated_jpeg(self):
        self.refuse(OBAMA.read_bytes()[:20000], "truncated")

    def test_a_truncated_png(self):
        self.refuse((FRIENDS / "32bit.png").read_bytes()[:100000], "")

    def test_a_png_that_claims_60000_by_60000_pixels(self):
        self.refuse(png(60000, 60000), "pixels")

    def test_a_photo_without_a_face(self):
        self.refuse(on_grey(320, 240, []), "no face")

    def test_six_faces_are_counted(self):
        self.refuse(grid([shrink(read_jpeg(photo), 240) for photo in ONE_FACE], 3), "6 faces")

    def test_a_face_of_12_pixels(self):
        photo = read_jpeg(OBAMA)  # 1137 pixels high, its face 330
        self.refuse(on_grey(640, 480, [(shrink(photo, round(photo[1] * 12 / 330)), 300, 200)]), "larger")

    def test_a_file_that_is_not_there(self):
        self.refused("search", self.folder / "none.jpg", code=3, word="no file")

    def test_a_folder_in_place_of_a_photo(self):
        done = self.run_program("search", self.folder)
        self.assertIn(done.returncode, (3, 4))
        self.assertTrue(done.stderr)


class BadSurroundings(ProgramCase):
    @of_a_file
    def test_a_full_disk_loses_nothing_that_was_acknowledged(self):
        self.enroll("0", "First", OBAMA)
        size = max(f.stat().st_size for f in self.data.iterdir())

        def small_files_only():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        cache = {"XDG_CACHE_HOME": str(self.folder / "cache")}  # not the shared one: its files would be cut too
        for number in range(1, 100):  # until the database's file would have to grow
            done = self.run_program(
                "enroll",
                "--id",
                str(number),
                "--name",
                "Next",
                FRIENDS / "biden.jpg",
                prepare=small_files_only,
                environment=cache,
            )
            if done.returncode:
                break
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(b"space", done.stderr)
        listed = {person["id"] for person in self.json_of("list")["people"]}
        self.assertEqual(listed, {str(acknowledged) for acknowledged in range(number)})
        self.enroll(str(number), "Next", FRIENDS / "biden.jpg")

    @of_a_file
    @unittest.skipIf(shutil.which("setpriv") is None, "setpriv is missing")
    def test_a_read_only_folder_is_said_to_be_one(self):
        self.data.mkdir()
        self.data.chmod(0o555)
        self.folder.chmod(0o755)
        command = [PROGRAM, "list", "--data", str(self.data)]
        home = {**os.environ, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        if os.geteuid() == 0:
            probe = subprocess.run(
                ["setpriv", "--reuid", "65534", "--clear-groups", PROGRAM, "--version"],
                capture_output=True,
                check=False,
            )
            if probe.returncode:
                self.skipTest("the program lies where other users may not read")
            command = ["setpriv", "--reuid", "65534", "--clear-groups", *command]
        done = subprocess.run(command, capture_output=True, check=False, env=home)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertRegex(done.stderr.decode().lower(), "permission|read-only|written")

    def models_copy(self):
        """A copy of manifests and models that a test may damage."""
        copy = self.folder / "models"
        source = os.environ.get("SB_SOURCE", ".")
        shutil.copytree(os.path.join(source, "models"), copy)
        for name in os.listdir(os.path.join(source, "deps/models")):
            shutil.copy(os.path.join(source, "deps/models", name), copy / name)
        return copy

    def test_a_model_cut_short_is_named(self):
        models = self.models_copy()
        largest = max(models.glob("*feature*.onnx"), key=lambda p: p.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:100000])
        self.refused("detect", OBAMA, "--models", models, code=4, word=largest.name)

    def test_a_swapped_model_is_named(self):
        models = self.models_copy()
        feature = next(models.glob("*feature*.onnx"))
        other = next(p for p in models.glob("*.onnx") if p != feature)
        feature.write_bytes(other.read_bytes())
        self.refused("detect", OBAMA, "--models", models, code=4, word=feature.name)

    def test_a_missing_models_folder_says_what_to_do(self):
        self.refused("detect", OBAMA, "--models", self.folder / "nowhere", code=4, word="script/setup")

    @of_a_file
    def test_a_damaged_database_is_refused_and_left_as_it_is(self):
        self.enroll("1", "First", OBAMA)
        database = self.data / "semblance.db"
        database.write_bytes(b"this was a database" * 1000)
        self.refused("list", code=4, word="database")
        self.assertEqual(database.read_bytes(), b"this was a database" * 1000)

    def test_a_wrong_key_is_refused_and_nothing_is_overwritten(self):
        self.enroll("1", "First", OBAMA)
        key = {"SEMBLANCE_KEY": "11" * 32}
        self.refused("list", code=4, word="key", environment=key)
        self.assertEqual(self.json_of("list")["total"], 1)


class KilledImport(ProgramCase):
    def killed(self, people, least):
        """Imports, and kills once so many faces are there; (how many were acknowledged before, how many there are
        after)."""
        running = subprocess.Popen(
            [PROGRAM, "import", str(people), "--data", str(self.data), "--quiet"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        acknowledged = 0
        deadline = time.monotonic() + 240
        while acknowledged < least and time.monotonic() < deadline and running.poll() is None:
            listed = self.run_program("list", "--json", "--limit", "1000")
            acknowledged = sum(p["faces"] for p in json.loads(listed.stdout)["people"]) if listed.returncode == 0 else 0
        running.send_signal(signal.SIGKILL)
        running.wait()
        return acknowledged, sum(p["faces"] for p in self.json_of("list", "--limit", "1000")["people"])

    def test_what_was_acknowledged_before_kill_9_is_there_and_a_second_run_completes(self):
        people, one = self.folder / "people", self.folder / "one"
        one.mkdir()
        photos = [
            p for p in sorted(FRIENDS.iterdir()) if p.suffix == ".jpg" and p.stem != "obama_partial_face2"
        ]  # refused
        for photo in photos:
            shutil.copy(photo, one)
        after = 0
        for persons in (8, 32, 128):  # ever more, where the import was over before it could be killed
            for number in range(persons):
                shutil.copytree(one, people / f"person_{number}", dirs_exist_ok=True)
            total = persons * len(photos)
            acknowledged, after = self.killed(people, after + 5)
            self.assertGreaterEqual(after, acknowledged)
            if after < total:
                break
        self.assertLess(after, total, "every import ended before it could be killed")
        done = self.json_of("import", people, "--quiet")
        self.assertEqual((done["skipped"], done["enrolled"] + done["skipped"]), (after, total))
