"""The files and settings that the Dockerfile, compose.yaml and the unit name exist (tests/packages executes them)."""

import os
import re
import subprocess
import sys
import unittest

import dockerfile
from program import PROGRAM, SOURCE

sys.path.insert(0, str(SOURCE / "web"))
import plain_yaml  # noqa: E402

HELP = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
KNOWN = set(re.findall(r"SEMBLANCE_[A-Z_]+", HELP + "".join(p.read_text() for p in (SOURCE / "src").rglob("*.c")))) | {
    "PGPASSWORD"
}
PORT = re.search(r"X\(port, .*?\"(\d+)\"", (SOURCE / "src/config/config.h").read_text())[1]


class Dockerfile(unittest.TestCase):
    def setUp(self):
        self.build, self.last = dockerfile.read((SOURCE / "packaging/Dockerfile").read_text())

    def test_every_file_that_it_copies_or_runs_exists(self):
        named = [text.split()[0] for stage in (self.build, self.last) for text in stage.arguments("COPY")]
        named += [text.split()[0] for text in self.build.arguments("RUN") if "/" in text.split()[0]]
        self.assertIn("packaging/deb", named)
        for name in named:
            with self.subTest(name=name):
                self.assertTrue((SOURCE / name).exists())
        self.assertTrue(all(os.access(SOURCE / name, os.X_OK) for name in named))

    def test_the_last_stage_is_slim_and_runs_as_a_user_of_its_own(self):
        self.assertTrue(self.last.image.startswith("debian:") and self.last.image.endswith("-slim"))
        self.assertEqual(self.last.image, self.build.image)  # the package runs on the Debian that it was built on
        user = self.last.arguments("USER")[-1]
        self.assertIn("useradd --uid 10001 --user-group", " ".join(self.last.arguments("RUN")))
        self.assertTrue(any(re.search(rf"useradd .* {user}$", text) for text in self.last.arguments("RUN")))

    def test_its_settings_volumes_and_port_are_those_of_the_program(self):
        environment = self.last.environment()
        self.assertLessEqual(set(environment), KNOWN)
        self.assertEqual(
            set(self.last.arguments("VOLUME")[0].split()),
            {environment["SEMBLANCE_DATA"], environment["SEMBLANCE_CACHE"]},
        )
        self.assertEqual(self.last.arguments("EXPOSE"), [PORT])
        self.assertEqual(self.last.command("ENTRYPOINT") + self.last.command("CMD"), ["/usr/bin/semblance", "serve"])

    def test_the_health_check_is_copied_and_requests_an_existing_route(self):
        check = self.last.command("HEALTHCHECK")[0]
        self.assertIn(f"packaging/healthcheck {check}", self.last.arguments("COPY"))
        text = (SOURCE / "packaging/healthcheck").read_text()
        self.assertIn(f'"{re.search("GET (/[a-z]+)", text)[1]}"', (SOURCE / "src/http/routes.c").read_text())
        self.assertIn(f"SEMBLANCE_PORT:-{PORT}", text)
        subprocess.run(["bash", "-n", SOURCE / "packaging/healthcheck"], check=True)


class Compose(unittest.TestCase):
    def setUp(self):
        self.file = plain_yaml.read((SOURCE / "compose.yaml").read_text())
        self.services = self.file["services"]
        self.image = dockerfile.read((SOURCE / "packaging/Dockerfile").read_text())[-1]

    def test_what_the_services_name_is_declared(self):
        self.assertTrue((SOURCE / self.services["semblance"]["build"]["dockerfile"]).is_file())
        volumes = {volume.split(":")[0] for service in self.services.values() for volume in service.get("volumes", [])}
        self.assertEqual(volumes, set(self.file["volumes"]))
        secrets = {secret for service in self.services.values() for secret in service.get("secrets", [])}
        self.assertEqual(secrets, set(self.file["secrets"]))
        for name, service in self.services.items():
            with self.subTest(service=name):
                self.assertLessEqual(set(service.get("depends_on", {})), set(self.services))
                self.assertTrue("healthcheck" in self.services["database"] or "depends_on" not in service)
                self.assertIn(service.get("extends", {}).get("service", "semblance"), self.services)

    def test_their_settings_and_volumes_are_those_of_the_image(self):
        for name in ("semblance", "postgres"):
            service = self.services[name]
            with self.subTest(service=name):
                self.assertLessEqual(set(service["environment"]), KNOWN)
                self.assertLessEqual(
                    {volume.split(":")[1] for volume in service["volumes"]},
                    set(self.image.arguments("VOLUME")[0].split()),
                )
        key = self.services["semblance"]["environment"]["SEMBLANCE_KEY_FILE"]
        self.assertIn(key.removeprefix("/run/secrets/"), self.services["semblance"]["secrets"])

    def test_the_port_is_published_on_loopback_only_while_no_login_is_needed(self):
        service = self.services["semblance"]
        self.assertEqual(service["environment"]["SEMBLANCE_INSECURE"], "true")
        self.assertEqual(service["ports"], [f"127.0.0.1:{PORT}:{PORT}"])
        self.assertTrue(service["read_only"])
        self.assertEqual(service["cap_drop"], ["ALL"])

    def test_the_second_profile_speaks_to_its_database(self):
        database = self.services["database"]
        user, host, name = re.fullmatch(
            r"postgresql://(\w+)@(\w+)/(\w+)", self.services["postgres"]["environment"]["SEMBLANCE_STORE"]
        ).groups()
        self.assertEqual(
            (user, host, name),
            (database["environment"]["POSTGRES_USER"], "database", database["environment"]["POSTGRES_DB"]),
        )
        self.assertEqual(database["profiles"], self.services["postgres"]["profiles"])
        self.assertNotIn("ports", database)
        self.assertEqual(
            database["environment"]["POSTGRES_PASSWORD"], self.services["postgres"]["environment"]["PGPASSWORD"]
        )


if __name__ == "__main__":
    unittest.main()
