"""Storms: a server is killed, its disk fails, its power is cut and its bits are flipped while it writes. What was
acknowledged is there afterwards, what was erased stays away, and the audit is whole.

At small size in every run; at full size by hand: SB_STORM_ROUNDS=100 SB_STORM_SEED=7 with this file alone. A clock that
jumps is the matter of tests/unit/test_http_limits.c, a killed import that of tests/cli/test_refusals.py, a killed
rotation of keys that of tests/unit/test_keys.c. A power cut is simulated by copies of a stopped server's files: what a
disk loses that claims to have written is not tried."""

import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import unittest
from unittest import mock

from program import FRIENDS, ProgramCase
from server import NotStarted, Server

ROUNDS = int(os.environ.get("SB_STORM_ROUNDS", "3"))
SEED = int(os.environ.get("SB_STORM_SEED", "24"))
RENAMED, DOOMED = [f"r{i}" for i in range(4)], [f"d{i}" for i in range(ROUNDS)]
FAILING_DISK = pathlib.Path(__file__).parent / "failing_disk.c"


class Client(threading.Thread):
    """Renames one person, or deletes one, as fast as the server answers, until it is told to stop or the server is
    gone. A person is called by the number of the change."""

    def __init__(self, storm, server, person, doomed=False):
        super().__init__(daemon=True)
        self.storm, self.server, self.person, self.doomed = storm, server, person, doomed
        self.stopped = threading.Event()
        self.refused = 0

    def run(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not self.stopped.is_set():
                if self.doomed:
                    self.change("DELETE", None, "gone")
                    return
                number = self.storm.sent[self.person] + 1
                self.change("PATCH", json.dumps({"name": str(number)}), number)

    def change(self, method, body, outcome):
        self.storm.sent[self.person] = outcome
        status = self.server.request(method, f"/v1/people/{self.person}", body, {"Content-Type": "application/json"})[0]
        if status == 200:
            self.storm.acknowledged[self.person] = outcome
        elif status >= 500:
            self.refused += 1


class Storm(ProgramCase):
    def setUp(self):
        super().setUp()
        self.made_once(self.people)
        self.random = random.Random(SEED)
        self.sent = {person: 0 for person in RENAMED + DOOMED}
        self.acknowledged = dict(self.sent)

    def people(self):
        rows = "".join(f"{person},0,{FRIENDS / 'obama.jpg'}\n" for person in RENAMED + DOOMED)
        (self.folder / "people.csv").write_text("id,name,photo\n" + rows)
        self.assertEqual(
            self.json_of("import", self.folder / "people.csv", "--quiet")["enrolled"], len(RENAMED + DOOMED)
        )

    def begin(self, number, *arguments):
        server = Server(self.data, *arguments, output=subprocess.DEVNULL)
        server.__enter__()
        clients = [Client(self, server, person) for person in RENAMED]
        clients.append(Client(self, server, DOOMED[number], doomed=True))
        for client in clients:
            client.start()
        return server, clients

    def end(self, server, clients):
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
        for client in clients:
            client.stopped.set()
            client.join(self.patience)
            self.assertFalse(client.is_alive())

    def changes(self):
        return sum(n for n in self.acknowledged.values() if n != "gone")

    def wait_for_changes(self, count):
        wanted = self.changes() + count
        self.wait_for(f"{count} changes", lambda: self.changes() >= wanted)

    def check(self, data, acknowledged, sent):
        """The gallery in a folder has everything that was acknowledged, and nothing that was not sent."""
        with mock.patch.object(self, "data", data):
            names = {p["id"]: int(p["name"]) for p in self.json_of("list", "--limit", "1000")["people"]}
            verified = self.run_program("audit", "verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        for person in RENAMED:
            self.assertTrue(acknowledged[person] <= names[person] <= sent[person], (person, acknowledged, names, sent))
        for person in DOOMED:
            if acknowledged[person] == "gone":
                self.assertNotIn(person, names)
            elif sent[person] != "gone":
                self.assertIn(person, names)

    def test_what_a_killed_server_acknowledged_is_there(self):
        for number in range(ROUNDS):
            server, clients = self.begin(number)
            self.wait_for_changes(self.random.randrange(1, 60))
            self.end(server, clients)
            self.check(self.data, self.acknowledged, self.sent)

    def test_what_was_acknowledged_before_a_power_cut_is_there_and_a_torn_log_is_an_older_whole_state(self):
        for number in range(ROUNDS):
            server, clients = self.begin(number)
            self.wait_for_changes(self.random.randrange(1, 60))
            acknowledged = dict(self.acknowledged)
            server.process.send_signal(signal.SIGSTOP)
            os.waitpid(server.process.pid, os.WUNTRACED)
            whole, torn = self.folder / f"whole-{number}", self.folder / f"torn-{number}"
            for copy in (whole, torn):
                shutil.copytree(self.data, copy)
                (copy / "semblance.db-shm").unlink(missing_ok=True)  # memory, which a power cut clears
            log = torn / "semblance.db-wal"
            os.truncate(log, self.random.randrange(log.stat().st_size + 1))
            server.process.send_signal(signal.SIGCONT)
            self.end(server, clients)
            self.check(whole, acknowledged, self.sent)
            self.check(torn, dict.fromkeys(self.sent, 0), self.sent)
            self.check(self.data, self.acknowledged, self.sent)

    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_nothing_acknowledged_is_lost_when_the_disk_fails(self):
        library = self.folder / "failing_disk.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, FAILING_DISK], check=True)
        preloaded = {"LD_PRELOAD": str(library)}
        if self.run_program("--version", environment=preloaded, data=False).returncode:
            self.skipTest("the program cannot be run with another library (a sanitizer build)")
        failed = 0
        for number in range(ROUNDS):
            writes = str(self.random.randrange(10, 150))
            with mock.patch.dict(os.environ, {**preloaded, "SB_WRITES_BEFORE_FAILURE": writes}):
                try:
                    server, clients = self.begin(number)
                except NotStarted:
                    failed += 1
                    continue
            self.wait_for("a failure", lambda all=clients: any(c.refused or not c.is_alive() for c in all[:-1]))
            failed += any(client.refused for client in clients)
            self.end(server, clients)
            self.check(self.data, self.acknowledged, self.sent)
        self.assertEqual(failed, ROUNDS)

    def test_a_flipped_bit_crashes_nothing_and_gives_nobody_another_name(self):
        right = {(p["id"], p["name"]) for p in self.json_of("list", "--limit", "1000")["people"]}
        file = self.data / "semblance.db"
        whole = file.read_bytes()
        for number in range(5 * ROUNDS):
            place, bit = self.random.randrange(len(whole)), 1 << self.random.randrange(8)
            with self.subTest(number=number, place=place, bit=bit):
                for log in self.data.glob("semblance.db-*"):
                    log.unlink()
                file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
                verified, listed = self.run_program("audit", "verify"), self.run_program("list", "--json")
                self.assertGreaterEqual(min(verified.returncode, listed.returncode), 0)
                if listed.returncode == 0:
                    found = {(p["id"], p["name"]) for p in json.loads(listed.stdout)["people"]}
                    self.assertLessEqual(found, right)
                    if verified.returncode == 0:
                        self.assertEqual(len(found), min(len(right), 100))


if __name__ == "__main__":
    unittest.main()
