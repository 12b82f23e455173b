"""doctor on a gallery in PostgreSQL."""

import unittest

import postgres
from program import FRIENDS, ProgramCase


def setUpModule():
    postgres.shared()


class Doctor(ProgramCase):
    def test_it_tells_the_server_pgvector_and_citus_and_the_gallery_is_healthy(self):
        store = ("--store", postgres.shared().url(postgres.shared().database()))
        empty = self.json_of("doctor", "--port", "0", *store)
        self.assertTrue(empty["healthy"])
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=store)
        report = self.json_of("doctor", "--port", "0", *store)
        self.assertTrue(report["healthy"])
        said = " ".join(f["message"] for f in report["findings"] if f["check"] == "database")
        self.assertRegex(said, r"PostgreSQL [\d.]+, no damage found, schema \d+, .*pgvector [\d.]+, Citus: no")


if __name__ == "__main__":
    unittest.main()
