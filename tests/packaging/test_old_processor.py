"""x86-64 without AVX, by emulation: everything but the inference runtime works, and the error says why."""

import json
import os
import pathlib
import platform
import shutil
import subprocess

from program import FRIENDS, PROGRAM, ProgramCase

BUILD = pathlib.Path(PROGRAM).parent
OPTIONS = {o["name"]: o["value"] for o in json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())}
EMULATE = ["qemu-x86_64", "-cpu", "Nehalem"]  # SSE4.2 and no more


class OldProcessor(ProgramCase):
    def setUp(self):
        super().setUp()
        if platform.machine() != "x86_64" or not shutil.which(EMULATE[0]):
            self.skipTest("qemu-x86_64 (Debian's qemu-user) is not installed, or this is not x86-64")
        if OPTIONS["b_sanitize"] != "none":
            self.skipTest("the sanitizers' memory does not fit into the emulator's")

    def emulated(self, program, *arguments):
        return subprocess.run(
            [*EMULATE, program, *arguments],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"},
        )

    def test_every_layer_below_the_engine_passes_its_tests(self):
        for layer in ("base", "image", "kernels", "stats", "store"):
            with self.subTest(layer=layer):
                done = self.emulated(BUILD / f"tests/unit/test_{layer}")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("ok 1", done.stdout)

    def test_the_search_and_sql_work_and_photos_are_refused_with_the_reason(self):
        bench = self.emulated(PROGRAM, "bench", "search", "--rows", "1000", "--dim", "64", "--probes", "32", "--json")
        self.assertGreater(json.loads(bench.stdout)["recall_at_10"], 0.99)
        self.assertIn(
            "42",
            self.emulated(
                PROGRAM, "sql", "--db", str(self.folder / "own.db"), "--write", "CREATE TABLE t(a); SELECT 42"
            ).stdout,
        )
        self.assertEqual(self.emulated(PROGRAM, "list", "--data", str(self.data)).returncode, 0)
        refused = self.emulated(PROGRAM, "detect", FRIENDS / "obama.jpg", "--data", str(self.data))
        self.assertEqual(refused.returncode, 4)
        self.assertIn("does not support AVX", refused.stderr)
