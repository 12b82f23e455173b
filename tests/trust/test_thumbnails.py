"""Thumbnails are kept only if the operator enables them; then they are sealed, shown, exported and erased."""

import base64
import json
import shutil
import sqlite3
import struct
import subprocess

from program import FRIENDS, GROUPS, PROGRAM, SOURCE, ProgramCase, of_a_file
from server import Server

OBAMA, OBAMA2, BIDEN = (FRIENDS / f"{name}.jpg" for name in ("obama", "obama2", "biden"))
GROUP = (GROUPS / "sample5.jpg").read_bytes()
# The first three bytes alone would appear by chance in sealed data, too, in one of some hundred runs.
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
ON = ("--thumbnails",)


def size_of(jpeg):
    """(width, height) in the frame header."""
    at = 2
    while jpeg[at + 1] not in (0xC0, 0xC2):
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
    return width, height


class Thumbnails(ProgramCase):
    def kept(self):
        """The sealed bytes of every face: {number of the face: bytes}."""
        with sqlite3.connect(self.data / "semblance.db") as database:
            rows = dict(database.execute("SELECT id, thumbnail FROM face"))
        database.close()
        return rows

    def raw(self):
        return b"".join(path.read_bytes() for path in self.data.iterdir() if path.is_file())

    def shown(self, *flags, status=200):
        """The thumbnails that a server shows: {id: picture or None}."""
        with Server(self.data, *flags) as server:
            got, _, text = server.request("GET", "/v1/people?thumbnails=true")
            plain = json.loads(server.request("GET", "/v1/people")[2])
        self.assertEqual(got, status, text)
        if got == 200:
            self.assertNotIn("thumbnail", json.dumps(plain))
            return {
                p["id"]: base64.b64decode(p["thumbnail"]) if "thumbnail" in p else None
                for p in json.loads(text)["people"]
            }

    def exported(self, identity="1"):
        return [
            base64.b64decode(face["thumbnail"]) if "thumbnail" in face else None
            for face in self.json_of("export", "--person", identity)["faces"]
        ]

    def two(self):
        self.enroll("1", "Ann", OBAMA, flags=ON)
        self.enroll("2", "Ben", BIDEN, flags=ON)

    @of_a_file
    def test_no_thumbnail_is_kept_or_shown_unless_the_operator_enables_them(self):
        self.enroll("1", "Ann", OBAMA)
        self.assertEqual(self.kept(), {1: None})
        self.assertNotIn(JPEG, self.raw())
        self.assertEqual(self.shown(*ON), {"1": None})
        self.assertEqual(self.exported(), [None])

    @of_a_file
    def test_enabled_thumbnails_are_kept_sealed_and_shown_only_while_enabled(self):
        self.made_once(self.two)
        self.assertNotIn(JPEG, self.raw())
        sealed = self.kept()
        self.assertTrue(all(1000 < len(blob) < 16_000 for blob in sealed.values()))
        pictures = self.shown(*ON)
        for jpeg in pictures.values():
            self.assertEqual(size_of(jpeg), (96, 96))
            self.assertTrue(jpeg.startswith(JPEG))
            self.assertNotIn(jpeg[20:60], self.raw())
        self.assertNotEqual(pictures["1"], pictures["2"])
        self.assertEqual(self.shown(), {"1": None, "2": None})
        page = self.folder / "page.html"
        record = self.json_of("export", "--person", "1", "--page", page)
        self.assertEqual(base64.b64decode(record["faces"][0]["thumbnail"]), pictures["1"])
        self.assertIn("data:image/jpeg;base64," + record["faces"][0]["thumbnail"], page.read_text())

    @of_a_file
    def test_thumbnails_survive_new_keys_a_revocation_and_a_backup(self):
        self.made_once(self.two)
        before = self.exported() + self.exported("2")
        sealed = self.kept()
        self.json_of("keys", "rotate")
        self.assertFalse(set(sealed.values()) & set(self.kept().values()))
        self.json_of("keys", "revoke")
        self.assertEqual(self.exported() + self.exported("2"), before)
        backup = self.folder / "backup"
        self.assertEqual(self.run_program("backup", backup).returncode, 0)
        words = subprocess.run([PROGRAM, "keys", "export", "--data", self.data], capture_output=True, check=True).stdout
        self.data = self.folder / "other"
        self.assertEqual(self.run_program("keys", "import", stdin=words).returncode, 0)
        self.assertEqual(self.run_program("restore", backup).returncode, 0)
        self.assertEqual(self.exported() + self.exported("2"), before)
        self.assertEqual(self.run_program("audit", "verify").returncode, 0)

    @of_a_file
    def test_a_thumbnail_moved_to_another_face_is_refused(self):
        self.made_once(self.two)
        with sqlite3.connect(self.data / "semblance.db") as database:
            database.execute("UPDATE face SET thumbnail = (SELECT thumbnail FROM face WHERE id = 2) WHERE id = 1")
        database.close()
        self.shown(*ON, status=500)
        self.assertEqual(self.run_program("export", "--person", "1").returncode, 4)
        self.refused("audit", "verify", code=4, word="another program")

    @of_a_file
    def test_a_merge_moves_thumbnails_and_every_erasure_deletes_them(self):
        self.made_once(self.two)
        self.enroll("3", "Cid", OBAMA2, flags=ON)
        sealed = self.kept()
        picture = self.exported("3")
        with Server(self.data, *ON) as server:
            server.request("POST", "/v1/people/1/merge", '{"from":"3"}', {"Content-Type": "application/json"})
        self.assertEqual(self.exported()[1:], picture)
        self.json_of("delete", "1")
        for face in (1, 3):
            for at in range(40, len(sealed[face]) - 32, 300):
                self.assertNotIn(sealed[face][at : at + 32], self.raw())
        self.assertIn(sealed[2][40:72], self.raw())
        self.assertEqual(self.json_of("thumbnails", "erase"), {"erased": 1})
        self.assertNotIn(sealed[2][40:72], self.raw())
        self.assertEqual((self.kept(), self.exported("2")), ({2: None}, [None]))
        self.assertTrue(self.json_of("search", BIDEN)["faces"][0]["candidates"][0]["match"])
        self.assertEqual([e["verb"] for e in self.audit() if "thumbnail" in e["verb"]], ["erase-thumbnails"])
        self.assertEqual(self.run_program("audit", "verify").returncode, 0)

    def audit(self):
        lines = self.run_program("audit", "export").stdout.splitlines()
        return [json.loads(line) for line in lines[:-1]]

    def test_each_face_of_a_group_gets_a_thumbnail_of_its_own(self):
        with Server(self.data, *ON) as server:
            server.post_photos("/register", {"img": GROUP, "img_name": "party"})
            people = json.loads(server.request("GET", "/v1/people?thumbnails=true")[2])["people"]
        pictures = [base64.b64decode(person["thumbnail"]) for person in people]
        self.assertGreater(len(pictures), 2)
        self.assertEqual(len(set(pictures)), len(pictures))
        self.assertEqual({size_of(picture) for picture in pictures}, {(96, 96)})

    @of_a_file
    def test_expiry_erases_the_thumbnail_too(self):
        self.enroll("1", "Ann", OBAMA, flags=ON)
        sealed = self.kept()[1]
        self.json_of("consent", "1", "--expires", "0d")
        self.assertEqual(self.json_of("expire"), {"erased": 1})
        self.assertNotIn(sealed[40:72], self.raw())

    @of_a_file
    def test_a_gallery_of_schema_4_is_upgraded_and_changes_before_that_are_still_detected(self):
        key = {"SEMBLANCE_KEY": "0123456789abcdef" * 4}
        old = SOURCE / "tests/compat/schema-4.db"
        self.data.mkdir(mode=0o700)
        shutil.copy(old, self.data / "semblance.db")
        self.assertEqual([p["consent"] for p in self.json_of("list", environment=key)["people"]], ["agreed"])
        self.assertEqual(self.run_program("audit", "verify", environment=key).returncode, 0)
        self.json_of("enroll", "--id", "46", "--name", "Joe Biden", BIDEN, *ON, environment=key)
        self.assertTrue(self.json_of("search", OBAMA2, environment=key)["faces"][0]["candidates"][0]["match"])
        self.assertEqual(self.run_program("audit", "verify", environment=key).returncode, 0)
        # The upgrade does not make a gallery valid that somebody changed before it.
        self.data = self.folder / "broken"
        self.data.mkdir(mode=0o700)
        shutil.copy(old, self.data / "semblance.db")
        with sqlite3.connect(self.data / "semblance.db") as database:
            database.execute("UPDATE face SET quality = 0.5")
        database.close()
        self.json_of("list", environment=key)
        self.refused("audit", "verify", code=4, word="another program", environment=key)
