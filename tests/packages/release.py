"""What script/release makes, from copies of this checkout in folders of different names; each copy once."""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import checkout

MISSING = [tool for tool in ("dpkg-shlibdeps", "node", "npm") if not shutil.which(tool)]
needed = unittest.skipIf(MISSING, f"{', '.join(MISSING)} is not installed")


def new_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-release-"))
    atexit.register(shutil.rmtree, folder, True)
    return folder


@functools.cache
def snapshot():
    """The source of all releases: one copy, so that later changes of the checkout do not matter."""
    folder = new_folder() / "source"
    checkout.copy(folder)
    return folder


@functools.cache
def released(name):
    """The folder with the release made in a copy called `name`."""
    folder = new_folder()
    shutil.copytree(snapshot(), folder / name, symlinks=True)
    (folder / name / "deps").symlink_to((checkout.SOURCE / "deps").resolve())
    subprocess.run(
        [folder / name / "script/release", folder / "dist"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1764100000", "CCACHE_DISABLE": "1", "DOCKER": "false"},
    )
    return folder / "dist"


def one(pattern, name="one"):
    return next(released(name).glob(pattern))


def as_version(version, folder):
    """The .deb under another version."""
    unpacked, file = folder / f"tree-{version}", folder / f"semblance_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-R", one("*.deb"), unpacked], check=True)
    control = unpacked / "DEBIAN/control"
    lines = control.read_text().splitlines(True)
    control.write_text("".join(f"Version: {version}\n" if s.startswith("Version:") else s for s in lines))
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", unpacked, file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(unpacked)
    return file
