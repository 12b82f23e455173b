"""The files and settings that the Dockerfile, compose.yaml and the unit name exist (tests/packages executes them)."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
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
        commands = [dockerfile.options(text)[1].split()[0] for text in self.build.arguments("RUN")]
        named += [command for command in commands if "/" in command]
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
        self.database = plain_yaml.read((SOURCE / "compose.postgres.yaml").read_text())
        self.server = self.file["services"]["semblance"]
        self.image = dockerfile.read((SOURCE / "packaging/Dockerfile").read_text())[-1]

    def test_what_the_services_name_is_declared(self):
        self.assertTrue((SOURCE / self.server["build"]["dockerfile"]).is_file())
        self.assertEqual(set(self.server["secrets"]), set(self.file["secrets"]))
        for file in self.file, self.database:
            services = file["services"]
            volumes = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
            self.assertEqual(volumes, set(file["volumes"]))
            for service in services.values():
                self.assertLessEqual(set(service.get("depends_on", {})), set(services))

    def test_their_settings_and_volumes_are_those_of_the_image(self):
        for file in self.file, self.database:
            service = file["services"]["semblance"]
            self.assertLessEqual(set(service["environment"]), KNOWN)
            self.assertLessEqual(
                {volume.split(":")[1] for volume in service["volumes"]},
                set(self.image.arguments("VOLUME")[0].split()),
            )
        key = self.server["environment"]["SEMBLANCE_KEY_FILE"]
        self.assertIn(key.removeprefix("/run/secrets/"), self.server["secrets"])

    def test_the_port_is_published_on_loopback_only_while_no_login_is_needed(self):
        self.assertEqual(self.server["environment"]["SEMBLANCE_INSECURE"], "true")
        self.assertEqual(self.server["ports"], [f"127.0.0.1:{PORT}:{PORT}"])
        self.assertTrue(self.server["read_only"])
        self.assertEqual(self.server["cap_drop"], ["ALL"])

    def test_the_command_for_the_key_makes_a_file_that_only_its_owner_reads(self):
        command = "(umask 077 && mkdir secrets && openssl rand -hex 32 >secrets/semblance.key"
        for text in (SOURCE / "compose.yaml").read_text(), (SOURCE / "docs/install.md").read_text():
            self.assertIn(command, text)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["bash", "-c", command + ")"], cwd=folder, check=True)
            self.assertEqual(pathlib.Path(folder, "secrets").stat().st_mode & 0o777, 0o700)
            self.assertEqual(pathlib.Path(folder, "secrets/semblance.key").stat().st_mode & 0o777, 0o600)

    def test_the_second_file_speaks_to_its_database(self):
        server, database = self.database["services"]["semblance"], self.database["services"]["database"]
        user, host, name = re.fullmatch(
            r"postgresql://(\w+)@(\w+)/(\w+)", server["environment"]["SEMBLANCE_STORE"]
        ).groups()
        self.assertEqual(
            (user, host, name),
            (database["environment"]["POSTGRES_USER"], "database", database["environment"]["POSTGRES_DB"]),
        )
        self.assertNotIn("ports", database)
        self.assertIn("127.0.0.1", database["healthcheck"]["test"])

    def test_a_forgotten_password_of_the_database_is_named(self):
        for service in self.database["services"].values():
            password = service["environment"].get("PGPASSWORD") or service["environment"]["POSTGRES_PASSWORD"]
            self.assertRegex(password, r"^\$\{DATABASE_PASSWORD:\?.*\.env\}$")


class Unit(unittest.TestCase):
    """What a service manager refuses, or reads in another way than one thinks; tests/packages starts the unit."""

    def setUp(self):
        text = (SOURCE / "packaging/semblance.service.in").read_text()
        self.lines = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]

    def test_it_needs_no_file_that_the_package_does_not_ship(self):
        self.assertFalse([line for line in self.lines if line.startswith(("EnvironmentFile=/", "LoadCredential"))])
        self.assertNotIn("SEMBLANCE_CONF", " ".join(self.lines))

    def test_its_settings_are_those_of_the_program(self):
        named = set(re.findall(r"\b(SEMBLANCE_[A-Z_]+)=", " ".join(self.lines)))
        self.assertLessEqual(named, KNOWN)
        self.assertIn("XDG_CONFIG_HOME=/etc", " ".join(self.lines))


if __name__ == "__main__":
    unittest.main()
