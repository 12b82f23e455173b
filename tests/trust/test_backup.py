"""Backups are consistent beside a server, encrypted, verified, restored elsewhere with the key; and the sandbox."""

import json
import os
import pathlib
import subprocess
import threading
import unittest

from program import FRIENDS, PROGRAM, ProgramCase, of_a_file
from server import Server

OBAMA, BIDEN = FRIENDS / "obama.jpg", FRIENDS / "biden.jpg"


class Backup(ProgramCase):
    def setUp(self):
        super().setUp()
        self.made_once(self.one_person)
        self.file = self.folder / "gallery.backup"

    def one_person(self):
        self.enroll("secret-id", "Secret Name", OBAMA)

    def elsewhere(self):
        """The folder of another machine, with the key imported from paper."""
        here, self.data = self.data, self.folder / "other"
        words = subprocess.run([PROGRAM, "keys", "export", "--data", here], capture_output=True, check=True).stdout
        self.assertEqual(self.run_program("keys", "import", stdin=words).returncode, 0)

    @of_a_file
    def test_a_backup_is_restored_on_another_machine_with_the_key(self):
        self.assertEqual(self.run_program("backup", self.file).returncode, 0)
        self.assertEqual(self.run_program("backup", "--verify", self.file).returncode, 0)
        self.refused("restore", self.file, code=3, word="already")
        first = self.data
        self.data = self.folder / "empty"
        self.refused("restore", self.file, code=4, word="key")
        self.data = first
        self.elsewhere()
        self.assertEqual(self.run_program("restore", self.file).returncode, 0)
        self.assertEqual([p["name"] for p in self.json_of("list")["people"]], ["Secret Name"])
        self.assertTrue(self.json_of("search", FRIENDS / "obama2.jpg")["faces"][0]["candidates"][0]["match"])
        self.assertEqual(self.run_program("audit", "verify").returncode, 0)
        self.assertEqual(sorted(p.name for p in self.data.iterdir() if p.name.startswith("work")), [])

    @of_a_file
    def test_a_backup_reveals_nothing_without_the_key_and_every_damage_is_noticed(self):
        self.run_program("backup", self.file)
        content = self.file.read_bytes()
        for word in (b"Secret", b"secret-id", b"SQLite", b"CREATE TABLE", b"default"):
            self.assertNotIn(word, content)
        for damaged in (
            content[:-1],
            content[:200],
            content + b"x",
            b"",
            b"x" * 500,
            content[:300] + bytes([content[300] ^ 1]) + content[301:],
            content[:40] + bytes([content[40] ^ 1]) + content[41:],
        ):
            self.file.write_bytes(damaged)
            done = self.run_program("backup", "--verify", self.file)
            self.assertIn(done.returncode, (3, 4), done.stderr)
        self.assertEqual([p for p in self.data.iterdir() if p.name.startswith("work")], [])
        self.assertEqual(self.json_of("list")["total"], 1)

    @of_a_file
    def test_erased_people_are_in_no_later_backup_and_the_old_key_opens_only_the_old_one(self):
        self.run_program("delete", "secret-id")
        self.run_program("backup", self.file)
        self.elsewhere()
        self.run_program("restore", self.file)
        self.assertEqual(self.json_of("list")["total"], 0)
        self.run_program("keys", "rotate")
        self.refused("backup", "--verify", self.file, code=4, word="root key")

    @of_a_file
    def test_a_backup_made_while_a_server_enrols_is_complete(self):
        with Server(self.data) as server:
            stop, made = threading.Event(), []

            def enrol():
                while not stop.is_set():
                    made.append(
                        server.post_photos(
                            "/v1/people", {"id": f"n{len(made)}", "name": "N", "image": BIDEN.read_bytes()}, 201
                        )
                    )

            worker = threading.Thread(target=enrol)
            worker.start()
            try:
                for _ in range(3):
                    done = self.run_program("backup", self.file)
                    self.assertEqual(done.returncode, 0, done.stderr)
            finally:
                stop.set()
                worker.join()
        self.assertEqual(self.run_program("backup", "--verify", self.file).returncode, 0)


class Sandbox(ProgramCase):
    def test_the_server_is_sandboxed_if_the_kernel_supports_it(self):
        with Server(self.data) as server:
            status = pathlib.Path(f"/proc/{server.process.pid}/status")
            try:
                fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            except PermissionError:
                self.skipTest("this user may not look at the process")
            if (
                b"address"
                in (pathlib.Path(PROGRAM).resolve().parent / "../../meson-info/intro-buildoptions.json").read_bytes()
            ):
                options = json.loads(
                    (pathlib.Path(PROGRAM).resolve().parent / "../../meson-info/intro-buildoptions.json").read_text()
                )
                if next(o["value"] for o in options if o["name"] == "b_sanitize") not in ("none", []):
                    self.skipTest("a build with sanitizers is not confined")
            self.assertEqual(fields["NoNewPrivs"], "1")
            self.assertEqual(fields["Seccomp"], "2")
            self.assertEqual(server.request("GET", "/v1/health")[0], 200)

    def test_no_core_dump_and_no_photo_is_left_on_the_disk(self):
        self.enroll("1", "Ann", OBAMA)
        with Server(self.data) as server:
            server.post_photo("/v1/search", OBAMA.read_bytes())
            limits = pathlib.Path(f"/proc/{server.process.pid}/limits")
            if os.access(limits, os.R_OK):
                self.assertRegex(limits.read_text(), r"Max core file size\s+0\s+0")
        pixels = OBAMA.read_bytes()[5000:5064]
        for file in self.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(pixels, file.read_bytes())


if __name__ == "__main__":
    unittest.main()
