"""Over a network: TLS that verifies the server's certificate and host name, and SCRAM passwords that are not on the
command line."""

import postgres
from server import Server
from tls import Front


def setUpModule():
    postgres.shared()


class Tls(postgres.DatabaseCase):
    def setUp(self):
        super().setUp()
        self.user = f"remote_{self.database}"
        self.server.sql("CREATE EXTENSION vector", self.database)
        self.server.sql(
            f"CREATE ROLE {self.user} LOGIN PASSWORD 'scram-secret';"
            f" GRANT ALL ON DATABASE {self.database} TO {self.user}"
        )
        hba = self.server.data / "pg_hba.conf"
        hba.write_text(f"host all {self.user} 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        self.server.run("pg_ctl", "-D", self.server.data, "reload")
        passwords = self.folder / "pgpass"
        passwords.write_text(f"*:*:*:{self.user}:scram-secret\n")
        passwords.chmod(0o600)
        self.setting("PGPASSFILE", str(passwords))
        self.certificate, key = self.certify("db.example")
        self.front = Front(self.server.port, self.certificate, key)
        self.addCleanup(self.front.close)

    def certify(self, name):
        """(certificate, key) of a host of that name, which is also localhost; signed by itself, so it is its own
        authority."""
        folder = self.folder / name
        self.run_program("tls", "init", name, "--data", folder, data=False)
        return folder / "tls/cert.pem", folder / "tls/key.pem"

    def secured(self, host="localhost", authority=None, port=None, more=""):
        return (
            f"postgresql://{self.user}@{host}:{port or self.front.port}/{self.database}?sslmode=verify-full"
            f"&sslrootcert={authority or self.certificate}{more}"
        )

    def fails(self, word, url):
        message = self.refused("list", "--store", url, code=4, word=word)
        self.assertEqual(message.count("\n"), 1, message)
        self.assertNotIn("scram-secret", message)

    def test_the_right_server_is_spoken_to_over_tls_with_a_scram_password(self):
        self.assertEqual(self.json_of("list", "--store", self.secured())["total"], 0)
        self.assertIn(self.front.spoken[0], ("TLSv1.2", "TLSv1.3"))
        kept = self.server.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{self.user}'")
        self.assertTrue(kept.startswith("SCRAM-SHA-256$"), kept)

    def test_a_server_with_another_authority_s_certificate_is_refused(self):
        other, _ = self.certify("other.example")
        self.fails("certificate verify failed", self.secured(authority=other))
        self.fails("does not exist", self.secured(authority=self.folder / "missing.pem"))
        self.assertEqual(self.front.spoken, [])

    def test_a_server_under_another_name_is_refused(self):
        self.fails("does not match host name", self.secured(host="127.0.0.2"))

    def test_a_server_that_speaks_no_tls_is_refused(self):
        self.fails("server does not support ssl", self.secured(port=self.server.port))

    def test_a_wrong_password_is_refused_and_not_told(self):
        (self.folder / "pgpass").write_text(f"*:*:*:{self.user}:wrong\n")
        self.fails("password authentication failed", self.secured())

    def test_a_confined_server_finds_its_way_back_when_its_connection_is_cut(self):
        with Server(self.data, "--store", self.secured()) as server:
            self.assertEqual(server.request("GET", "/v1/people")[0], 200)
            before = len(self.front.spoken)
            self.server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.user}'")
            self.assertEqual(server.request("GET", "/v1/people")[0], 200)
            self.assertGreater(len(self.front.spoken), before)


if __name__ == "__main__":
    import unittest

    unittest.main()
