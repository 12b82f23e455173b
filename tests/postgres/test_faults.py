"""Faults of a database server: each gives one clear message, and nothing is left half done."""

import datetime
import os
import subprocess
import time
import unittest

import postgres
from program import FRIENDS


def setUpModule():
    postgres.shared()


class Faults(postgres.DatabaseCase):
    def list(self, url=None):
        return self.json_of("list", "--store", url or self.url)

    def fails(self, word, url=None, code=4):
        message = self.refused("list", "--store", url or self.url, code=code, word=word)
        self.assertEqual(message.count("\n"), 1, message)
        return message

    def sql(self, text):
        return self.server.sql(text, self.database)

    def test_a_wrong_password_is_refused_and_not_repeated(self):
        name = f"user_{self.database}"
        self.sql("CREATE EXTENSION vector")
        self.sql(f"CREATE ROLE {name} LOGIN PASSWORD 'right-secret'; GRANT ALL ON DATABASE {self.database} TO {name}")
        hba = self.server.data / "pg_hba.conf"
        hba.write_text(f"host all {name} 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        self.server.run("pg_ctl", "-D", self.server.data, "reload")
        url = self.server.url(self.database, f"{name}:%s")
        self.assertEqual(self.list(url % "right-secret")["total"], 0)
        message = self.fails("password authentication failed", url % "wrong-secret")
        self.assertNotIn("wrong-secret", message)
        self.assertIn("refused the connection", message)

    def test_a_database_that_is_not_there_is_named(self):
        self.fails("does not exist", self.server.url("nowhere"))

    def test_a_server_that_does_not_answer_is_waited_for_and_then_told(self):
        began = time.monotonic()
        self.fails("cannot be reached", f"postgresql://postgres@127.0.0.1:{postgres.free_port()}/x")
        self.assertGreater(time.monotonic() - began, 1)

    def test_a_connection_string_that_is_none_is_refused(self):
        self.fails("postgresql://", "mysql://somewhere", code=3)
        self.fails("cannot be read", "postgresql://h/x?nonsense=1", code=3)

    def test_a_gallery_may_be_read_for_longer_than_a_statement_may_last(self):
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=("--store", self.url))
        self.sql("ALTER TABLE semblance.face RENAME TO face_kept")
        self.sql(
            "CREATE VIEW semblance.face AS SELECT id, person, collection,"
            " CASE WHEN current_query() NOT LIKE '%COPY%' OR"
            " pg_sleep(4) IS NOT NULL THEN template END AS template,"
            " attributes, quality, source, created, thumbnail, density, density_people FROM semblance.face_kept"
        )
        url = f"{self.url}?options=-c%20statement_timeout%3D3s"
        found = self.json_of("search", FRIENDS / "obama.jpg", "--store", url)
        self.assertEqual(found["faces"][0]["candidates"][0]["id"], "a1")

    def test_without_pgvector_it_says_how_to_get_it(self):
        control = next((self.server.folder / "install").rglob("pginstall/**/vector.control"))
        control.rename(control.with_suffix(".away"))
        try:
            self.fails("no pgvector")
        finally:
            control.with_suffix(".away").rename(control)
        self.assertEqual(self.list()["total"], 0)

    def test_an_old_pgvector_is_told_from_a_new_one(self):
        self.sql("CREATE EXTENSION vector; UPDATE pg_extension SET extversion = '0.5.1' WHERE extname = 'vector'")
        self.assertIn("0.7.0", self.fails("pgvector 0.5.1"))

    def test_missing_rights_are_named(self):
        name = f"poor_{self.database}"
        self.sql(f"CREATE ROLE {name} LOGIN")
        url = self.server.url(self.database, name)
        self.fails("may not add it", url)
        self.sql("CREATE EXTENSION vector")
        self.fails("permission denied for database", url)
        self.list()
        self.fails("permission denied for schema", url)
        self.sql(
            f"GRANT USAGE ON SCHEMA semblance TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA semblance TO {name};"
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA semblance TO {name}"
        )
        self.assertEqual(self.list(url)["total"], 0)

    def test_a_newer_schema_is_refused(self):
        self.list()
        self.sql("UPDATE semblance.meta SET value = '\\xe7030000' WHERE key = 'schema'")
        self.fails("newer semblance (schema 999")

    def test_a_schema_of_another_program_is_left_alone(self):
        self.sql("CREATE SCHEMA semblance; CREATE TABLE semblance.theirs(x int)")
        self.fails("belongs to another program")

    def test_a_second_server_without_the_key_is_refused_and_makes_none(self):
        self.list()
        (self.data / "semblance.key").unlink()
        self.fails("key")
        self.assertFalse((self.data / "semblance.key").exists())

    def test_a_lock_that_is_held_for_long_ends_in_busy(self):
        self.list()
        with self.held("LOCK TABLE semblance.audit IN EXCLUSIVE MODE"):
            self.fails("lock", self.url + "?options=-c%20lock_timeout%3D300ms")
        self.assertEqual(self.list()["total"], 0)

    def test_a_statement_that_fails_after_it_went_ahead_undoes_all_of_it(self):
        self.list()
        self.sql("ALTER TABLE semblance.audit ADD CHECK (verb <> 'enroll')")
        photo = str(FRIENDS / "obama.jpg")
        self.refused(
            "enroll",
            "--id",
            "1",
            "--name",
            "Ann",
            photo,
            "--store",
            self.url,
            code=4,
            word="violates check constraint",
        )
        self.assertEqual(
            self.sql("SELECT (SELECT count(*) FROM semblance.person) + (SELECT count(*) FROM semblance.face)"), "0"
        )
        self.sql("ALTER TABLE semblance.audit DROP CONSTRAINT audit_verb_check")
        self.enroll("1", "Ann", photo, flags=("--store", self.url))
        self.assertEqual(self.list()["total"], 1)

    def test_a_standby_or_read_only_database_is_told(self):
        self.list()
        self.sql(f"ALTER DATABASE {self.database} SET default_transaction_read_only = on")
        self.fails("is read-only")

    def test_time_zones_of_the_database_change_no_times(self):
        self.sql(f"ALTER DATABASE {self.database} SET timezone = 'Asia/Kathmandu'")
        begun = datetime.datetime.now(datetime.UTC)
        self.list()
        text = str(self.json_of("audit", "show", "--store", self.url))
        hours = [when.strftime("%Y-%m-%dT%H:") for when in (begun, datetime.datetime.now(datetime.UTC))]
        self.assertTrue(any(hour in text for hour in hours), (hours, text))

    def test_a_backup_of_the_folder_is_not_mistaken_for_one_of_the_database(self):
        self.list()
        self.refused("backup", str(self.folder / "b"), "--store", self.url, code=3, word="pg_dump")
        self.assertFalse((self.folder / "b").exists())

    def test_a_full_disk_in_the_database_changes_nothing(self):
        place = self.server.folder / "small"
        place.mkdir()
        mounted = (
            os.getuid() == 0
            and subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", place], check=False, capture_output=True
            ).returncode
            == 0
        )
        if not mounted:
            self.skipTest("a small file system cannot be mounted here")
        try:
            os.chown(place, self.server.user["user"], self.server.user["group"])
            self.server.sql(f"CREATE TABLESPACE small LOCATION '{place}'")
            self.sql("CREATE EXTENSION vector")
            self.list()
            self.sql("ALTER TABLE semblance.audit SET TABLESPACE small")
            subprocess.run(["dd", "if=/dev/zero", f"of={place}/filler", "bs=4k"], check=False, capture_output=True)
            for _ in range(200):  # until its page is full
                done = self.run_program("list", "--store", self.url)
                if done.returncode:
                    break
            self.assertIn(b"no space is left", done.stderr)
            (place / "filler").unlink()
        finally:
            subprocess.run(["umount", "-l", place], check=False)


if __name__ == "__main__":
    unittest.main()
