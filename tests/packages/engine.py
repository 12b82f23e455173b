"""A container engine for tests: the tool that SB_ENGINE names (default: ../shared/engine beside the checkout).

The tool has the commands up, image SUITE (makes debian:SUITE-slim) and run COMMAND...; where COMMAND runs, the folder
ENGINE_SHARE is /share."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import checkout

TOOL = pathlib.Path(os.environ.get("SB_ENGINE", checkout.SOURCE.parent / "shared/engine"))
HOME = pathlib.Path(os.environ.get("ENGINE_HOME", pathlib.Path.home() / ".cache/engine"))
SHARE = pathlib.Path(os.environ.get("ENGINE_SHARE", HOME / "share"))
needed = unittest.skipUnless(TOOL.is_file() and os.geteuid() == 0, "there is no container engine (SB_ENGINE) here")


def call(*command, check=True, timeout=1800):
    done = subprocess.run([TOOL, *command], capture_output=True, text=True, check=False, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}"[-4000:])
    return done


def docker(*command, **options):
    return call("run", "docker", *command, **options)


def up(suite):
    """The engine runs, and has the image debian:SUITE-slim."""
    call("up")
    if docker("image", "inspect", f"debian:{suite}-slim", check=False).returncode:
        call("image", suite)


def shared_folder(case):
    """A folder that the engine sees: (its path here, its path there)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="test-", dir=SHARE))
    case.addCleanup(shutil.rmtree, folder, True)
    return folder, f"/share/{folder.name}"


def wait(what, condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.2)
