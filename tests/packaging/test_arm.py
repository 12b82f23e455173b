"""64-bit ARM, by emulation: the code that needs neither the inference runtime nor a library."""

import json
import pathlib
import shutil
import subprocess
import unittest

from program import PROGRAM, SOURCE

BUILD = pathlib.Path(PROGRAM).parent
TOOLS = ("aarch64-linux-gnu-gcc", "qemu-aarch64")


class Arm(unittest.TestCase):
    def setUp(self):
        missing = [tool for tool in TOOLS if not shutil.which(tool)]
        if missing or not pathlib.Path("/usr/aarch64-linux-gnu/lib/libc.a").exists():
            self.skipTest("Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user are not all here")
        options = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
        if next(o["value"] for o in options if o["name"] == "b_sanitize") != "none":
            self.skipTest("it is a build of its own, without sanitizers, so the plain run has it")

    def test_base_statistics_and_the_index_with_its_neon_kernels_pass_their_tests(self):
        done = subprocess.run(
            [SOURCE / "tests/arm/run", BUILD / "arm"], capture_output=True, text=True, timeout=900, check=False
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for test in ("base", "stats", "kernels", "index_parts", "index"):
            self.assertIn(f"# {test}\nok 1 - ", done.stdout)
