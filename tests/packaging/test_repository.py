"""packaging/repository makes a signed apt repository, from which apt upgrades. apt works in folders of its own here."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from program import SOURCE

TOOLS = ("gpg", "gpgv", "apt-get", "dpkg-deb", "dpkg-scanpackages")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]


@unittest.skipIf(MISSING, f"{', '.join(MISSING)} is not installed")
class Repository(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-apt-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.folder.chmod(0o755)  # apt drops its rights while it reads
        (self.folder / "gpg").mkdir(mode=0o700)
        self.environment = {**os.environ, "GNUPGHOME": str(self.folder / "gpg"), "LC_ALL": "C.UTF-8"}
        self.addCleanup(self.run_command, "gpgconf", "--kill", "all", check=False)
        self.run_command("gpg", "--batch", "--quick-generate-key", "--passphrase", "", "packages@example.org")
        self.where = self.folder / "served"
        for path in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (self.folder / path).mkdir(parents=True)
        (self.folder / "state/status").write_text("")

    def run_command(self, *command, check=True):
        done = subprocess.run(
            [str(part) for part in command], env=self.environment, capture_output=True, text=True, check=False
        )
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def package(self, version):
        tree = self.folder / f"tree-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: semblance\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <n@example.org>\n"
            "Description: a stand-in\n"
        )
        file = self.folder / f"semblance_{version}_all.deb"
        self.run_command("dpkg-deb", "--root-owner-group", "-b", tree, file)
        return file

    def add(self, *packages, key="packages@example.org", check=True):
        return self.run_command(SOURCE / "packaging/repository", self.where, "bookworm", key, *packages, check=check)

    def apt(self, *command, check=True):
        source = f"deb [signed-by={self.where}/semblance.asc] file:{self.where} bookworm main\n"
        (self.folder / "etc/sources.list").write_text(source)
        options = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "state/status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.folder / "etc/sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferencesparts": self.folder / "etc/preferences.d",
            "APT::Sandbox::User": "",
        }
        given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return self.run_command(command[0], *given, *command[1:], check=check)

    def candidate(self):
        self.apt("apt-get", "update", "--error-on=any")
        lines = self.apt("apt-cache", "policy", "semblance").stdout.splitlines()
        return next(line.split()[1] for line in lines if "Candidate:" in line)

    def test_apt_finds_the_newest_version_and_can_go_back(self):
        self.add(self.package("0.1.0"))
        self.assertEqual(self.candidate(), "0.1.0")
        self.add(self.package("0.2.0"))
        self.assertEqual(self.candidate(), "0.2.0")
        self.assertIn("Inst semblance (0.1.0", self.apt("apt-get", "-s", "install", "semblance=0.1.0").stdout)
        self.assertEqual(sorted(p.name for p in self.where.iterdir()), ["dists", "pool", "semblance.asc"])

    def test_apt_refuses_a_repository_that_somebody_changed(self):
        self.add(self.package("0.1.0"))
        signed = self.where / "dists/bookworm/InRelease"
        signed.write_text(signed.read_text().replace("Label: Semblance", "Label: semblance"))
        done = self.apt("apt-get", "update", "--error-on=any", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, "BADSIG|signature")

    def test_the_secret_key_stays_and_what_cannot_work_is_refused_in_words(self):
        self.add(self.package("0.1.0"))
        self.assertIn("PUBLIC KEY", (self.where / "semblance.asc").read_text())
        self.assertFalse([p for p in self.where.rglob("*") if p.is_file() and b"PRIVATE KEY" in p.read_bytes()])
        self.assertIn("no secret key", self.add(self.package("0.2.0"), key="nobody@example.org", check=False).stderr)
        (self.folder / "broken.deb").write_text("nothing")
        self.assertIn("not a Debian package", self.add(self.folder / "broken.deb", check=False).stderr)
        self.assertEqual(self.candidate(), "0.1.0")


if __name__ == "__main__":
    unittest.main()
