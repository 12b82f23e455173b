"""64-bit ARM, by emulation of a Cortex-A76 (Raspberry Pi 5): the program with its runtime says of a photo what it says
on this processor.

Of QEMU's processors, "max" has SME with vectors of 256 bits, which no real processor has, and the runtime's
convolutions are wrong there: its kernels take them for 512 bits (docs/install.md)."""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import unittest

import machine
from program import FRIENDS, PROGRAM, SOURCE

TOOLS = ("aarch64-linux-gnu-gcc", "qemu-aarch64", "mmdebstrap", "meson")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)] or (os.geteuid() and ["root"]) or []
FOLDER = machine.CACHE / "arm"
PHOTO = pathlib.Path(FRIENDS).resolve() / "obama.jpg"


def emulated(program):
    root = FOLDER / "root"
    libraries = [root / "opt/openvino/lib", root / "usr/lib/aarch64-linux-gnu", root / "lib/aarch64-linux-gnu"]
    libraries.append("/usr/aarch64-linux-gnu/lib")
    path = ":".join(map(str, libraries))
    return ["qemu-aarch64", "-L", root, "-cpu", "cortex-a76", "-E", f"LD_LIBRARY_PATH={path}", program]


@unittest.skipIf(MISSING, f"{', '.join(map(str, MISSING))} is missing")
@unittest.skipUnless(platform.machine() == "x86_64", "this is not the processor to compare with")
class Arm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([SOURCE / "tests/arm/build", FOLDER], capture_output=True, text=True, timeout=3600)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        cls.commands = {"arm": emulated(done.stdout.strip()), "x86": [PROGRAM]}

    def face(self, verb):
        """The face that the verb finds, on each processor."""
        found = {}
        for name, command in self.commands.items():
            settings = {
                "SEMBLANCE_MODELS": f"{SOURCE.resolve() / 'models'}:{SOURCE.resolve() / 'deps/models'}",
                "XDG_CACHE_HOME": str(FOLDER / f"cache-{name}"),
                "XDG_DATA_HOME": str(FOLDER / f"data-{name}"),
            }
            done = subprocess.run(
                [*command, verb, PHOTO, "--json"],
                capture_output=True,
                text=True,
                timeout=1800,
                env={**os.environ, **settings},
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            found[name] = json.loads(done.stdout)
        return found["arm"], found["x86"]

    def test_the_box_and_every_part_of_the_quality_agree(self):
        (mine,), (theirs,) = (answer["faces"] for answer in self.face("detect"))
        for side in "xywh":
            self.assertAlmostEqual(mine["box"][side], theirs["box"][side], delta=1)
        self.assertGreater(theirs["quality"], 0.9)
        for part, value in theirs["quality_parts"].items():
            self.assertAlmostEqual(mine["quality_parts"][part], value, delta=0.02, msg=part)

    def test_the_embedding_agrees(self):
        (mine,), (theirs,) = (answer["faces"] for answer in self.face("represent"))
        cosine = sum(a * b for a, b in zip(mine["embedding"], theirs["embedding"]))
        print(f"# cosine of the embeddings: {cosine:.6f}")
        self.assertGreaterEqual(cosine, 0.9999)

    def test_the_components_of_a_portrait_agree(self):
        mine, theirs = (answer["photos"][0] for answer in self.face("quality"))
        self.assertIn("eyes_open", theirs["components"])
        for name, value in theirs["components"].items():
            if value is None:
                self.assertIsNone(mine["components"][name], name)
            else:
                self.assertAlmostEqual(mine["components"][name], value, delta=2, msg=name)


if __name__ == "__main__":
    unittest.main()
