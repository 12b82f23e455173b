"""Executes packaging/Dockerfile step by step in folders, so that it is tested without a container engine, too."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

import checkout
import dockerfile
import machine

MEGABYTE = 1000 * 1000


class Built:
    """The stages of a Dockerfile, executed."""

    def __init__(self, stages, source, at_end):
        self.machines, self.images, self.source = {}, [], source
        for stage in stages:
            fresh = machine.Machine(stage.image.split(":")[1].split("-")[0])
            at_end(fresh.remove)
            self.images.append(fresh)
            self.machines[stage.name] = fresh
            fresh.user, fresh.folder = "root", "/"
            for instruction, text in stage.steps:
                getattr(self, instruction.lower(), self.nothing)(fresh, text)
            fresh.give_back()

    def nothing(self, fresh, text):
        """EXPOSE, HEALTHCHECK, ENTRYPOINT and CMD change no file."""

    def run(self, fresh, text):
        given, command = dockerfile.options(text)
        mounts = ""
        mount = dict(part.split("=") for part in given["mount"].split(",")) if "mount" in given else {}
        if mount.get("type") == "bind":  # a cache is no part of the image, and may be empty
            (fresh.root / mount["target"].lstrip("/")).mkdir()
            mounts = f"mount --bind {self.machines[mount['from']].root}{mount['source']} $root{mount['target']};"
        fresh.run("/bin/sh", "-c", command, user=fresh.user, folder=fresh.folder, mounts=mounts)
        if mount.get("type") == "bind":
            (fresh.root / mount["target"].lstrip("/")).rmdir()

    def copy(self, fresh, text):
        given, paths = dockerfile.options(text)
        origin, target = shlex.split(paths)
        start = self.machines[given["from"]].root if "from" in given else self.source
        into = fresh.root / target.lstrip("/")
        into.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                "cp",
                "-a",
                "--no-preserve=ownership",
                f"{start}/{origin}" + ("/." if (start / origin).is_dir() else ""),
                into,
            ],
            check=True,
        )

    def env(self, fresh, text):
        fresh.environment.update(pair.split("=", 1) for pair in shlex.split(text))

    def user(self, fresh, text):
        """The environment of the image; an engine sets HOME, too."""
        rows = [line.split(":") for line in (fresh.root / "etc/passwd").read_text().splitlines()]
        fresh.user, fresh.environment["HOME"] = text, next(row[5] for row in rows if row[0] == text)

    def workdir(self, fresh, text):
        fresh.folder = text
        (fresh.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)


@machine.needed
class Container(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="semblance-context-")
        cls.addClassCleanup(folder.cleanup)
        checkout.copy(pathlib.Path(folder.name, "source"))
        cls.stages = dockerfile.read((checkout.SOURCE / "packaging/Dockerfile").read_text())
        built = Built(cls.stages, pathlib.Path(folder.name, "source"), cls.addClassCleanup)
        cls.image, cls.last = built.images[-1], cls.stages[-1]

    def test_the_image_is_under_250_megabytes(self):
        size = self.image.size()
        print(f"# the image: {size / MEGABYTE:.1f} MB", flush=True)
        self.assertLess(size, 250 * MEGABYTE)

    def test_the_server_becomes_healthy_on_a_read_only_root_as_an_unprivileged_user(self):
        """The root key is a secret and only the volumes are writable, as in compose.yaml."""
        volumes = " ".join(self.last.arguments("VOLUME")).split()
        (self.image.root / "run/secrets").mkdir(exist_ok=True)
        (self.image.root / "run/secrets/semblance_key").write_text("42" * 32 + "\n")
        mounts = "ip link set lo up; mount --rbind $root $root; mount -o remount,bind,ro $root;" + "".join(
            f"mount -t tmpfs -o mode=0700,uid=10001,gid=10001 none $root{volume};" for volume in volumes
        )
        self.assertNotEqual(self.image.user, "root")
        command = self.last.command("ENTRYPOINT") + self.last.command("CMD")
        environment = {**self.image.environment, "SEMBLANCE_KEY_FILE": "/run/secrets/semblance_key"}
        with tempfile.TemporaryFile("w+") as log:
            server = subprocess.Popen(
                self.image.entered(
                    command, user=self.image.user, folder=self.image.folder, mounts=mounts, network=False
                ),
                env=environment,
                stderr=log,
            )
            try:
                self.assertTrue(self.becomes_healthy(server), log.seek(0) or log.read())
                page = self.beside(
                    server,
                    "bash",
                    "-c",
                    "exec 3<>/dev/tcp/127.0.0.1/8501; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3",
                ).stdout
                self.assertIn("<title>", page)
                status = json.loads(self.beside(server, "/usr/bin/semblance", "keys", "status", "--json").stdout)
                self.assertIn("SEMBLANCE_KEY_FILE", json.dumps(status))
                self.assertNotEqual(self.beside(server, "touch", "/usr/bin/x").returncode, 0)
            finally:
                os.kill(
                    self.inner(server), signal.SIGTERM
                )  # the signal that an engine sends; unshare itself ignores it
                server.wait(60)

    def inner(self, server):
        """The server's process id outside the container."""
        return int(pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0])

    def beside(self, server, *command):
        """A command in the container's namespaces, as its user (`docker exec`)."""
        return subprocess.run(
            [
                "nsenter",
                "--target",
                str(self.inner(server)),
                "--mount",
                "--pid",
                "--net",
                "chroot",
                f"--userspec={self.image.user}",
                self.image.root,
                *command,
            ],
            env={**self.image.environment, "SEMBLANCE_KEY_FILE": "/run/secrets/semblance_key"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def becomes_healthy(self, server):
        for _ in range(60):
            time.sleep(1)
            if server.poll() is not None:
                return False
            if self.beside(server, *self.last.command("HEALTHCHECK")).returncode == 0:
                return True
        return False


if __name__ == "__main__":
    unittest.main()
