"""Several servers on one database, killed, cut off and restarted at random, lose and invent nothing.

SB_HISTORY_SECONDS: how long (12; 120 by hand). SB_HISTORY_SEED: the seed of a run that failed, as it was printed.
"""

import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest

import postgres
from history import History, Search, Write
from program import FRIENDS, PROGRAM, ProgramCase
from server import multipart

SERVERS, CLIENTS, PEOPLE_MAX = 3, 8, 60


class Checker(unittest.TestCase):
    """The checker finds deliberate violations."""

    def setUp(self):
        self.enrolled = [
            Write("a", "g", 1, 2, True),
            Write("b", "g", 1, 2, None),
            Write("c", "g", 5, 6, True),
            Write("d", "h", 1, 2, True),
        ]
        self.deleted = [Write("a", "g", 8, 9, True)]

    def explain(self, begun, ended, *ids):
        return History(self.enrolled, self.deleted, []).explain(Search("g", begun, ended, set(ids)))

    def test_what_can_be_is_accepted(self):
        for search in (
            (3, 4, "a"),
            (3, 4, "a", "b"),
            (5, 6, "a"),
            (5, 6, "a", "c"),
            (8.5, 8.6, "a", "c"),
            (8.5, 8.6, "c"),
            (10, 11, "c", "b"),
            (1, 9),
        ):
            self.assertIsNone(self.explain(*search), search)

    def test_what_cannot_be_is_not(self):
        for search in (
            (3, 4),
            (3, 4, "a", "c"),
            (7, 7.5, "a"),
            (10, 11, "a", "c"),
            (10, 11),
            (3, 4, "a", "x"),
            (3, 7.5, "c"),
        ):
            self.assertIsNotNone(self.explain(*search), search)

    def test_the_end_is_checked(self):
        history = History(self.enrolled, self.deleted, [])
        self.assertEqual(history.final_failures(["c", "d"]), [])
        self.assertEqual(history.final_failures(["b", "c", "d"]), [])
        self.assertEqual(len(history.final_failures(["a", "d", "x"])), 3)


class Fleet:
    """Servers of one database, each with a folder and a port of its own, that can be killed and started again."""

    def __init__(self, folder, url, count):
        self.folders = [folder / f"server{n}" for n in range(count)]
        self.ports = [postgres.free_port() for _ in range(count)]
        self.url, self.processes = url, [None] * count

    def start(self, n):
        command = [
            PROGRAM,
            "serve",
            "--port",
            str(self.ports[n]),
            "--data",
            str(self.folders[n]),
            "--store",
            self.url,
            "--workers",
            "1",
            "--log-level",
            "error",
        ]
        self.processes[n] = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def kill(self, n):
        self.processes[n].kill()
        self.processes[n].wait(30)

    def stop(self):
        alive = [process for process in self.processes if process and process.poll() is None]
        for process in alive:
            process.send_signal(signal.SIGTERM)
        ended = [process.wait(120) for process in alive]
        if any(ended):  # its sanitizers report at its end
            raise AssertionError(f"servers ended with {ended}")

    def request(self, n, method, path, fields=None, timeout=60):
        """(status, JSON); OSError and the like where the connection is lost."""
        body, kind = multipart(fields) if fields else (None, None)
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[n], timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def ready(self, n):
        give_up = time.monotonic() + 900
        while time.monotonic() < give_up:
            ended = self.processes[n].poll()
            if ended is not None:
                raise AssertionError(f"server {n} ended with {ended} before it was ready")
            try:
                if self.request(n, "GET", "/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"server {n} does not get ready")


def same_face(answer):
    """Ids by similarity: where dozens of people have one face, no score says who somebody is, and nobody is a match."""
    return {c["id"] for c in answer["faces"][0]["candidates"] if c["similarity"] > 0.6}


class Client(threading.Thread):
    def __init__(self, number, run):
        super().__init__(daemon=True)
        self.number, self.run_, self.random = number, run, random.Random(f"{run.seed}/{number}")
        self.enrolments, self.deletions, self.searches, self.own = [], [], [], []

    def attempt(self, method, path, fields=None):
        """(begun, ended, status, answer); status None: the outcome is unknown."""
        server = self.random.randrange(SERVERS)
        begun = time.monotonic()
        try:
            status, answer = self.run_.fleet.request(server, method, path, fields)
        except (OSError, http.client.HTTPException, ValueError):
            status, answer = None, None
            time.sleep(0.05)
        return begun, time.monotonic(), status, answer

    def enroll(self):
        identity, group = f"c{self.number}-{len(self.enrolments)}", self.random.choice(sorted(self.run_.photos))
        begun, ended, status, _ = self.attempt(
            "POST", "/v1/people", {"id": identity, "name": "N", "image": self.run_.photos[group]}
        )
        self.enrolments.append(Write(identity, group, begun, ended, True if status == 201 else None))
        if status == 201:
            self.own.append((identity, group))

    def delete(self):
        identity, group = self.own.pop(self.random.randrange(len(self.own)))
        begun, ended, status, _ = self.attempt("DELETE", f"/v1/people/{identity}")
        self.deletions.append(Write(identity, group, begun, ended, True if status == 200 else None))

    def search(self):
        group = self.random.choice(sorted(self.run_.photos))
        begun, ended, status, answer = self.attempt(
            "POST", "/v1/search", {"image": self.run_.photos[group], "k": "100"}
        )
        if status == 200:
            self.searches.append(Search(group, begun, ended, same_face(answer)))

    def run(self):
        while self.run_.goes_on():
            dice = self.random.random()
            if self.own and (dice < 0.2 or len(self.own) > PEOPLE_MAX // CLIENTS):
                self.delete()
            elif dice < 0.5:
                self.enroll()
            else:
                self.search()


class Servers(ProgramCase):
    def setUp(self):
        super().setUp()
        self.seconds = float(os.environ.get("SB_HISTORY_SECONDS", "12"))
        self.seed = os.environ.get("SB_HISTORY_SEED") or str(random.SystemRandom().randrange(1 << 32))
        self.server = postgres.new()
        self.addCleanup(self.server.close)
        self.database = self.server.database()
        self.url = self.server.url(self.database)
        self.photos = {name: (FRIENDS / f"{name}.jpg").read_bytes() for name in ("obama2", "biden")}

    def disturb(self, dice):
        """Injects one fault and removes it after a moment."""
        citus = isinstance(self.server, postgres.Citus)
        what = dice.choice(("kill", "kill", "cut", "cut", *(("crash", "crash", "pause") if citus else ("restart",))))
        if what == "kill":
            n = dice.randrange(SERVERS)
            self.fleet.kill(n)
            time.sleep(dice.random())
            self.fleet.start(n)
        elif what == "cut":
            self.server.sql(
                f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{self.database}'"
                " AND pid <> pg_backend_pid()"
            )
        elif what == "crash":  # a node ends all its processes and recovers when one of them was killed
            self.server.signal(dice.choice(self.server.nodes()), self.database, signal.SIGKILL)
            time.sleep(dice.random())
            self.server.settle(self.database)
        elif what == "pause":  # a worker confirms a commit late
            node = dice.choice(self.server.workers)
            self.server.signal(node, self.database, signal.SIGSTOP)
            time.sleep(dice.random())
            self.server.signal(node, self.database, signal.SIGCONT)
        else:
            self.server.stop(dice.choice(("fast", "immediate")))
            time.sleep(dice.random())
            self.server.start()

    def begin(self):
        self.run_program("list", "--store", self.url)  # creates the gallery and its key
        self.fleet = Fleet(self.folder, self.url, SERVERS)
        self.addCleanup(self.fleet.stop)
        for n, folder in enumerate(self.fleet.folders):
            folder.mkdir()
            shutil.copy(self.data / "semblance.key", folder)
            self.fleet.start(n)
        for n in range(SERVERS):
            self.fleet.ready(n)

    def goes_on(self):
        """Runs until the time is over or, on a slow machine, until there are enough events to check."""
        now = time.monotonic()
        return (
            now < self.until
            or now < self.until + 240
            and min(self.acknowledged(), sum(len(c.searches) for c in self.clients)) <= 3
        )

    def acknowledged(self):
        return sum(w.outcome is True for client in self.clients for w in client.enrolments)

    def test_what_was_acknowledged_is_everywhere_and_every_search_saw_a_state_that_was(self):
        print(f"# the seed is SB_HISTORY_SEED={self.seed}", flush=True)
        self.begin()
        self.until = time.monotonic() + self.seconds
        self.clients = [Client(n, self) for n in range(CLIENTS)]
        dice = random.Random(self.seed)
        for client in self.clients:
            client.start()
        while time.monotonic() < self.until - 2:
            time.sleep(1 + 2 * dice.random())
            self.disturb(dice)
        for client in self.clients:
            client.join(360)
        history = History(
            *(
                [one for client in self.clients for one in getattr(client, kind)]
                for kind in ("enrolments", "deletions", "searches")
            )
        )
        acknowledged = self.acknowledged()
        print(
            f"# {acknowledged} enrolments and {sum(w.outcome is True for w in history.deletions.values())} deletions "
            "acknowledged, "
            f"{len(history.searches)} searches",
            flush=True,
        )
        self.assertGreater(acknowledged, 3)
        self.assertGreater(len(history.searches), 3)
        self.check_end(history)
        self.assertEqual(history.failures(), [])

    def check_end(self, history):
        if isinstance(self.server, postgres.Citus):
            self.server.settle(self.database)
        for n in range(SERVERS):
            self.fleet.ready(n)
        people = self.json_of("list", "--limit", "1000", "--store", self.url)["people"]
        listed = {p["id"] for p in people}
        self.assertEqual(history.final_failures(listed), [])
        for n in range(SERVERS):
            for group, photo in self.photos.items():
                status, answer = self.fleet.request(n, "POST", "/v1/search", {"image": photo, "k": "100"})
                self.assertEqual(status, 200, answer)
                self.assertEqual(
                    same_face(answer), {i for i in listed if history.enrolments[i].group == group}, f"server {n}"
                )
        self.assertEqual(self.run_program("audit", "verify", "--store", self.url).returncode, 0)


if __name__ == "__main__":
    unittest.main()
