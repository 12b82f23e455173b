"""The package and the tarball, made from this checkout, on fresh Debian systems."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import machine
import release

SOURCE = pathlib.Path(os.environ["SB_SOURCE"])
FRIENDS = SOURCE / "deps/photos/face_recognition"
OS_RELEASE = pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
SYSTEM = dict(line.rstrip().split("=", 1) for line in OS_RELEASE if "=" in line).get("VERSION_CODENAME", "")


def photos_into(fresh):
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        shutil.copy(FRIENDS / name, fresh.root / "tmp")


@release.needed
class Packages(unittest.TestCase):
    def fresh(self, suite):
        fresh = machine.Machine(suite)
        self.addCleanup(fresh.remove)
        photos_into(fresh)
        return fresh

    def same_person(self, fresh, program, **options):
        done = fresh.run(program, "verify", "/tmp/obama.jpg", "/tmp/obama2.jpg", "--json", network=False, **options)
        self.assertTrue(json.loads(done.stdout)["match"])
        self.assertEqual(
            fresh.run(
                program, "verify", "/tmp/obama.jpg", "/tmp/biden.jpg", check=False, network=False, **options
            ).returncode,
            1,
        )

    def test_lintian_finds_nothing(self):
        if not shutil.which("lintian"):
            self.skipTest("lintian is not installed")
        done = subprocess.run(
            ["lintian", "--allow-root", "--fail-on", "error,warning", release.one("*.deb")],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    @machine.needed
    @unittest.skipUnless(
        SYSTEM in ("bookworm", "trixie"), "a package made here is for this system, which is not Debian 12 or 13"
    )
    def test_the_package_installs_on_a_fresh_system_works_without_network_and_is_purged(self):
        fresh = self.fresh(SYSTEM)
        shutil.copy(release.one("*.deb"), fresh.root / "tmp/semblance.deb")
        fresh.run("apt-get", "update", "-qq")
        fresh.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/tmp/semblance.deb")
        self.same_person(fresh, "/usr/bin/semblance")
        self.assertIn("semblance", (fresh.root / "etc/passwd").read_text())
        self.assertIn("/usr/bin/semblance", (fresh.root / "usr/lib/systemd/system/semblance.service").read_text())
        enrolled = (
            "enroll",
            "--id",
            "44",
            "--name",
            "Barack Obama",
            "/tmp/obama.jpg",
            "--data",
            "/var/lib/semblance",
            "--cache",
            "/tmp/cache",
        )
        fresh.run("/usr/bin/semblance", *enrolled, network=False)
        fresh.run("apt-get", "purge", "-y", "-qq", "semblance")
        left = {
            str(path.relative_to(fresh.root))
            for top in ("usr", "etc", "var")
            for path in (fresh.root / top).rglob("*semblance*")
        }
        self.assertEqual({path for path in left if not path.startswith("var/lib/semblance")}, {"etc/semblance"})
        self.assertTrue((fresh.root / "var/lib/semblance/semblance.db").exists())

    @machine.needed
    @unittest.skipUnless(shutil.which("gpg"), "gpg is not installed")
    @unittest.skipUnless(SYSTEM in ("bookworm", "trixie"), "a package made here is not for Debian 12 or 13")
    def test_apt_upgrades_from_a_repository_that_the_user_signed(self):
        """The commands of docs/install.md, with the repository in a folder instead of on a web server."""
        fresh = self.fresh(SYSTEM)
        keys = fresh.root / "tmp/keys"
        keys.mkdir(mode=0o700)
        gpg = {**os.environ, "GNUPGHOME": str(keys)}
        self.addCleanup(subprocess.run, ["gpgconf", "--kill", "all"], env=gpg, check=False)
        make = ["gpg", "--batch", "--quick-generate-key", "--passphrase", "", "packages@example.org"]
        subprocess.run(make, check=True, env=gpg, capture_output=True)

        def add(package):
            command = [SOURCE / "packaging/repository", fresh.root / "srv/apt", SYSTEM, "packages@example.org", package]
            subprocess.run(command, check=True, env=gpg, stdout=subprocess.DEVNULL)

        add(release.as_version("0.0.1", fresh.root / "tmp"))
        (fresh.root / "etc/apt/sources.list.d/semblance.sources").write_text(
            f"Types: deb\nURIs: file:/srv/apt\nSuites: {SYSTEM}\nComponents: main\nSigned-By: /srv/apt/semblance.asc\n"
        )
        fresh.run("apt-get", "update", "-qq")
        fresh.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "semblance")
        version = ("dpkg-query", "-W", "-f", "${Version}", "semblance")
        self.assertEqual(fresh.run(*version).stdout, "0.0.1")
        add(release.one("*.deb"))
        fresh.run("apt-get", "update", "-qq")
        fresh.run("apt-get", "upgrade", "-y", "-qq")
        self.assertEqual(fresh.run(*version).stdout, release.one("*.deb").name.split("_")[1])
        self.same_person(fresh, "/usr/bin/semblance")

    @machine.needed
    @unittest.skipUnless(
        SYSTEM in ("bookworm", "trixie"),
        "a tarball made here needs the libraries of this system, which is not Debian 12 or 13",
    )
    def test_the_tarball_runs_where_it_is_unpacked_and_where_it_is_moved_to(self):
        depends = subprocess.run(
            ["dpkg-deb", "-f", release.one("*.deb"), "Depends"], check=True, capture_output=True, text=True
        ).stdout
        # The tarball brings ICU itself and reads no JPEG XL: each release of Debian has other packages of these.
        without = ("systemd", "libicu", "libjxl")
        libraries = [name.split()[0] for name in depends.split(", ") if not name.startswith(without)]
        for suite in sorted({SYSTEM, "trixie"}):
            with self.subTest(suite=suite):
                fresh = self.fresh(suite)
                fresh.run("useradd", "-m", "tester")
                fresh.run("apt-get", "update", "-qq")
                fresh.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *libraries)
                subprocess.run(["tar", "-xf", release.one("*.tar.gz"), "-C", fresh.root / "opt"], check=True)
                unpacked = next((fresh.root / "opt").iterdir())
                moved = fresh.root / "home/tester/any where"
                as_user = {"user": "tester", "environment": {"HOME": "/home/tester"}}
                self.same_person(fresh, f"/opt/{unpacked.name}/bin/semblance", **as_user)
                unpacked.rename(moved)
                self.same_person(fresh, "/home/tester/any where/bin/semblance", **as_user)


if __name__ == "__main__":
    unittest.main()
