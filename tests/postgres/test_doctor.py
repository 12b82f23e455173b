"""doctor on a gallery in PostgreSQL."""

import unittest

import postgres
from program import FRIENDS, ProgramCase
from server import Server


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

    def test_a_port_in_use_by_the_gallerys_own_server_is_no_fault(self):
        store = ("--store", postgres.shared().url(postgres.shared().database()))
        self.enroll("a1", "Ann", FRIENDS / "obama.jpg", flags=store)
        with Server(self.data, *store) as server:
            report = self.json_of("doctor", "--port", str(server.port), *store)
        port = next(f for f in report["findings"] if f["check"] == "port")
        self.assertIn("a server works on this gallery", port["message"])
        self.assertTrue(report["healthy"], report)


if __name__ == "__main__":
    unittest.main()
