"""A server follows the database also while nobody sends requests, and reports how far behind it is."""

import contextlib
import re
import socket
import subprocess
import threading
import unittest

import postgres
import tls
from program import FRIENDS
from server import Server


def setUpModule():
    postgres.shared()


class FollowCase(postgres.DatabaseCase):
    def gauge(self, server, name):
        text = server.request("GET", "/metrics")[2].decode()
        return float(re.search(rf"^semblance_index_{name} (\S+)$", text, re.MULTILINE).group(1))


class Follow(FollowCase):
    def test_what_others_enrol_comes_without_a_search(self):
        with Server(self.data, "--store", self.url) as server:
            server.post_photo("/v1/search", (FRIENDS / "obama.jpg").read_bytes())  # wait until it is ready
            self.enroll_here("a1")
            self.wait_for("the first", lambda: self.gauge(server, "bytes") > 0)
            before = self.gauge(server, "followed_changes")
            self.enroll_here("a2")
            self.wait_for("the change", lambda: self.gauge(server, "followed_changes") > before)
            self.wait_for("no lag", lambda: self.gauge(server, "lag_changes") == 0)

    def test_a_commit_calls_those_who_listen_and_a_look_does_not(self):
        self.json_of("list", "--store", self.url)
        psql = self.server.folder / "install" / postgres.BIN / "psql"
        listener = subprocess.Popen(
            [psql, "-X", "-h", "127.0.0.1", "-p", str(self.server.port), "-U", "postgres", "-d", self.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def heard():
            listener.stdin.write("LISTEN semblance_change;\n\\echo asked\n")
            listener.stdin.flush()
            calls = 0
            while (line := listener.stdout.readline()).strip() != "asked":
                calls += "semblance_change" in line
            return calls

        try:
            heard()
            self.json_of("list", "--store", self.url)
            self.assertEqual(heard(), 0)
            self.enroll_here("a1")
            calls = [heard()]  # a notification may come later than the commit's answer
            self.wait_for("the notification", lambda: calls.append(heard()) or sum(calls))
            self.assertEqual(sum(calls), 1)
        finally:
            listener.stdin.close()
            listener.wait(120)
            listener.stdout.close()

    def test_a_server_that_cannot_follow_tells_how_far_behind_it_is_and_catches_up(self):
        with Server(self.data, "--store", self.url + "?options=-c%20lock_timeout%3D200ms") as server:
            server.post_photo("/v1/search", (FRIENDS / "obama.jpg").read_bytes())
            self.enroll_here("a1")
            self.wait_for("the first change", lambda: self.gauge(server, "lag_changes") == 0)
            a_change = "INSERT INTO semblance.change(kind, collection, face, person) "
            with self.held("LOCK TABLE semblance.face IN ACCESS EXCLUSIVE MODE"):
                self.server.sql(a_change + "SELECT 2, 1, 999, 999 FROM generate_series(1, 5)", self.database)
                self.wait_for(
                    "age", lambda: self.gauge(server, "age_seconds") > 2.5 and self.gauge(server, "lag_changes") == 5
                )
            self.wait_for(
                "the rest", lambda: self.gauge(server, "lag_changes") == 0 and self.gauge(server, "age_seconds") < 2
            )

    def test_long_transactions_of_others_hold_up_nobody(self):
        self.enroll_here("a1")
        self.server.sql("CREATE TABLE theirs(x int)", self.database)
        reads, writes = (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM semblance.face",
            "INSERT INTO theirs VALUES(1)",
        )
        with Server(self.data, "--store", self.url) as server, self.held(reads), self.held(writes):
            server.post_photo("/v1/search", (FRIENDS / "obama.jpg").read_bytes())
            before = self.gauge(server, "followed_changes")
            self.enroll_here("b1", "biden.jpg")
            self.wait_for("the change, unasked", lambda: self.gauge(server, "followed_changes") > before)
            self.wait_for("no lag", lambda: self.gauge(server, "lag_changes") == 0)
            with Server(self.data, "--store", self.url) as another:
                for one in server, another:
                    found = one.post_photo("/v1/search", (FRIENDS / "biden.jpg").read_bytes())["faces"][0][
                        "candidates"
                    ][0]
                    self.assertEqual((found["id"], found["match"]), ("b1", True))

    def test_more_changes_than_are_kept_make_it_read_everything_anew(self):
        with Server(self.data, "--store", self.url) as server:
            server.post_photo("/v1/search", (FRIENDS / "obama.jpg").read_bytes())
            self.enroll_here("a1")
            self.server.sql(
                "INSERT INTO semblance.change(kind, collection, face, person)"
                " SELECT 2, 1, 999, 999 FROM generate_series(1, 100100);"
                "DELETE FROM semblance.change WHERE sequence <= (SELECT max(sequence) - 100000 FROM semblance.change)",
                self.database,
            )
            found = server.post_photo("/v1/search", (FRIENDS / "obama2.jpg").read_bytes())["faces"][0]["candidates"][0]
            self.assertEqual((found["id"], found["match"]), ("a1", True))
            self.wait_for("no lag", lambda: self.gauge(server, "lag_changes") == 0)


class Gate:
    """A proxy in front of the database. Shutting it closes the connections that it has and lets new ones wait; giving
    it up closes those, too, and refuses later ones."""

    def __init__(self, port):
        self.beyond, self.shut, self.given_up, self.through, self.came, self.lock = (
            port,
            False,
            False,
            [],
            [],
            threading.Lock(),
        )
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.keeper = threading.Thread(target=self.keep)
        self.keeper.start()

    def keep(self):
        while True:
            try:
                guest = self.listener.accept()[0]
            except OSError:
                return
            with self.lock:
                if not self.shut:
                    self.let_through(guest, socket.create_connection(("127.0.0.1", self.beyond)))
                    continue
                if self.given_up:
                    guest.close()
                self.came.append(guest)

    def let_through(self, guest, database):
        self.through += guest, database
        for one, other in (guest, database), (database, guest):
            threading.Thread(target=tls.pump, args=(one, other), daemon=True).start()

    def shut_it(self):
        with self.lock:
            self.shut = True
            for one in self.through:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def give_up(self):
        with self.lock:
            self.given_up = True
            for one in self.came:
                one.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.keeper.join()
        for one in (self.listener, *self.through, *self.came):
            one.close()


class End(postgres.DatabaseCase):
    def test_a_server_that_is_to_end_goes_on_trying_no_database_that_is_gone(self):
        gate = Gate(self.server.port)
        self.addCleanup(gate.close)
        url = self.url.replace(str(self.server.port), str(gate.port)) + "?sslmode=disable"
        server = Server(self.data, "--store", url, "--log-level", "info")
        process = subprocess.Popen(server.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            server.port = int(process.stdout.readline().rsplit(b":", 1)[1])
            self.wait_for("readiness", lambda: server.request("GET", "/readyz")[0] == 200)
            gate.shut_it()
            self.wait_for("the first try", lambda: gate.came)
            process.terminate()
            while b"stopping" not in (line := process.stderr.readline()):
                self.assertTrue(line, "the server ended before it was told to")
            gate.give_up()
            self.assertEqual(process.wait(120), 0)
        finally:
            process.kill()
            process.communicate()
        # An attempt makes two connections, and two parts of the server attempt it: 4 connections, and 14 if they do not
        # stop. A few more may be made between the server's message that it stops and its stopping.
        self.assertLessEqual(len(gate.came), 8)


class Thresholds(FollowCase):
    """An operating point that an admin sets on one server applies to all."""

    def choose(self, server, method, body=None):
        status, _, text = server.request(
            method, "/v1/thresholds", body, {"Content-Type": "application/json"} if body else {}
        )
        self.assertEqual(status, 200, text)

    def threshold(self, server):
        return server.post_photo("/v1/search", (FRIENDS / "obama2.jpg").read_bytes())["threshold"]

    def follows(self, *flags):
        self.enroll_here("a1")
        with (
            Server(self.data, "--store", self.url, *flags) as one,
            Server(self.data, "--store", self.url, "--threshold", "0.6", *flags) as other,
        ):
            self.assertEqual(self.threshold(other), 0.6)
            self.choose(one, "PUT", '{"threshold":0.97}')
            self.assertEqual(self.threshold(one), 0.97)
            self.wait_for("the choice", lambda: self.threshold(other) == 0.97)
            self.assertEqual(
                self.json_of("search", FRIENDS / "obama2.jpg", "--store", self.url, code=1)["threshold"], 0.97
            )
            self.choose(one, "DELETE")
            self.wait_for("the end of it", lambda: self.threshold(other) == 0.6)

    def test_it_moves_with_the_gallery(self):
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg")
        with Server(self.data) as server:
            self.choose(server, "PUT", '{"threshold":0.97}')
        self.json_of("migrate", "--from", f"sqlite:{self.data}", "--to", self.url)
        self.assertEqual(self.run_program("audit", "verify", "--store", self.url).returncode, 0)
        self.assertEqual(self.json_of("search", FRIENDS / "obama2.jpg", "--store", self.url, code=1)["threshold"], 0.97)

    def test_a_second_server_follows_a_choice_and_its_end(self):
        self.follows()

    def test_so_does_one_whose_searches_the_database_does(self):
        self.follows("--search", "sql")


if __name__ == "__main__":
    unittest.main()
