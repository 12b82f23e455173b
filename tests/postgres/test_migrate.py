"""Migration into PostgreSQL and back: people, photos, audit and keys; a row that differs is found."""

import os
import shutil
import signal
import subprocess
import unittest

import postgres
from program import FRIENDS, PROGRAM


def setUpModule():
    postgres.shared()


class Migrate(postgres.DatabaseCase):
    def migrate(self, source, target, **options):
        return self.json_of("migrate", "--from", source, "--to", target, **options)

    def test_there_and_back_everything_is_the_same(self):
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", flags=("--consent", "in writing"))
        self.enroll("b1", "Bob", FRIENDS / "biden.jpg")
        self.run_program("rename", "b1", "Bobby")
        before = self.json_of("show", "a1")
        self.assertGreater(self.migrate(f"sqlite:{self.data}", self.url)["rows"], 8)
        there = ("--store", self.url)
        self.assertEqual(self.json_of("show", "a1", *there), before)
        self.assertEqual(self.run_program("audit", "verify", *there).returncode, 0)
        found = self.json_of("search", FRIENDS / "obama2.jpg", *there)["faces"][0]["candidates"][0]
        self.assertEqual((found["id"], found["match"]), ("a1", True))
        self.assertEqual(self.json_of("delete", "b1", *there)["deleted"], 1)
        back = self.folder / "back"
        back.mkdir()
        shutil.copy(self.data / "semblance.key", back)
        self.migrate(self.url, f"sqlite:{back}")
        home = ("--data", str(back))
        self.assertEqual([p["id"] for p in self.json_of("list", *home, data=False)["people"]], ["a1"])
        self.assertEqual(self.run_program("audit", "verify", *home, data=False).returncode, 0)
        self.assertEqual(self.json_of("show", "a1", *home, data=False), before)
        again = self.json_of("enroll", "--id", "c1", "--name", "Cy", FRIENDS / "biden.jpg", *home, data=False)
        self.assertEqual(again["faces_added"], 1)

    def test_a_target_that_has_a_gallery_is_refused(self):
        self.json_of("list")
        self.json_of("list", "--store", self.url)
        self.refused("migrate", "--from", f"sqlite:{self.data}", "--to", self.url, code=3, word="already")

    def test_one_that_was_cut_off_opens_for_nobody_and_goes_on(self):
        self.json_of("list")
        self.migrate(f"sqlite:{self.data}", self.url)
        # The state if the last step was never reached.
        self.server.sql(
            "INSERT INTO semblance.meta VALUES('migration', 'begun'); DELETE FROM semblance.audit;", self.database
        )
        self.refused("list", "--store", self.url, code=4, word="interrupted")
        self.assertEqual(self.migrate(f"sqlite:{self.data}", self.url)["rows"], 1)
        self.json_of("list", "--store", self.url)

    def test_a_row_that_is_not_the_same_is_named(self):
        self.json_of("list")
        self.migrate(f"sqlite:{self.data}", self.url)
        self.server.sql(
            "INSERT INTO semblance.meta VALUES('migration', 'begun'); UPDATE semblance.audit SET verb = 'other'",
            self.database,
        )
        self.refused("migrate", "--from", f"sqlite:{self.data}", "--to", self.url, code=4, word="row 1 of audit")

    def test_a_running_server_s_gallery_is_not_moved_away_under_it(self):
        with subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--log-level", "error", "--data", str(self.data)],
            stdout=subprocess.PIPE,
            env=os.environ,
        ) as server:
            server.stdout.readline()
            try:
                self.refused(
                    "migrate", "--from", f"sqlite:{self.data}", "--to", self.url, code=4, word="another server"
                )
            finally:
                server.send_signal(signal.SIGTERM)

    def test_two_places_of_one_kind_are_wrong_usage(self):
        self.refused("migrate", "--from", "sqlite:", "--to", "sqlite:x", code=2, word="postgresql://")
        self.refused("migrate", "--from", self.url, code=2, word="--to")


if __name__ == "__main__":
    unittest.main()
