"""The packaged service under a real systemd, which is the first process of a container."""

import json
import pathlib
import shutil
import tempfile
import unittest

import checkout
import release

import engine

FRIENDS = checkout.SOURCE / "deps/photos/face_recognition"
SYSTEM = "bookworm"
RELEASE = dict(
    line.rstrip().split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line
)
DOCKERFILE = f"""FROM debian:{SYSTEM}-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv dbus curl
CMD ["/lib/systemd/systemd"]
"""
UNIT = "semblance.service"


@engine.needed
@release.needed
@unittest.skipUnless(RELEASE.get("VERSION_CODENAME") == SYSTEM, f"a package made here is not for {SYSTEM}")
class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        engine.up(SYSTEM)
        context = pathlib.Path(tempfile.mkdtemp(prefix="image-", dir=engine.SHARE))
        cls.addClassCleanup(shutil.rmtree, context, True)
        (context / "Dockerfile").write_text(DOCKERFILE)
        engine.docker("build", "-q", "-t", "semblance-test-systemd", f"/share/{context.name}")

    def setUp(self):
        self.folder, there = engine.shared_folder(self)
        for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
            shutil.copy(FRIENDS / name, self.folder)
        mounts = ("-v", f"{there}:/given", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns=host")
        self.container = engine.docker("run", "-d", "--privileged", *mounts, "semblance-test-systemd").stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", self.container)
        engine.wait(
            "systemd", lambda: self.run_inside("systemctl is-system-running", check=False).stdout == "running\n"
        )

    def run_inside(self, command, check=True):
        return engine.docker("exec", self.container, "sh", "-c", command, check=check)

    def package(self, version=None):
        """Puts this checkout's package into the container's /given, with another version if one is given."""
        file = release.as_version(version, self.folder) if version else self.folder / "semblance-this.deb"
        if not version:
            shutil.copy(release.one("*.deb"), file)
        return f"/given/{file.name}"

    def install(self, package):
        self.run_inside(
            "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "
            + package
        )

    def start(self):
        self.run_inside(f"systemctl enable --now {UNIT}")
        self.is_ready()

    def is_ready(self):
        def ready():
            if self.run_inside(f"systemctl is-failed {UNIT}", check=False).stdout == "failed\n":
                raise AssertionError(self.run_inside(f"journalctl -u {UNIT} --no-pager").stdout)
            return self.run_inside("curl -sf localhost:8501/readyz", check=False).returncode == 0

        engine.wait("readiness", ready)

    def enroll(self):
        self.run_inside("curl -sf -F id=44 -F name=Barack -F image=@/given/obama.jpg localhost:8501/v1/people")

    def found(self):
        answer = json.loads(self.run_inside("curl -sf -F image=@/given/obama2.jpg localhost:8501/v1/search").stdout)
        best = answer["faces"][0]["candidates"][0]
        return best["id"], best["match"]

    def journal(self):
        return self.run_inside(f"journalctl -u {UNIT} --no-pager").stdout

    def test_it_starts_serves_restarts_is_upgraded_stops_in_good_order_and_a_purge_keeps_the_gallery(self):
        self.install(self.package("0.0.1"))
        self.start()
        self.assertIn("<title>", self.run_inside("curl -sf localhost:8501/").stdout)
        self.enroll()
        self.assertEqual(self.found(), ("44", True))
        self.run_inside(f"systemctl restart {UNIT}")
        self.is_ready()
        self.assertEqual(self.found(), ("44", True))
        before = self.run_inside(f"systemctl show -p MainPID --value {UNIT}").stdout
        self.install(self.package())
        self.is_ready()
        self.assertNotEqual(self.run_inside(f"systemctl show -p MainPID --value {UNIT}").stdout, before)
        self.assertEqual(self.found(), ("44", True))
        self.run_inside(f"systemctl stop {UNIT}")
        self.assertEqual(self.run_inside(f"systemctl show -p Result --value {UNIT}").stdout, "success\n")
        self.assertIn("stopping: finishing", self.journal())
        self.run_inside("DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq semblance")
        self.run_inside("test -e /var/lib/semblance/semblance.db && test ! -e /var/cache/semblance")

    def test_its_own_sandbox_is_not_forbidden_by_the_unit(self):
        self.install(self.package())
        self.start()
        self.assertNotIn("warning sandbox", self.journal())
        self.assertEqual(self.run_inside(f"systemd-analyze verify {UNIT} 2>&1").stdout, "")

    def test_settings_of_etc_semblance_apply(self):
        self.install(self.package())
        self.run_inside("echo 'port = 8502' >/etc/semblance/semblance.conf && chmod 644 /etc/semblance/semblance.conf")
        self.run_inside(f"systemctl enable --now {UNIT}")
        engine.wait(
            "the other port", lambda: not self.run_inside("curl -sf localhost:8502/readyz", check=False).returncode
        )

    def test_the_root_key_can_be_an_encrypted_credential(self):
        """The commands of docs/install.md."""
        text = (checkout.SOURCE / "docs/install.md").read_text()
        commands = text.split("### The service")[1].split("```")[1].removeprefix("sh\n")
        self.install(self.package())
        (self.folder / "commands").write_text(commands)
        self.run_inside("sh -e /given/commands")
        given = "LoadCredentialEncrypted=semblance.key:/etc/semblance/semblance.key"
        read = f"systemd-run -q --wait --pipe -p {given} sh -c 'test -e $CREDENTIALS_DIRECTORY/semblance.key'"
        if self.run_inside(read, check=False).returncode:
            self.skipTest("this container's systemd hands no credentials to services")
        self.start()
        self.enroll()
        self.run_inside("test ! -e /var/lib/semblance/semblance.key")
        self.run_inside(f"systemctl restart {UNIT}")
        self.is_ready()
        self.assertEqual(self.found(), ("44", True))


if __name__ == "__main__":
    unittest.main()
