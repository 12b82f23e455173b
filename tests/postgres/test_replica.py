"""--store-replica: a standby of the database searches and fills indexes; no answer is stale; it may fail any time."""

import re
import unittest

import postgres
from program import FRIENDS
from server import Server


def setUpModule():
    postgres.shared()
    setUpModule.standby = postgres.Standby(postgres.shared())
    unittest.addModuleCleanup(setUpModule.standby.close)


class Replica(postgres.DatabaseCase):
    def setUp(self):
        super().setUp()
        self.standby = setUpModule.standby
        self.replica = ("--store", self.url, "--store-replica", self.standby.url(self.database))

    def counts(self, server):
        """(up, reads, passed)"""
        text = server.request("GET", "/metrics")[2].decode()
        return tuple(
            int(re.search(rf"^semblance_replica_{name} (\d+)$", text, re.MULTILINE).group(1))
            for name in ("up", "reads_total", "passed_total")
        )

    def check_counts(self, server, up, reads, passed):
        """At least so many reads of the replica, and so many that passed it; measuring densities reads, too."""
        now = self.counts(server)
        self.assertEqual(now[0], up)
        self.assertGreaterEqual(now[1], reads)
        self.assertGreaterEqual(now[2], passed)
        if not passed:
            self.assertEqual(now[2], 0)

    def names(self, server, photo="obama2.jpg"):
        found = server.post_photo("/v1/search", (FRIENDS / photo).read_bytes())["faces"][0]["candidates"]
        return [c["id"] for c in found if c["match"]]

    def shown(self):
        """The standby has what the database has."""
        newest = self.server.sql("SELECT pg_current_wal_flush_lsn()")
        self.wait_for("the standby", lambda: self.standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{newest}'") == "t")

    def test_it_searches_and_what_it_has_not_got_yet_is_found_all_the_same(self):
        self.enroll_here("a1")
        self.shown()
        with Server(self.data, *self.replica, "--search", "sql") as server:
            self.assertEqual(self.names(server), ["a1"])
            self.check_counts(server, 1, 1, 0)
            self.standby.sql("SELECT pg_wal_replay_pause()")
            self.addCleanup(self.standby.sql, "SELECT pg_wal_replay_resume() WHERE pg_is_wal_replay_paused()")
            self.enroll_here("b1", "biden.jpg")
            self.assertEqual(self.names(server, "biden.jpg"), ["b1"])
            self.json_of("delete", "a1", "--store", self.url)
            self.assertEqual(self.names(server), [])
            self.check_counts(server, 1, 1, 2)
            self.standby.sql("SELECT pg_wal_replay_resume()")
            self.shown()
            self.assertEqual(self.names(server, "biden.jpg"), ["b1"])
            self.check_counts(server, 1, 2, 2)

    def test_it_fills_the_index_of_a_server_which_then_has_what_came_since(self):
        self.enroll_here("a1")
        self.shown()
        self.standby.sql("SELECT pg_wal_replay_pause()")
        self.addCleanup(self.standby.sql, "SELECT pg_wal_replay_resume() WHERE pg_is_wal_replay_paused()")
        self.enroll_here("b1", "biden.jpg")
        with Server(self.data, *self.replica) as server:
            self.assertEqual(self.names(server, "biden.jpg"), ["b1"])
            self.assertEqual(self.names(server), ["a1"])
            self.check_counts(server, 1, 1, 0)

    def test_it_goes_and_comes_and_searches_go_on(self):
        self.enroll_here("a1")
        self.shown()
        with Server(self.data, *self.replica, "--search", "sql") as server:
            self.assertEqual(self.names(server), ["a1"])
            self.standby.stop("immediate")
            try:
                self.assertEqual(self.names(server), ["a1"])
                self.assertEqual(self.counts(server)[0], 0)
            finally:
                self.standby.start()
            self.wait_for("the replica", lambda: self.names(server) == ["a1"] and self.counts(server)[0] == 1)

    def test_a_server_starts_without_it(self):
        self.enroll_here("a1")
        nobody = f"postgresql://postgres@127.0.0.1:{postgres.free_port()}/{self.database}"
        for search in ("sql", "local"):
            with Server(self.data, "--store", self.url, "--store-replica", nobody, "--search", search) as server:
                self.assertEqual(self.names(server), ["a1"])
                self.assertEqual(self.counts(server)[:2], (0, 0))

    def test_what_is_no_standby_is_not_used(self):
        self.enroll_here("a1")
        with Server(self.data, "--store", self.url, "--store-replica", self.url, "--search", "sql") as server:
            self.assertEqual(self.names(server), ["a1"])
            self.assertEqual(self.counts(server)[:2], (0, 0))

    def test_another_database_is_refused_with_a_clear_word(self):
        self.json_of("list", "--store", self.url)
        other = self.server.url(self.server.database())
        self.refused(
            "serve",
            "--port",
            "0",
            "--store",
            self.url,
            "--store-replica",
            other,
            code=3,
            word="another database than --store",
        )
        self.refused("serve", "--port", "0", "--store-replica", other, code=3, word="--store postgresql://")
        self.refused(
            "serve",
            "--port",
            "0",
            "--store",
            self.url,
            "--store-replica",
            "x",
            code=3,
            word="names a standby as postgresql://",
        )
        report = self.run_program("doctor", "--store", self.url, "--store-replica", other).stdout.decode()
        self.assertIn("another database than --store", report)
        self.shown()
        self.assertIn("a standby of the database answers", self.run_program("doctor", *self.replica).stdout.decode())


if __name__ == "__main__":
    unittest.main()
